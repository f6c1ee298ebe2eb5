internal import HTTPTransport
internal import OCI
internal import RemoteAddresses
internal import Synchronization
internal import Threads

/// Finds out how requests to one registry are authorised, and keeps the tokens that it gave.
final class RegistryAuthorizer: Sendable {
    private enum Scheme {
        case basic
        case bearer(TokenServer)
    }

    /// Who gives tokens for a registry, as it says.
    private struct TokenServer {
        let address: WebAddress
        let service: String?
        /// Whether it may get the login for the registry: without https only the registry itself, which was reached so.
        let mayHaveLogin: Bool
    }

    private struct State {
        var scheme: Scheme?
        var tokens: [TokenScope: AccessToken] = [:]
        /// By repository, for which a registry may have different ones; looked up once, since a helper may ask the user.
        var logins: [String: Login?] = [:]
    }

    private let session: HTTPSession
    private let host: String
    private let logins: any LoginSource
    private let state = Mutex(State())
    /// Of several requests at once, one asks the user and the token server.
    private let turns = Turns()

    /// The longest answer of a token server.
    private static let answerLimit = 1 << 20

    init(_ session: HTTPSession, host: String, logins: any LoginSource) {
        self.session = session
        self.host = host
        self.logins = logins
    }

    /// What a request for this scope is to carry, by all that is known so far.
    func authorization(for scope: TokenScope) async throws -> String? {
        let (scheme, token) = state.withLock { ($0.scheme, $0.tokens[scope]) }
        switch scheme {
        case nil: return nil
        case .basic: return try await turns.take { try await login(scope)?.basicAuthorization }
        case .bearer(let server):
            if let token, token.isFresh { return "Bearer \(token.value)" }
            return try await turns.take {
                if let token = freshToken(for: scope) { return token }
                return try await fetch(from: server, scope)
            }
        }
    }

    /// Learns from a refusal how to do it.
    ///
    /// - Parameter response: From the registry itself, not from where it redirects to.
    /// - Returns: What to try next; `nil` when there is nothing that was not tried.
    func authorization(after response: HTTPResponse, sent: String?, for scope: TokenScope) async throws -> String? {
        try await turns.take { try await newAuthorization(after: response, sent: sent, for: scope) }
    }

    private func freshToken(for scope: TokenScope) -> String? {
        state.withLock { $0.tokens[scope] }.flatMap { $0.isFresh ? "Bearer \($0.value)" : nil }
    }

    private func newAuthorization(after response: HTTPResponse, sent: String?, for scope: TokenScope) async throws
        -> String?
    {
        // Another request may have got one meanwhile.
        if let token = freshToken(for: scope), token != sent { return token }
        let challenges = response.fields.list.filter { $0.name.lowercased() == "www-authenticate" }
            .flatMap { AuthenticationChallenge.parse($0.value) }
        if let bearer = challenges.first(where: { $0.scheme == "bearer" }), let text = bearer.parameters["realm"] {
            guard let realm = try? response.address.resolving(text) else {
                throw error(.malformed("`\(text.prefix(200))` is not the address of a token server"), scope)
            }
            let server = TokenServer(
                address: realm,
                service: bearer.parameters["service"],
                mayHaveLogin: realm.scheme == .https || realm.hasOrigin(of: response.address)
            )
            state.withLock { state in
                state.scheme = .bearer(server)
                state.tokens[scope] = nil
            }
            let value = try await fetch(from: server, scope)
            return value == sent ? nil : value
        }
        guard challenges.contains(where: { $0.scheme == "basic" }) else { return nil }
        state.withLock { $0.scheme = .basic }
        // To a registry without https only this machine's own may be given a password, unless the user allowed it.
        let value = try await login(scope)?.basicAuthorization
        return value == sent ? nil : value
    }

    private func login(_ scope: TokenScope) async throws -> Login? {
        if let known = state.withLock({ $0.logins[scope.repository] }) { return known }
        let login = try await logins.login(host: host, repository: scope.repository)
        state.withLock { $0.logins[scope.repository] = .some(login) }
        return login
    }

    private func fetch(from server: TokenServer, _ scope: TokenScope) async throws -> String {
        let login = try await login(scope)
        if login != nil, !server.mayHaveLogin {
            throw error(.unsafeLogin(realm: server.address.authorityText), scope)
        }
        let request = try request(to: server, scope, login)
        let (response, bytes) = try await mapped(scope) {
            try await session.document(limit: RegistryAuthorizer.answerLimit) { try await session.send(request) }
        }
        guard let bytes else { throw await RegistryError(response, host: host, subject: scope.subject) }
        guard let token = AccessToken(bytes) else {
            throw error(.malformed("the token server sent no token"), scope)
        }
        state.withLock { $0.tokens[scope] = token }
        return "Bearer \(token.value)"
    }

    private func request(to server: TokenServer, _ scope: TokenScope, _ login: Login?) throws -> HTTPRequest {
        var fields = server.service.map { [("service", $0)] } ?? []
        if case .identityToken(let token) = login {
            if !scope.texts.isEmpty { fields.append(("scope", scope.texts.joined(separator: " "))) }
            fields += [("grant_type", "refresh_token"), ("client_id", "swiftbuild"), ("refresh_token", token)]
            let body = RegistryAuthorizer.form(fields)
            var request = HTTPRequest(
                .post,
                server.address,
                fields: ["Content-Type": "application/x-www-form-urlencoded"],
                body: .bytes(Array(body.utf8))
            )
            request.hasSecretBody = true
            // It gives one more token.
            request.isRepeatable = true
            return request
        }
        fields += scope.texts.map { ("scope", $0) }
        let mark = server.address.query == nil ? "?" : "&"
        let address = "\(server.address)\(mark)\(RegistryAuthorizer.form(fields))"
        var request = HTTPRequest(.get, try WebAddress(parsing: address))
        request.authorization = login?.basicAuthorization
        return request
    }

    private static func form(_ fields: [(String, String)]) -> String {
        fields.map { "\($0)=\(PercentEncoding.component($1))" }.joined(separator: "&")
    }

    private func mapped<Result>(_ scope: TokenScope, _ body: () async throws -> Result) async throws -> Result {
        do { return try await body() } catch let failure as HTTPError { throw error(.transport(failure), scope) }
    }

    private func error(_ reason: RegistryError.Reason, _ scope: TokenScope) -> RegistryError {
        RegistryError(reason, host: host, subject: scope.subject)
    }
}

extension TokenScope {
    var subject: String { "access to `\(repository)`" }
}
