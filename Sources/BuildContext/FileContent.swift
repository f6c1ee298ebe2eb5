public import FileSystem
public import OCI

/// What one file of a context held at one moment.
public struct FileContent: Sendable {
    /// As it was before and after the reading.
    public let status: FileStatus
    /// SHA-256 of the bytes.
    public let digest: Digest
    /// The attributes that go into an image.
    public let extendedAttributes: [ExtendedAttribute]
    /// Whether any later change is sure to be seen in the status.
    public let isSettled: Bool

    /// What was read from an open file, once it is known to be unchanged.
    public init(_ file: ContextFile, digest: Digest) {
        status = file.status
        self.digest = digest
        extendedAttributes = file.extendedAttributes
        isSettled = file.isSettled
    }
}
