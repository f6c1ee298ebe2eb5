import ArgumentParser
import BuildEngine
import BuildPlanning
import ContainerRuntime
import FileSystem
import Formatting
import Reporting
import Sandbox

/// What a `build` command line says about the processes of `RUN`, as it was typed.
struct RunFlags: Sendable, Equatable {
    var secrets: [String] = []
    var agents: [String] = []
    var hosts: [String] = []
    var network: String?
    var entitlements: [String] = []
    var sharedMemorySize: String?
    var limits: [String] = []

    /// - Throws: `UserError` for wrong use.
    func settings() throws -> RunSettings {
        var settings = RunSettings()
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

/// The same on the argument parser's side.
struct RunArguments: ParsableArguments {
    @Option(
        name: .customLong("secret"),
        help: ArgumentHelp(
            "A secret for RUN --mount=type=secret; may repeat.",
            valueName: "id=name[,src=path|,env=variable]"
        )
    )
    var secrets: [String] = []

    @Option(
        name: .customLong("ssh"),
        help: ArgumentHelp("An ssh agent for RUN --mount=type=ssh; may repeat.", valueName: "default|id[=socket|key,…]")
    )
    var agents: [String] = []

    @Option(
        name: .customLong("add-host"),
        help: ArgumentHelp("A line of /etc/hosts for RUN; may repeat.", valueName: "name:address")
    )
    var hosts: [String] = []

    @Option(
        name: .customLong("network"),
        help: ArgumentHelp("The network that RUN sees: default, none or host.", valueName: "mode")
    )
    var network: String?

    @Option(
        name: .customLong("allow"),
        help: ArgumentHelp("Let RUN have network.host or security.insecure; may repeat.", valueName: "entitlement")
    )
    var entitlements: [String] = []

    @Option(name: .customLong("shm-size"), help: ArgumentHelp("The size of /dev/shm for RUN.", valueName: "size"))
    var sharedMemorySize: String?

    @Option(
        name: .customLong("ulimit"),
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("A resource limit for RUN; may repeat.", valueName: "name=soft[:hard]")
    )
    var limits: [String] = []

    var flags: RunFlags {
        RunFlags(
            secrets: secrets,
            agents: agents,
            hosts: hosts,
            network: network,
            entitlements: entitlements,
            sharedMemorySize: sharedMemorySize,
            limits: limits
        )
    }
}
