public import ContentStore
internal import HTTPTransport
public import OCI

extension RegistryClient {
    /// Downloads a blob into the store, verified while it streams; nothing of a wrong one stays.
    ///
    /// - Parameters:
    ///   - isForLater: Whether it is unlikely to be read soon.
    ///   - progress: Called with the number of bytes that are there, now and then.
    /// - Throws: `RegistryError`, `SystemError`, `CancellationError`.
    public func fetch(
        _ blob: Descriptor,
        in repository: String,
        to blobs: BlobStore,
        isForLater: Bool = false,
        progress: @escaping @Sendable (Int64) -> Void = { _ in }
    ) async throws {
        let subject = blobSubject(blob.digest, repository, [.pull])
        let address = try await address(repository, "blobs/\(blob.digest)", subject)
        var sink = try BlobDownload(
            blob,
            blobs,
            isForLater: isForLater,
            tooLong: error(.wrongSize(expected: blob.size), subject),
            progress
        )
        _ = try await download(HTTPRequest(.get, address), subject, to: &sink)
        guard sink.count == blob.size else { throw error(.wrongSize(expected: blob.size), subject) }
        do {
            try sink.commit()
        } catch ContentStoreError.damaged(let digest) {
            throw error(.wrongDigest(expected: digest), subject)
        }
    }

    /// Whether the registry has a blob; it is not asked where it has said so before.
    public func hasBlob(_ digest: Digest, in repository: String) async throws -> Bool {
        if blobs.contains(digest, in: repository) { return true }
        // The scope of a push, so that one token serves all that follows.
        let subject = blobSubject(digest, repository, [.pull, .push])
        let response = try await send(
            HTTPRequest(.head, try await address(repository, "blobs/\(digest)", subject)),
            subject
        )
        // Some do not know the method, or let those who write not read; then it is sent, which does no harm.
        if [403, 404, 405].contains(response.status) { return false }
        guard response.isSuccess else {
            throw await RegistryError(response, host: endpoint.host, subject: subject.text)
        }
        blobs.insert(digest, in: repository)
        return true
    }

    /// Takes it that a repository has a blob, since a manifest in it says so.
    public func believe(_ digest: Digest, in repository: String) { blobs.insert(digest, in: repository) }

    /// Asks again for everything that a repository was known to have.
    public func forgetBlobs(in repository: String) { blobs.forget(repository) }

    func blobSubject(_ digest: Digest, _ repository: String, _ access: Set<TokenScope.Access>) -> Subject {
        Subject(repository: repository, access: access, text: "blob \(digest.short) of `\(repository)`")
    }
}

/// A blob on its way into the store.
private struct BlobDownload: HTTPSink {
    private let blob: Descriptor
    private let blobs: BlobStore
    private let isForLater: Bool
    private let tooLong: RegistryError
    private let progress: @Sendable (Int64) -> Void
    private var file: BlobFile
    private(set) var count: Int64 = 0

    init(
        _ blob: Descriptor,
        _ blobs: BlobStore,
        isForLater: Bool,
        tooLong: RegistryError,
        _ progress: @escaping @Sendable (Int64) -> Void
    ) throws {
        self.blob = blob
        self.blobs = blobs
        self.isForLater = isForLater
        self.tooLong = tooLong
        self.progress = progress
        file = BlobFile(try blobs.writer(isForLater: isForLater))
    }

    mutating func write(_ bytes: UnsafeRawBufferPointer) throws {
        count += Int64(bytes.count)
        // An endless body must not fill the disk.
        guard count <= blob.size else { throw tooLong }
        try file.write(bytes)
        progress(count)
    }

    mutating func restart() throws {
        file = BlobFile(try blobs.writer(isForLater: isForLater))
        count = 0
    }

    func commit() throws { try file.commit(expecting: blob.digest) }
}

/// A writer in a box: it can be moved only once, and a sink is copied.
private final class BlobFile {
    private var writer: BlobWriter?

    init(_ writer: consuming BlobWriter) { self.writer = consume writer }

    func write(_ bytes: UnsafeRawBufferPointer) throws { try writer?.write(bytes) }

    func commit(expecting digest: Digest) throws {
        guard let writer = writer.take() else { preconditionFailure("a blob is committed once") }
        try writer.commit(expecting: digest)
    }
}
