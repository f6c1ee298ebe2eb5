internal import RemoteAddresses

/// What a user is known to a registry by; its text form tells nothing of it.
public enum Login: Sendable, Hashable, CustomStringConvertible {
    case password(user: String, password: String)
    /// A refresh token, which a token server turns into access tokens.
    case identityToken(String)

    /// The value of an `Authorization` field (RFC 7617); `nil` for what only a token server understands.
    var basicAuthorization: String? {
        guard case .password(let user, let password) = self else { return nil }
        return "Basic " + Base64.encoded(Array("\(user):\(password)".utf8))
    }

    public var description: String { "a login" }
}

/// Where logins are found.
public protocol LoginSource: Sendable {
    /// The login for a repository of a registry; `nil` for none.
    ///
    /// - Throws: `LoginError`.
    func login(host: String, repository: String) async throws -> Login?
}
