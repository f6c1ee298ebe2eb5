internal import BuildEngine
internal import BuildPlanning
public import ContainerRuntime
internal import FileSystem
internal import Formatting
internal import Reporting
internal import Sandbox

/// What a build is asked for about the processes of `RUN`, as it was typed.
public struct RunFlags: Sendable, Equatable {
    public var secrets: [String] = []
    /// Further secrets, by id.
    public var secretSources: [String: SecretSource] = [:]
    public var agents: [String] = []
    public var hosts: [String] = []
    public var network: String?
    public var entitlements: [String] = []
    public var sharedMemorySize: String?
    public var limits: [String] = []

    public init() {}

    /// - Throws: `UserError` for wrong use.
    func settings() throws -> RunSettings {
        var settings = RunSettings()
        settings.secrets = secretSources
        for text in secrets {
            let secret = try UserError.reading("--secret", text) { try SecretSource.parse($0) }
            settings.secrets[secret.id] = secret.source
        }
        for text in agents {
            let agent = try UserError.reading("--ssh", text) { try AgentSource.parse($0) }
            settings.agents[agent.id] = agent.source
        }
        settings.hosts = try hosts.map { try UserError.reading("--add-host", $0, ExtraHost.init(parsing:)) }
        settings.limits = try limits.map { try UserError.reading("--ulimit", $0, ResourceLimit.init(parsing:)) }
        if let network {
            settings.network = try RunFlags.mode(network, of: "--network")
        } else if let usual = ProcessEnvironment[RunFlags.networkVariable], !usual.isEmpty {
            settings.network = try RunFlags.mode(usual, of: RunFlags.networkVariable)
        }
        settings.entitlements = Set(
            try entitlements.map { text in
                guard let entitlement = RunSettings.Entitlement(rawValue: text) else {
                    let known = RunSettings.Entitlement.allCases.map(\.rawValue).joined(separator: " and ")
                    throw RunFlags.wrong("--allow: unknown `\(text)`; known are \(known)")
                }
                return entitlement
            }
        )
        if let text = sharedMemorySize {
            guard let size = ByteSize.binary(text), size > 0 else {
                throw RunFlags.wrong("--shm-size: invalid size `\(text)`: expected, for example, 64m")
            }
            settings.sharedMemorySize = UInt64(size)
        }
        return settings
    }

    /// What is meant where `--network` is not given.
    private static let networkVariable = "SWIFTBUILD_NETWORK"

    private static func mode(_ text: String, of source: String) throws -> ResolvedRun.NetworkMode {
        // `bridge` is what Docker's classic builder calls its default.
        guard let mode = ResolvedRun.NetworkMode(rawValue: text == "bridge" ? "default" : text) else {
            throw wrong("\(source): `\(text)` is not default, none or host")
        }
        return mode
    }

    private static func wrong(_ message: String) -> UserError {
        UserError(message, status: .usage)
    }
}
