public import HTTPTransport
internal import OCI
internal import RemoteAddresses
internal import Synchronization

/// Talks to one registry, or one mirror of it (OCI distribution specification 1.1).
public final class RegistryClient: Sendable {
    /// Where it answers, and where its repositories are below that.
    public let endpoint: RegistryEndpoint
    private let session: HTTPSession
    private let authorizer: RegistryAuthorizer
    private let scheme = Mutex<WebAddress.Scheme?>(nil)
    let blobs = KnownBlobs()

    /// - Parameter session: One that trusts the endpoint's certificates.
    public init(_ endpoint: RegistryEndpoint, session: HTTPSession, logins: any LoginSource) {
        self.endpoint = endpoint
        self.session = session
        authorizer = RegistryAuthorizer(session, host: endpoint.host, logins: logins)
    }

    /// What one request is about.
    struct Subject {
        let repository: String
        let access: Set<TokenScope.Access>
        let text: String
        /// The repository of which a blob is to be mounted.
        var source: String?

        var scope: TokenScope { TokenScope(repository, access, mountingFrom: source) }
    }

    func error(_ reason: RegistryError.Reason, _ subject: Subject, message: String? = nil) -> RegistryError {
        RegistryError(reason, host: endpoint.host, subject: subject.text, message: message)
    }

    /// The address of something in a repository.
    ///
    /// - Parameter path: Below `/v2/REPOSITORY/`, percent-encoded.
    func address(_ repository: String, _ path: String, _ subject: Subject) async throws -> WebAddress {
        let scheme = try await knownScheme(subject)
        return try parsed("\(scheme.rawValue)://\(endpoint.host)/v2/\(repository)/\(path)", subject)
    }

    /// The registry itself, under the protocol by which it is reached: the one place that gets a login for it.
    private func root(_ subject: Subject) async throws -> WebAddress {
        try parsed("\(try await knownScheme(subject).rawValue)://\(endpoint.host)/v2/", subject)
    }

    private func parsed(_ text: String, _ subject: Subject) throws -> WebAddress {
        do {
            return try WebAddress(parsing: text)
        } catch {
            throw self.error(.malformed("\(error)"), subject)
        }
    }

    /// Makes sure that the registry is one and takes the login (distribution specification, "Determining Support").
    public func check() async throws {
        let subject = Subject(repository: "", access: [], text: "the login")
        _ = try await succeed(HTTPRequest(.get, try await root(subject)), subject)
    }

    /// Sends a request, logged in as far as the registry wants it, and gives its answer whatever the status.
    func send(_ request: HTTPRequest, _ subject: Subject) async throws -> HTTPResponse {
        try await authorized(request, subject) { try await self.session.send($0) }
    }

    /// Waits before the next attempt, longer where the answer asks for it.
    func pause(after attempt: Int, asked response: HTTPResponse? = nil) async throws {
        try await session.pause(after: attempt, asked: response)
    }

    /// Sends a request whose answer has to be a success.
    func succeed(_ request: HTTPRequest, _ subject: Subject) async throws -> HTTPResponse {
        let response = try await send(request, subject)
        guard response.isSuccess else {
            throw await RegistryError(response, host: endpoint.host, subject: subject.text)
        }
        return response
    }

    /// Gets a document, which has to be a success.
    func document(_ request: HTTPRequest, _ subject: Subject, limit: Int) async throws -> (HTTPResponse, [UInt8]) {
        let (response, bytes) = try await mapped(subject) {
            try await session.document(limit: limit) { try await succeed(request, subject) }
        }
        return (response, bytes ?? [])
    }

    /// Whether a request that was answered like this may be sent once more.
    func mayRepeat(_ response: HTTPResponse, after attempt: Int) -> Bool {
        session.mayRepeat(response, after: attempt)
    }

    /// Downloads the answer to a request, resumed where the connection breaks.
    func download(_ request: HTTPRequest, _ subject: Subject, to sink: inout some HTTPSink) async throws -> HTTPResponse
    {
        // A refusal fills no sink, so the second request begins with an empty one.
        let response = try await authorized(request, subject) { try await session.download($0, to: &sink) }
        guard response.isSuccess else {
            throw await RegistryError(response, host: endpoint.host, subject: subject.text)
        }
        return response
    }

    private func authorized(
        _ request: HTTPRequest,
        _ subject: Subject,
        _ send: (HTTPRequest) async throws -> HTTPResponse
    ) async throws -> HTTPResponse {
        var request = request
        let root = try await root(subject)
        // Where a registry sends uploads to, the address itself says that one may write there.
        guard request.address.hasOrigin(of: root) else { return try await mapped(subject) { try await send(request) } }
        request.authorization = try await authorizer.authorization(for: subject.scope)
        let response = try await mapped(subject) { try await send(request) }
        // A server that the registry only leads to must not choose who gets the login.
        guard response.status == 401, response.address.hasOrigin(of: root) else { return response }
        let authorization = try await authorizer.authorization(
            after: response,
            sent: request.authorization,
            for: subject.scope
        )
        guard let authorization else { return response }
        request.authorization = authorization
        return try await mapped(subject) { try await send(request) }
    }

    /// Whether the registry is reached by https, found out once where plain http is allowed as well.
    private func knownScheme(_ subject: Subject) async throws -> WebAddress.Scheme {
        guard endpoint.allowsPlain else { return .https }
        if let known = scheme.withLock({ $0 }) { return known }
        let found = try await mapped(subject) {
            let address = try parsed("https://\(endpoint.host)/v2/", subject)
            do {
                _ = try await session.send(HTTPRequest(.get, address))
                return WebAddress.Scheme.https
            } catch HTTPError.insecure, HTTPError.unreachable, HTTPError.truncated {
                return .http
            }
        }
        scheme.withLock { $0 = found }
        return found
    }

    func mapped<Result>(_ subject: Subject, _ body: () async throws -> Result) async throws -> Result {
        do { return try await body() } catch let failure as HTTPError { throw error(.transport(failure), subject) }
    }
}

extension RegistryError {
    /// Reads what a registry says of its refusal (distribution specification, "Error Codes").
    init(_ response: HTTPResponse, host: String, subject: String) async {
        let reason: Reason =
            switch response.status {
            case 401: .unauthorized
            case 403: .denied
            case 404: .notFound
            default: .status(response.status)
            }
        let bytes = (try? await response.bytes(limit: 1 << 16)) ?? []
        self.init(reason, host: host, subject: subject, message: RegistryError.message(bytes))
    }

    private struct Answer: Decodable {
        struct Entry: Decodable {
            let code: String?
            let message: String?
        }
        let errors: [Entry]
    }

    private static func message(_ bytes: [UInt8]) -> String? {
        guard let answer = try? CanonicalJSON.decode(Answer.self, from: bytes) else { return nil }
        let texts = answer.errors.prefix(3).compactMap { entry in
            let text = [entry.code?.lowercased(), entry.message].compactMap { $0 }.joined(separator: ": ")
            return text.isEmpty ? nil : String(text.prefix(300))
        }
        let text = texts.joined(separator: "; ")
        // A stranger's words go to a terminal.
        let safe = String(
            text.unicodeScalars.map { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) ? " " : $0 }.reduce(into: "")
            { $0.unicodeScalars.append($1) }
        )
        return safe.isEmpty ? nil : safe
    }
}
