/// A server that has repositories of a registry: the registry itself, or a mirror.
public struct RegistryEndpoint: Sendable, Hashable {
    /// Host with a port that is not the usual one.
    public let host: String
    /// Whether plain http will do where https does not answer.
    public let allowsPlain: Bool
    /// Whether a certificate without a trusted issuer is accepted.
    public let allowsAnyCertificate: Bool
    public let isMirror: Bool

    public init(host: String, isInsecure: Bool = false, isMirror: Bool = false) {
        // What everybody calls `docker.io` answers elsewhere.
        self.host = host == "docker.io" ? "registry-1.docker.io" : host
        // Nobody listens between this machine and itself; Docker thinks so too.
        allowsPlain = isInsecure || RegistryEndpoint.isLoopback(host)
        allowsAnyCertificate = isInsecure
        self.isMirror = isMirror
    }

    private static func isLoopback(_ host: String) -> Bool {
        if host.hasPrefix("[::1]") { return true }
        let name = host.split(separator: ":").first ?? ""
        if name == "localhost" { return true }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
    }
}

/// A repository at an endpoint, where the name may differ from the one that the user wrote.
public struct RegistryRepository: Sendable, Hashable {
    public let endpoint: RegistryEndpoint
    public let name: String

    public init(_ endpoint: RegistryEndpoint, _ name: String) {
        self.endpoint = endpoint
        self.name = name
    }
}
