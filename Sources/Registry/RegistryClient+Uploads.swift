internal import FileSystem
internal import HTTPTransport
public import OCI
internal import RemoteAddresses
public import SystemPackage

extension RegistryClient {
    /// How a blob came to the registry.
    public enum Upload: Sendable {
        case sent
        /// Taken from another repository of the same registry, without sending it.
        case mounted
    }

    /// Up to here a blob is sent in one request.
    private static let wholeSize: Int64 = 8 << 20
    /// How often sending the rest of a blob is tried.
    private static let attempts = 5

    /// Sends a blob that the registry does not have.
    ///
    /// - Parameters:
    ///   - mountedFrom: A repository of the same registry that may have it.
    ///   - progress: Called with the number of bytes that the registry has.
    public func upload(
        _ blob: Descriptor,
        from file: FilePath,
        to repository: String,
        mountedFrom other: String? = nil,
        progress: @Sendable (Int64) -> Void = { _ in }
    ) async throws -> Upload {
        let subject = blobSubject(blob.digest, repository, [.pull, .push])
        guard let session = try await start(blob, repository, other, subject) else { return .mounted }
        if blob.size <= RegistryClient.wholeSize {
            try await finish(session, blob, .file(file, 0..<blob.size), subject)
        } else {
            try await finish(try await send(blob, file, session, subject, progress), blob, .none, subject)
        }
        progress(blob.size)
        return .sent
    }

    /// - Returns: Where to send it; `nil` when it was mounted.
    private func start(_ blob: Descriptor, _ repository: String, _ other: String?, _ subject: Subject) async throws
        -> WebAddress?
    {
        var path = "blobs/uploads/"
        if let other { path += "?mount=\(blob.digest)&from=\(PercentEncoding.component(other))" }
        let response = try await succeed(HTTPRequest(.post, try await address(repository, path, subject)), subject)
        if response.status == 201, other != nil { return nil }
        return try location(of: response, subject)
    }

    /// Sends everything in as few requests as the connection allows, and goes on where the registry says that it broke.
    private func send(
        _ blob: Descriptor,
        _ file: FilePath,
        _ session: WebAddress,
        _ subject: Subject,
        _ progress: @Sendable (Int64) -> Void
    ) async throws -> WebAddress {
        var session = session
        var offset: Int64 = 0
        var attempt = 1
        while offset < blob.size {
            let request = HTTPRequest(
                .patch,
                session,
                fields: [
                    "Content-Type": "application/octet-stream", "Content-Range": "\(offset)-\(blob.size - 1)",
                ],
                body: .file(file, offset..<blob.size)
            )
            do {
                let response = try await succeed(request, subject)
                return try location(of: response, subject)
            } catch let failure as RegistryError where failure.mayPass && attempt < RegistryClient.attempts {
                attempt += 1
                try await Task.sleep(for: .milliseconds(250 << attempt))
                (session, offset) = try await status(session, blob, subject)
                progress(offset)
            }
        }
        return session
    }

    /// What the registry has of an upload (distribution specification, "Pushing a blob in chunks").
    private func status(_ session: WebAddress, _ blob: Descriptor, _ subject: Subject) async throws -> (
        WebAddress, Int64
    ) {
        let response = try await succeed(HTTPRequest(.get, session), subject)
        let last = response.fields["Range"]?.split(separator: "-").last.flatMap { Int64($0) }
        guard let last, last >= 0, last < blob.size else { return (try location(of: response, subject), 0) }
        // `0-0` is also what an upload without any byte says.
        return (try location(of: response, subject), last == 0 ? 0 : last + 1)
    }

    private func finish(_ session: WebAddress, _ blob: Descriptor, _ body: HTTPRequest.Body, _ subject: Subject)
        async throws
    {
        let mark = session.query == nil ? "?" : "&"
        let digest = PercentEncoding.component("\(blob.digest)")
        guard let address = try? WebAddress(parsing: "\(session)\(mark)digest=\(digest)") else {
            throw error(.malformed("the address of the upload"), subject)
        }
        let fields: HTTPFields = ["Content-Type": "application/octet-stream"]
        _ = try await succeed(HTTPRequest(.put, address, fields: fields, body: body), subject)
    }

    private func location(of response: HTTPResponse, _ subject: Subject) throws -> WebAddress {
        guard let text = response.fields["Location"], let address = try? response.address.resolving(text) else {
            throw error(.malformed("it names no place for the upload"), subject)
        }
        return address
    }
}

extension RegistryError {
    /// Whether the rest of an upload may be taken a moment later.
    fileprivate var mayPass: Bool {
        switch reason {
        case .transport(.unreachable), .transport(.timedOut), .transport(.truncated): true
        case .status(let status): status == 408 || status == 416 || status == 429 || (500...599).contains(status)
        default: false
        }
    }
}
