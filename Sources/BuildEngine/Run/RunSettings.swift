public import BuildPlanning
public import ContainerRuntime
public import Sandbox

/// What the command line says about the processes of `RUN`.
public struct RunSettings: Sendable {
    /// What `--mount=type=secret` gets, by id.
    public var secrets: [String: SecretSource] = [:]
    /// What `--mount=type=ssh` gets, by id.
    public var agents: [String: AgentSource] = [:]
    /// Further lines of `/etc/hosts`.
    public var hosts: [ExtraHost] = []
    /// What a `RUN` without `--network` sees.
    public var network = ResolvedRun.NetworkMode.standard
    /// What instructions may have that gives a process more than others.
    public var entitlements: Set<Entitlement> = []
    /// The size of `/dev/shm` in bytes; `nil` for Docker's default of 64 MiB.
    public var sharedMemorySize: UInt64?
    public var limits: [ResourceLimit] = []

    public init() {}

    /// What `--allow` names.
    public enum Entitlement: String, Sendable, CaseIterable {
        /// `RUN --network=host`.
        case hostNetwork = "network.host"
        /// `RUN --security=insecure`.
        case insecure = "security.insecure"
    }
}
