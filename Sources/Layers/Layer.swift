public import OCI

/// One layer of an image: its identity and the blob that holds it.
///
/// `diffID` names the uncompressed tar, `blob.digest` the bytes as they were made or pulled;
/// they are equal exactly for a layer that is stored uncompressed.
public struct Layer: Sendable, Hashable, Codable {
    public let diffID: Digest
    public let blob: Descriptor

    public init(diffID: Digest, blob: Descriptor) {
        self.diffID = diffID
        self.blob = blob
    }

    /// A layer of our own making, stored uncompressed.
    public init(diffID: Digest, tarSize: Int64) {
        self.init(diffID: diffID, blob: Descriptor(mediaType: .layer, digest: diffID, size: tarSize))
    }
}
