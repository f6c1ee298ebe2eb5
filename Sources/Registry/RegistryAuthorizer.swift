internal import HTTPTransport
internal import OCI
internal import RemoteAddresses
internal import Synchronization

/// Finds out how requests to one registry are authorised, and keeps the tokens that it gave.
final class RegistryAuthorizer: Sendable {
    private enum Scheme {
        case basic
        case bearer(realm: WebAddress, service: String?)
    }

    private struct State {
        var scheme: Scheme?
        var tokens: [TokenScope: AccessToken] = [:]
        /// `nil` while nobody asked; looked up once, since a helper may ask the user.
        var login: Login??
    }

    private let session: HTTPSession
    private let host: String
    private let logins: any LoginSource
    private let state = Mutex(State())

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
        case .basic: return try await login(scope)?.basicAuthorization
        case .bearer(let realm, let service):
            if let token, token.isFresh { return "Bearer \(token.value)" }
            return try await fetch(realm, service, scope)
        }
    }

    /// Learns from a refusal how to do it.
    ///
    /// - Returns: What to try next; `nil` when there is nothing that was not tried.
    func authorization(after response: HTTPResponse, sent: String?, for scope: TokenScope) async throws -> String? {
        let challenges = response.fields.list.filter { $0.name.lowercased() == "www-authenticate" }
            .flatMap { AuthenticationChallenge.parse($0.value) }
        if let bearer = challenges.first(where: { $0.scheme == "bearer" }), let text = bearer.parameters["realm"] {
            guard let realm = try? response.address.resolving(text) else {
                throw error(.malformed("`\(text.prefix(200))` is no address of a token server"), scope)
            }
            let service = bearer.parameters["service"]
            state.withLock { state in
                state.scheme = .bearer(realm: realm, service: service)
                state.tokens[scope] = nil
            }
            let value = try await fetch(realm, service, scope)
            return value == sent ? nil : value
        }
        guard challenges.contains(where: { $0.scheme == "basic" }) else { return nil }
        state.withLock { $0.scheme = .basic }
        // To a registry without https only this machine's own may be given a password, unless the user allowed it.
        let value = try await login(scope)?.basicAuthorization
        return value == sent ? nil : value
    }

    private func login(_ scope: TokenScope) async throws -> Login? {
        if let known = state.withLock({ $0.login }) { return known }
        let login = try await logins.login(host: host, repository: scope.repository)
        state.withLock { $0.login = .some(login) }
        return login
    }

    private func fetch(_ realm: WebAddress, _ service: String?, _ scope: TokenScope) async throws -> String {
        let login = try await login(scope)
        // A password is for the registry it was given for: another server gets it only where nobody can listen.
        let isOwn = realm.authorityText == host
        if login != nil, realm.scheme != .https, !isOwn {
            throw error(.unsafeLogin(realm: realm.authorityText), scope)
        }
        let response = try await mapped(scope) { try await session.send(request(realm, service, scope, login)) }
        guard response.isSuccess else { throw await RegistryError(response, host: host, subject: scope.subject) }
        let bytes = try await mapped(scope) { try await response.bytes(limit: RegistryAuthorizer.answerLimit) }
        guard let token = AccessToken(bytes) else {
            throw error(.malformed("the token server sent no token"), scope)
        }
        state.withLock { $0.tokens[scope] = token }
        return "Bearer \(token.value)"
    }

    private func request(_ realm: WebAddress, _ service: String?, _ scope: TokenScope, _ login: Login?) throws
        -> HTTPRequest
    {
        // To log in, no repository is asked for.
        var fields = scope.repository.isEmpty ? [] : [("scope", scope.text)]
        if let service { fields.insert(("service", service), at: 0) }
        if case .identityToken(let token) = login {
            fields += [("grant_type", "refresh_token"), ("client_id", "swiftbuild"), ("refresh_token", token)]
            let body = RegistryAuthorizer.form(fields)
            return HTTPRequest(
                .post,
                realm,
                fields: ["Content-Type": "application/x-www-form-urlencoded"],
                body: .bytes(Array(body.utf8))
            )
        }
        let mark = realm.query == nil ? "?" : "&"
        var request = HTTPRequest(.get, try WebAddress(parsing: "\(realm)\(mark)\(RegistryAuthorizer.form(fields))"))
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
