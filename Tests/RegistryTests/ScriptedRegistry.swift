import HTTPTransport
import TestSupport

@testable import Registry

extension ScriptedServers {
    func client(_ host: String, isInsecure: Bool = false, login: Login? = .password(user: "u", password: "SECRET"))
        -> RegistryClient
    {
        RegistryClient(
            RegistryEndpoint(host: host, isInsecure: isInsecure),
            session: HTTPSession(self, firstPause: 0),
            logins: FixedLogin(login: login)
        )
    }
}

/// One login for everything.
struct FixedLogin: LoginSource {
    let login: Login?

    func login(host: String, repository: String) async throws -> Login? { login }
}
