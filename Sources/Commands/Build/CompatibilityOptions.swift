import ArgumentParser
import BuildService

/// Flags of `docker build` that mean nothing without a daemon.
struct CompatibilityOptions: ParsableArguments {
    @Option(name: .customLong("provenance"), help: .hidden) var provenance: String?
    @Option(name: .customLong("sbom"), help: .hidden) var billOfMaterials: String?
    @Option(name: .customLong("attest"), help: .hidden) var attestations: [String] = []
    @Option(name: .customLong("isolation"), help: .hidden) var isolation: String?
    @Option(name: .customLong("security-opt"), help: .hidden) var securityOptions: [String] = []
    @Option(name: [.customShort("m"), .customLong("memory")], help: .hidden) var memory: String?
    @Option(name: .customLong("memory-swap"), parsing: .unconditional, help: .hidden) var swap: String?
    @Option(name: [.customShort("c"), .customLong("cpu-shares")], help: .hidden) var processorShares: String?
    @Option(name: .customLong("cpu-period"), help: .hidden) var processorPeriod: String?
    @Option(name: .customLong("cpu-quota"), parsing: .unconditional, help: .hidden) var processorQuota: String?
    @Option(name: .customLong("cpuset-cpus"), help: .hidden) var processors: String?
    @Option(name: .customLong("cpuset-mems"), help: .hidden) var memoryNodes: String?
    @Option(name: .customLong("cgroup-parent"), help: .hidden) var controlGroup: String?
    @Option(name: .customLong("resource"), help: .hidden) var resources: [String] = []

    /// What does not exist here may only be switched off, as CI does.
    func validate() throws {
        let given = [("--provenance", provenance), ("--sbom", billOfMaterials)] + attestations.map { ("--attest", $0) }
        for (option, value) in given {
            guard let value, !BuildOptions.switchesOff(attestation: value) else { continue }
            throw ValidationError("\(option): attestations are not supported, so it takes only `false`, not `\(value)`")
        }
    }

    /// The options for limits that were given.
    var limits: [String] {
        let given = [
            ("--memory", memory), ("--memory-swap", swap), ("--cpu-shares", processorShares),
            ("--cpu-period", processorPeriod), ("--cpu-quota", processorQuota), ("--cpuset-cpus", processors),
            ("--cpuset-mems", memoryNodes), ("--cgroup-parent", controlGroup), ("--resource", resources.first),
        ]
        return given.compactMap { $0.1 == nil ? nil : $0.0 }
    }
}
