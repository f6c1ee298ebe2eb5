internal import ContentStore
internal import OCI
internal import Tar

/// Passes a stream through and takes its SHA-256.
final class HashingSource: ByteSource {
    private let source: ByteSource
    private var hasher = SHA256Hasher()
    private(set) var count: Int64 = 0

    init(_ source: ByteSource) { self.source = source }

    override func next() throws -> UnsafeRawBufferPointer {
        let bytes = try source.next()
        hasher.update(bytes)
        count += Int64(bytes.count)
        return bytes
    }

    /// Reads what is left and gives the digest of everything.
    func finish() throws -> Digest {
        while try !next().isEmpty {}
        return hasher.finish()
    }
}
