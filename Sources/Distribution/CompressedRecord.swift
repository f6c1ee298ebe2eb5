internal import FileSystem
internal import OCI
internal import SystemPackage

/// What is remembered of a layer that was compressed in some way.
struct CompressedRecord {
    let digest: Digest
    let size: Int64
    /// Where the blob's tar is another one than the layer's.
    var diffID: Digest?
    /// What readers of the form need in the descriptor.
    var annotations: [String: String] = [:]

    private static let header = "swiftbuild-compressed 1"
    private static let diffIDKey = "diff-id"

    init(digest: Digest, size: Int64) { (self.digest, self.size) = (digest, size) }

    /// Reads a record; `nil` where there is none that is whole.
    init?(_ path: FilePath) {
        guard let bytes = try? FileOperations.readRegular(path, limit: 1 << 12) else { return nil }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 4, lines[0] == Self.header, lines.last == "", let digest = Digest(hex: lines[1]),
            let size = Int64(lines[2]), size > 0
        else { return nil }
        self.init(digest: digest, size: size)
        for line in lines[3...].dropLast() {
            let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2 else { return nil }
            guard parts[0] == Self.diffIDKey else {
                annotations[parts[0]] = parts[1]
                continue
            }
            guard let diffID = Digest(hex: parts[1]) else { return nil }
            self.diffID = diffID
        }
    }

    var text: String {
        let values = (diffID.map { [(Self.diffIDKey, $0.hex)] } ?? []) + annotations.sorted { $0.key < $1.key }
        return ([Self.header, digest.hex, String(size)] + values.map { "\($0.0)=\($0.1)" }).joined(separator: "\n")
            + "\n"
    }

    func descriptor(_ mediaType: MediaType) -> Descriptor {
        let annotations = annotations.isEmpty ? nil : annotations
        return Descriptor(mediaType: mediaType, digest: digest, size: size, annotations: annotations)
    }
}
