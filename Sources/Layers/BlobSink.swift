public import ContentStore
public import OCI
public import SystemPackage
public import Tar

/// Writes a blob of the store.
public final class BlobSink: ByteSink {
    private var writer: BlobWriter?
    /// Where the bytes are until the blob has its name.
    public let path: FilePath
    private let progress: (@Sendable (Int64) -> Void)?
    /// When this many bytes are written, progress is reported next.
    private var nextMark = BlobSink.markDistance

    private static let markDistance: Int64 = 8 << 20

    /// - Parameters:
    ///   - isForLater: Whether the blob is unlikely to be read soon.
    ///   - progress: Told after every 8 MiB how many bytes are written, on whatever thread writes.
    public init(_ blobs: BlobStore, isForLater: Bool = false, progress: (@Sendable (Int64) -> Void)? = nil) throws {
        let writer = try blobs.writer(isForLater: isForLater)
        path = writer.path
        self.writer = consume writer
        self.progress = progress
    }

    public func write(_ bytes: UnsafeRawBufferPointer) throws {
        try writer?.write(bytes)
        count += Int64(bytes.count)
        guard count >= nextMark else { return }
        nextMark = count + BlobSink.markDistance
        progress?(count)
    }

    /// Bytes written so far.
    public private(set) var count: Int64 = 0

    /// Waits until what was written is on disk.
    public func synchronize() throws { try writer?.synchronize() }

    /// Gives the blob its name if it is the one that was promised; otherwise nothing of it stays.
    ///
    /// - Throws: `ContentStoreError.damaged` when the bytes have another digest.
    public func commit(expecting digest: Digest) throws {
        guard let writer = writer.take() else { preconditionFailure("a blob is committed once") }
        try writer.commit(expecting: digest)
    }

    /// Gives the blob its name; nothing may be written after it.
    public func commit() throws -> Digest {
        guard let writer = writer.take() else { preconditionFailure("a blob is committed once") }
        return try writer.commit()
    }
}
