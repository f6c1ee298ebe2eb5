public import ContentStore
internal import FileSystem
internal import Glibc
public import HTTPTransport
public import OCI
public import RemoteAddresses
public import SystemPackage

/// A file on a server: which content it has, known before the content itself has to be here.
public struct RemoteFile: Sendable {
    public let address: WebAddress
    public let digest: Digest
    /// When the server says it was changed, in seconds since 1970; 0 where it does not say, as in BuildKit.
    public let modified: Int64
}

/// Files from servers.
///
/// What was downloaded stays in the store as a blob, with what makes the server say whether it is still the same.
public struct RemoteFiles: Sendable {
    private let store: Store
    private let session: HTTPSession

    public init(_ store: Store, session: HTTPSession) {
        self.store = store
        self.session = session
    }

    /// Finds out what a server has, and downloads it unless it is here already.
    ///
    /// With a checksum the server is not asked at all: the content is fetched by `content(of:)` if it is needed.
    ///
    /// - Parameters:
    ///   - checksum: What the content must be.
    ///   - isRevalidated: Whether an earlier download counts where the server says that it is still the same.
    /// - Throws: `RemoteSourceError`, `SystemError`, `CancellationError`.
    public func resolve(_ address: WebAddress, checksum: Digest? = nil, isRevalidated: Bool = true) async throws
        -> RemoteFile
    {
        let path = DownloadRecord.path(of: address, in: store)
        let known = DownloadRecord(path: path)
        if let checksum {
            let modified = known?.digest == checksum ? known?.modified : nil
            return RemoteFile(address: address, digest: checksum, modified: modified ?? 0)
        }
        var request = HTTPRequest(.get, address)
        if isRevalidated, let known, store.blobs.size(known.digest) == known.size {
            request.fields["If-None-Match"] = known.tag
            if known.tag == nil { request.fields["If-Modified-Since"] = known.lastModified }
        }
        return try await fetch(request, known)
    }

    /// The path of the content, downloaded if it is not here; it stays there as long as the store's lock is held.
    ///
    /// - Throws: As `resolve`; `.checksum` when the server has something else by now.
    public func content(of file: RemoteFile) async throws -> (path: FilePath, size: Int64, modified: Int64) {
        var file = file
        if !store.blobs.verify(file.digest) {
            let fetched = try await fetch(HTTPRequest(.get, file.address), nil)
            guard fetched.digest == file.digest else {
                throw RemoteSourceError.checksum(file.address, expected: file.digest, actual: fetched.digest)
            }
            file = fetched
        }
        let path = store.blobs.path(file.digest)
        return (path, try FileStatus.of(path).size, file.modified)
    }

    private func fetch(_ request: HTTPRequest, _ known: DownloadRecord?) async throws -> RemoteFile {
        var sink = BlobDownload(store.blobs)
        let response: HTTPResponse
        do {
            response = try await session.download(request, to: &sink)
        } catch let error as HTTPError {
            throw RemoteSourceError.http(error)
        }
        if response.status == 304, let known {
            return RemoteFile(address: request.address, digest: known.digest, modified: known.modified)
        }
        guard response.status == 200 else {
            throw RemoteSourceError.http(.status(response.address, response.status))
        }
        let (digest, size) = try sink.finish()
        let record = DownloadRecord(
            tag: response.fields["ETag"],
            lastModified: response.fields["Last-Modified"],
            digest: digest,
            size: size
        )
        try record.write(to: DownloadRecord.path(of: request.address, in: store), in: store)
        return RemoteFile(address: request.address, digest: digest, modified: record.modified)
    }
}

/// A download on its way into the store.
private struct BlobDownload: HTTPSink {
    private let blobs: BlobStore
    /// Made with the first bytes; a class, since a writer cannot be copied and this value goes through generic code.
    private var open: OpenBlob?

    init(_ blobs: BlobStore) {
        self.blobs = blobs
    }

    mutating func write(_ bytes: UnsafeRawBufferPointer) throws {
        try current().write(bytes)
    }

    mutating func restart() throws { open = nil }

    mutating func finish() throws -> (Digest, Int64) { try current().finish() }

    private mutating func current() throws -> OpenBlob {
        if let open { return open }
        let new = OpenBlob(try blobs.writer())
        open = new
        return new
    }
}

private final class OpenBlob {
    private var writer: BlobWriter?

    init(_ writer: consuming BlobWriter) {
        self.writer = consume writer
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws { try writer?.write(bytes) }

    func finish() throws -> (Digest, Int64) {
        guard let writer = writer.take() else { preconditionFailure("a download is finished once") }
        let size = writer.count
        return (try writer.commit(), size)
    }
}
