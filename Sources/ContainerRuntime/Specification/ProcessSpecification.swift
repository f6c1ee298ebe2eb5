internal import Layers
public import OCI
public import Sandbox

/// Everything that decides how a process runs, besides the files that it starts on.
///
/// A value that can be stored: mounts are references, and the contents of secrets are not part of it. `ProcessLauncher`
/// makes a process of it, on a root filesystem that is given apart: a `RUN` starts while layers below are still made.
public struct ProcessSpecification: Sendable, Codable {
    /// The program and its arguments; a program name without `/` is looked up in `PATH`.
    public var arguments: [String]
    /// `NAME=value`, in the order in which the process gets them.
    public var environment: [String]
    public var workingDirectory: String
    /// Who the process runs as: `user[:group]` as it was asked for, empty for root.
    public private(set) var user: String
    /// The same by numbers, which the files of the image gave.
    public private(set) var ids: SandboxUser
    /// What the process takes for the name of the machine.
    public var hostname = SandboxConfiguration.defaultHostname
    /// Further lines of `/etc/hosts`.
    public var hosts: [ExtraHost] = []
    /// The content of `/etc/resolv.conf`; `nil` for that of the machine's.
    public var resolverFile: String?
    public var limits: [ResourceLimit] = []
    /// The size of `/dev/shm` in bytes; `nil` for Docker's default of 64 MiB.
    public var sharedMemorySize: UInt64?
    public var network = NetworkMode.host
    public var privileges = Privileges()
    /// Executable files in `/dev/pipes`, by name: here-documents that begin with `#!`.
    public var scripts: [String: String] = [:]
    /// In the order in which they were asked for.
    public var mounts: [Mount] = []
    /// Whether the process expects a terminal.
    public var usesTerminal = false

    /// - Parameter identity: What `user` means in the image.
    public init(
        _ arguments: [String],
        environment: [String],
        workingDirectory: String,
        user: String,
        _ identity: UserDatabase.Identity
    ) {
        (self.arguments, self.environment, self.workingDirectory) = (arguments, environment, workingDirectory)
        (self.user, ids) = (user, SandboxUser(identity))
    }

    /// Lets another user run the process.
    ///
    /// - Parameter identity: What `user` means in the image.
    public mutating func setUser(_ user: String, _ identity: UserDatabase.Identity) {
        (self.user, ids) = (user, SandboxUser(identity))
    }

    /// Gives the process further groups, by number.
    public mutating func addGroups(_ groups: [UInt32]) { ids.supplementaryGroups += groups }

    /// Sets variables, `NAME=value`, in the place of those with the same names and after all others.
    public mutating func setVariables(_ assignments: [String]) {
        let names = Set(assignments.map(ProcessSpecification.name))
        environment = environment.filter { !names.contains(ProcessSpecification.name(of: $0)) } + assignments
    }

    /// The name that `NAME=value` sets.
    static func name(of assignment: String) -> String {
        String(Substring(assignment.utf8.prefix { $0 != UInt8(ascii: "=") }))
    }
}

extension ProcessSpecification {
    /// What the process sees of the network.
    public enum NetworkMode: String, Sendable, Codable {
        /// The machine's interfaces.
        case host
        /// Only a loopback interface of its own.
        case none
    }

    /// What the process may do to the machine; Docker's defaults.
    public struct Privileges: Sendable, Codable {
        /// `RUN --security=insecure`: everything that root may do.
        public static let all = Privileges(capabilities: .all, systemCalls: .unconfined, masksSystemPaths: false)

        public var capabilities = CapabilitySet.dockerDefault
        public var systemCalls = SystemCallFilter.dockerDefault
        /// Whether the sensitive parts of `/proc` and `/sys` are hidden or read-only.
        public var masksSystemPaths = true
        /// Whether set-user-ID programs have no effect.
        public var forbidsNewPrivileges = false
    }
}

extension SandboxUser {
    fileprivate init(_ identity: UserDatabase.Identity) {
        self.init(
            userID: identity.userID,
            groupID: identity.groupID,
            supplementaryGroups: identity.supplementaryGroups
        )
    }
}
