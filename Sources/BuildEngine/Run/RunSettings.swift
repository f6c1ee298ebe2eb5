public import BuildPlanning
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

/// A line of `/etc/hosts`.
public struct ExtraHost: Sendable, Hashable {
    public let name: String
    /// An IPv4 or IPv6 address as text.
    public let address: String

    /// Parses `NAME:ADDRESS` or `NAME=ADDRESS`.
    ///
    /// The address may stand in brackets, and `host-gateway` is this machine, whose network processes share.
    /// - Throws: `BuildError.invalidSetting`.
    public init(parsing text: String) throws(BuildError) {
        guard let separator = text.firstIndex(of: "=") ?? text.firstIndex(of: ":") else {
            throw .invalidSetting(text, reason: "expected NAME:ADDRESS")
        }
        name = String(text[..<separator])
        var address = String(text[text.index(after: separator)...])
        if address.hasPrefix("["), address.hasSuffix("]") { address = String(address.dropFirst().dropLast()) }
        if address == "host-gateway" { address = "127.0.0.1" }
        guard !name.isEmpty, !name.utf8.contains(where: { $0 <= 0x20 }) else {
            throw .invalidSetting(text, reason: "the name is empty or has blanks")
        }
        guard InternetAddress.isValid(address) else {
            throw .invalidSetting(text, reason: "`\(address)` is no IP address")
        }
        self.address = address
    }
}

extension ResourceLimit {
    /// Parses `NAME=SOFT[:HARD]` as `--ulimit` has it; -1 is no limit.
    ///
    /// - Throws: `BuildError.invalidSetting`.
    public init(parsing text: String) throws(BuildError) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { throw .invalidSetting(text, reason: "expected NAME=SOFT[:HARD]") }
        guard let resource = Resource(rawValue: String(parts[0])) else {
            let known = Resource.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalidSetting(text, reason: "unknown limit `\(parts[0])`; known are \(known)")
        }
        let values = parts[1].split(separator: ":", omittingEmptySubsequences: false).map { value in
            value == "-1" || value == "unlimited" ? UInt64.max : UInt64(value)
        }
        guard (1...2).contains(values.count), let soft = values[0], let hard = values[values.count - 1] else {
            throw .invalidSetting(text, reason: "a limit is a number, or -1 for none")
        }
        guard let limit = ResourceLimit(resource, soft: soft, hard: hard) else {
            throw .invalidSetting(text, reason: "the soft limit is above the hard one")
        }
        self = limit
    }
}
