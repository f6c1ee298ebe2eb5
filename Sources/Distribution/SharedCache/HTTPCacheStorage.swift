internal import ContentStore
internal import FileSystem
internal import HTTPTransport
internal import OCI
internal import Registry
internal import RemoteAddresses

/// A server of Bazel's cache protocol, or any that keeps files by `PUT`: entries are `ac/KEY` below the address, blobs
/// `cas/DIGEST`, both in hexadecimal digits.
struct HTTPCacheStorage: CacheStorage {
    let address: WebAddress
    /// For a bucket of S3's protocol.
    var signature: S3Signature?
    let session: HTTPSession

    var name: String { "\(address)" }
    var repository: ImageReference? { nil }

    func manifest(for key: Digest) async throws -> [UInt8]? {
        let request = try request(.get, "ac/\(key.hex)")
        // The message around the manifest is small.
        let (response, bytes) = try await session.document(limit: cacheEntryLimit + 1024) {
            try await session.send(request)
        }
        guard let bytes else { return try absent(response) }
        guard let manifest = ActionResult.manifest(bytes) else { throw CacheEntry.Defect.malformed }
        return manifest
    }

    func fetch(_ blob: Descriptor, to blobs: BlobStore) async throws {
        var sink = try CachedBlobSink(blob, blobs)
        let request = try request(.get, "cas/\(blob.digest.hex)")
        let response = try await session.download(request, to: &sink)
        guard response.isSuccess else { throw HTTPError.status(response.address, response.status) }
        try sink.commit()
    }

    func put(_ manifest: RemoteManifest, for key: Digest, _ parts: [Descriptor], from blobs: BlobStore) async throws {
        for blob in parts {
            let path = "cas/\(blob.digest.hex)"
            if try await !has(path) { try await put(path, .file(blobs.path(blob.digest), 0..<blob.size), blob.digest) }
        }
        let bytes = ActionResult.encode(manifest.bytes, parts)
        try await put("ac/\(key.hex)", .bytes(bytes), SHA256Hasher.digest(of: bytes))
    }

    private func put(_ path: String, _ body: HTTPRequest.Body, _ digest: Digest) async throws {
        var request = try request(.put, path, digest)
        request.body = body
        request.fields["Content-Type"] = "application/octet-stream"
        let response = try await session.send(request)
        guard response.isSuccess else { throw HTTPError.status(response.address, response.status) }
    }

    private func has(_ path: String) async throws -> Bool {
        let response = try await session.send(try request(.head, path))
        return try response.isSuccess || absent(response) != nil
    }

    /// - Returns: Always `nil`.
    /// - Throws: What the server says where that is not that there is nothing.
    private func absent(_ response: HTTPResponse) throws -> [UInt8]? {
        guard response.status == 404 || response.status == 410 else {
            throw HTTPError.status(response.address, response.status)
        }
        return nil
    }

    private func request(
        _ method: HTTPRequest.Method,
        _ path: String,
        _ payload: Digest = SHA256Hasher.digest(of: [])
    ) throws -> HTTPRequest {
        let base = "\(address)"
        var request = HTTPRequest(method, try WebAddress(parsing: base + (base.hasSuffix("/") ? "" : "/") + path))
        request.authorization = address.credentials?.basicAuthorization
        signature?.sign(&request, payload: payload, at: Timestamp(secondsSinceEpoch: WallClock.now / 1_000_000_000))
        return request
    }
}

/// A blob on its way into the store.
// Belongs to the one task that downloads it.
private final class CachedBlobSink: HTTPSink {
    private let blob: Descriptor
    private let blobs: BlobStore
    private var writer: BlobWriter?

    init(_ blob: Descriptor, _ blobs: BlobStore) throws {
        self.blob = blob
        self.blobs = blobs
        writer = try blobs.writer()
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        try writer?.write(bytes)
        // An endless body must not fill the disk.
        if (writer?.count ?? 0) > blob.size { throw ContentStoreError.damaged(blob.digest) }
    }

    func restart() throws { writer = try blobs.writer() }

    func commit() throws {
        guard let writer = writer.take() else { preconditionFailure("a blob is committed once") }
        try writer.commit(expecting: blob.digest)
    }
}
