public import FileSystem
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

    /// An upload that began before the digest was known.
    public struct BegunUpload: Sendable {
        let place: WebAddress
        /// Whether the registry has all bytes.
        let isComplete: Bool
    }

    /// Up to here a blob is sent in one request.
    private static let wholeSize: Int64 = 8 << 20
    /// How often sending the rest of a blob is tried.
    private static let attempts = 5
    /// How often a blob is sent from its beginning.
    private static let uploads = 3
    /// Up to here it does little harm to send a blob that is there.
    private static let smallSize: Int64 = 64 << 10

    /// Sends a blob of the store unless the registry has it; of several tasks at once, one does so.
    ///
    /// - Throws: `RegistryError`, `CancellationError`.
    public func provide(_ blob: Descriptor, from file: FilePath, to repository: String) async throws {
        try await blobs.join(blob.digest, in: repository) {
            // Taking it over from where it may be is the question and the beginning of the upload in one request.
            let isSmall = blob.size <= RegistryClient.smallSize
            if !isSmall, try await hasBlob(blob.digest, in: repository) { return }
            _ = try await upload(blob, from: file, to: repository, mountedFrom: isSmall ? repository : nil)
        }
    }

    /// Sends a blob while it is still being written, in one request without a length, as Docker's client does.
    ///
    /// - Returns: What `upload` goes on with when the digest is known; `nil` where nothing was written, or the registry did
    ///   not begin an upload.
    public func begin(_ file: GrowingFile, to repository: String) async -> BegunUpload? {
        let subject = Subject(
            repository: repository,
            access: [.pull, .push],
            text: "a blob of `\(repository)` that is still being written"
        )
        guard (try? await file.hasBytes(at: 0)) == true,
            let begun = try? await succeed(try await starting(repository, "", subject), subject),
            let place = try? location(of: begun, subject)
        else { return nil }
        let fields: HTTPFields = ["Content-Type": "application/octet-stream"]
        let response = try? await succeed(HTTPRequest(.patch, place, fields: fields, body: .growing(file)), subject)
        // Where it broke off, the registry says how much it has.
        guard let response, let next = try? location(of: response, subject) else {
            return BegunUpload(place: place, isComplete: false)
        }
        return BegunUpload(place: next, isComplete: true)
    }

    /// Sends a blob that the registry does not have.
    ///
    /// - Parameters:
    ///   - mountedFrom: A repository of the same registry that may have it.
    ///   - begun: What was sent of it before.
    ///   - progress: Called with the number of bytes that the registry has.
    public func upload(
        _ blob: Descriptor,
        from file: FilePath,
        to repository: String,
        mountedFrom other: String? = nil,
        begun: BegunUpload? = nil,
        progress: @Sendable (Int64) -> Void = { _ in }
    ) async throws -> Upload {
        let subject = blobSubject(blob.digest, repository, [.pull, .push])
        if let begun, try await end(begun, blob, file, subject, progress) {
            progress(blob.size)
            return .sent
        }
        for attempt in 1... {
            guard let place = try await start(blob, repository, other, subject) else {
                blobs.insert(blob.digest, in: repository)
                return .mounted
            }
            do {
                try await send(blob, file, to: place, subject, progress)
                break
            } catch let failure as RegistryError where failure.isOfThisUpload && attempt < RegistryClient.uploads {
                try await pause(after: attempt)
                // Only the answer may have been lost.
                if try await hasBlob(blob.digest, in: repository) { break }
            }
        }
        progress(blob.size)
        blobs.insert(blob.digest, in: repository)
        return .sent
    }

    /// Takes a blob over from another repository of the same registry.
    ///
    /// - Returns: Whether it is there now; where not, the registry may have begun an upload, which ends by itself.
    public func mount(_ blob: Descriptor, from other: String, to repository: String) async throws -> Bool {
        let subject = blobSubject(blob.digest, repository, [.pull, .push])
        let isMounted = try await mounting(blob, repository, other, subject)?.status == 201
        if isMounted { blobs.insert(blob.digest, in: repository) }
        return isMounted
    }

    /// Asks for a blob of another repository.
    ///
    /// - Returns: What the registry answers; `nil` where one may not even ask.
    private func mounting(_ blob: Descriptor, _ repository: String, _ other: String, _ subject: Subject) async throws
        -> HTTPResponse?
    {
        var subject = subject
        subject.source = other
        let query = "?mount=\(blob.digest)&from=\(PercentEncoding.component(other))"
        do {
            return try await send(try await starting(repository, query, subject), subject)
        } catch let failure as RegistryError where failure.isLackOfPermission {
            // Some token servers give no token at all where one of the repositories is not for the user.
            return nil
        }
    }

    private func starting(_ repository: String, _ query: String, _ subject: Subject) async throws -> HTTPRequest {
        var request = HTTPRequest(.post, try await address(repository, "blobs/uploads/" + query, subject))
        // What was begun twice ends by itself.
        request.isRepeatable = true
        return request
    }

    private func send(
        _ blob: Descriptor,
        _ file: FilePath,
        to place: WebAddress,
        _ subject: Subject,
        _ progress: @Sendable (Int64) -> Void
    ) async throws {
        if blob.size <= RegistryClient.wholeSize {
            try await finish(place, blob, .file(file, 0..<blob.size), subject)
        } else {
            try await finish(try await sendParts(blob, file, place, subject, progress), blob, .none, subject)
        }
    }

    /// Sends what is missing of an upload.
    ///
    /// - Returns: Whether the registry has the blob; otherwise it is to be sent anew.
    private func end(
        _ begun: BegunUpload,
        _ blob: Descriptor,
        _ file: FilePath,
        _ subject: Subject,
        _ progress: @Sendable (Int64) -> Void
    ) async throws -> Bool {
        do {
            var place = begun.place
            if !begun.isComplete {
                let (next, offset) = try await status(place, blob, subject)
                place = try await sendParts(blob, file, next, from: offset, subject, progress)
            }
            try await finish(place, blob, .none, subject)
            return true
        } catch let failure as RegistryError where failure.isOfThisUpload || !begun.isComplete {
            // Only the answer may have been lost.
            return try await hasBlob(blob.digest, in: subject.repository)
        }
    }

    /// - Returns: Where to send it; `nil` when it was mounted.
    private func start(_ blob: Descriptor, _ repository: String, _ other: String?, _ subject: Subject) async throws
        -> WebAddress?
    {
        if let other, let response = try await mounting(blob, repository, other, subject) {
            if response.status == 201 { return nil }
            if response.isSuccess { return try location(of: response, subject) }
            // Registries that know nothing of mounting, or do not allow it, say so in many ways.
        }
        return try location(of: try await succeed(try await starting(repository, "", subject), subject), subject)
    }

    /// Sends everything in as few requests as the connection allows, resuming where the registry says that it broke off.
    private func sendParts(
        _ blob: Descriptor,
        _ file: FilePath,
        _ place: WebAddress,
        from start: Int64 = 0,
        _ subject: Subject,
        _ progress: @Sendable (Int64) -> Void
    ) async throws -> WebAddress {
        var place = place
        var offset = start
        var attempt = 1
        while offset < blob.size {
            let request = HTTPRequest(
                .patch,
                place,
                fields: [
                    "Content-Type": "application/octet-stream", "Content-Range": "\(offset)-\(blob.size - 1)",
                ],
                body: .file(file, offset..<blob.size)
            )
            do {
                let response = try await send(request, subject)
                if response.isSuccess { return try location(of: response, subject) }
                let failure = await RegistryError(response, host: endpoint.host, subject: subject.text)
                guard failure.mayPass, attempt < RegistryClient.attempts || mayRepeat(response, after: attempt) else {
                    throw failure
                }
                try await pause(after: attempt, asked: response)
            } catch let failure as RegistryError where failure.isOfConnection && attempt < RegistryClient.attempts {
                try await pause(after: attempt)
            }
            attempt += 1
            (place, offset) = try await status(place, blob, subject)
            progress(offset)
        }
        return place
    }

    /// What the registry has of an upload (distribution specification, "Pushing a blob in chunks").
    private func status(_ place: WebAddress, _ blob: Descriptor, _ subject: Subject) async throws -> (
        WebAddress, Int64
    ) {
        let response = try await succeed(HTTPRequest(.get, place), subject)
        let last = response.fields["Range"]?.split(separator: "-").last.flatMap { Int64($0) }
        guard let last, last >= 0, last < blob.size else { return (try location(of: response, subject), 0) }
        // `0-0` is also what an upload without any byte says.
        return (try location(of: response, subject), last == 0 ? 0 : last + 1)
    }

    private func finish(_ place: WebAddress, _ blob: Descriptor, _ body: HTTPRequest.Body, _ subject: Subject)
        async throws
    {
        let mark = place.query == nil ? "?" : "&"
        let digest = PercentEncoding.component("\(blob.digest)")
        guard let address = try? WebAddress(parsing: "\(place)\(mark)digest=\(digest)") else {
            throw error(.malformed("the address of the upload"), subject)
        }
        let fields: HTTPFields = ["Content-Type": "application/octet-stream"]
        _ = try await succeed(HTTPRequest(.put, address, fields: fields, body: body), subject)
    }

    private func location(of response: HTTPResponse, _ subject: Subject) throws -> WebAddress {
        guard let text = response.fields["Location"], let address = try? response.address.resolving(text) else {
            throw error(.malformed("it has no upload location"), subject)
        }
        guard address.scheme == .https || response.address.scheme == .http else {
            throw error(.malformed("it sends the upload from https to http, to `\(address.authorityText)`"), subject)
        }
        return address
    }
}

extension RegistryError {
    /// Whether no answer came.
    fileprivate var isOfConnection: Bool {
        switch reason {
        case .transport(.unreachable), .transport(.timedOut), .transport(.tooSlow), .transport(.truncated): true
        default: false
        }
    }

    /// Whether the rest of an upload may be taken a moment later.
    fileprivate var mayPass: Bool {
        if case .status(let status) = reason {
            return status == 408 || status == 416 || status == 429 || (500...599).contains(status)
        }
        return isOfConnection
    }

    /// Whether another upload may succeed: a registry may forget one, or refuse what follows a part that it has already.
    fileprivate var isOfThisUpload: Bool {
        switch reason {
        case .notFound, .status(400): true
        default: mayPass
        }
    }

    /// Whether somebody else might have got it.
    fileprivate var isLackOfPermission: Bool {
        switch reason {
        case .unauthorized, .denied, .notFound: true
        default: false
        }
    }
}
