internal import HTTPTransport
public import OCI
internal import Synchronization
internal import SystemPackage

/// The connections of one process to registries: one client for each endpoint, made when it is first needed.
public final class RegistryConnections: Sendable {
    /// A repository, and who to ask for it.
    public struct Place: Sendable {
        public let client: RegistryClient
        public let repository: String
    }

    private let environment: [String: String]
    private let logins: any LoginSource
    private struct State {
        var settings: RegistrySettings?
        var clients: [RegistryEndpoint: RegistryClient] = [:]
    }
    private let state = Mutex(State())

    public init(environment: [String: String], logins: (any LoginSource)? = nil) {
        self.environment = environment
        self.logins = logins ?? Logins(environment: environment)
    }

    /// Where an image is looked for: mirrors first.
    ///
    /// - Throws: `RegistrySettings.InvalidFile`, and `RegistryError` for a registry that is blocked.
    public func places(for reference: ImageReference, forPush: Bool = false) throws -> [Place] {
        let settings = try state.withLock { state in
            let settings = try state.settings ?? RegistrySettings(environment: environment)
            state.settings = settings
            return settings
        }
        return try settings.repositories(for: reference, forPush: forPush).map { repository in
            Place(client: client(for: repository.endpoint), repository: repository.name)
        }
    }

    /// Does something with registries, and tells when one of them asks to wait.
    public static func telling<Result>(
        _ tell: @escaping @Sendable (String) -> Void,
        _ body: () async throws -> Result
    ) async rethrows -> Result {
        try await HTTPNotices.$tell.withValue(tell, operation: body)
    }

    /// Makes sure that a registry takes the login that this has for it.
    ///
    /// - Throws: `RegistryError`.
    public func check(_ host: String) async throws {
        try await places(for: ImageReference(parsing: "\(host)/x"), forPush: true).last?.client.check()
    }

    private func client(for endpoint: RegistryEndpoint) -> RegistryClient {
        state.withLock { state in
            if let known = state.clients[endpoint] { return known }
            var settings = NetworkExchange.Settings(environment: environment)
            let certificates = CertificateDirectory(environment: environment)
            settings.certificates += certificates.authorities(for: endpoint.host).map(\.string)
            settings.client = certificates.client(for: endpoint.host).map {
                .init(certificate: $0.certificate.string, key: $0.key.string)
            }
            settings.acceptsAnyCertificate = endpoint.allowsAnyCertificate
            let session = HTTPSession(NetworkExchange(settings))
            let client = RegistryClient(endpoint, session: session, logins: logins)
            state.clients[endpoint] = client
            return client
        }
    }
}
