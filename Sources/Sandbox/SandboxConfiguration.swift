public import SystemPackage

/// Everything that decides how one process is started in a root filesystem of its own.
///
/// A value: it may be built ahead, kept, and launched any number of times, provided that each launch gets a fresh
/// overlay work directory.
public struct SandboxConfiguration: Sendable {
    /// Where the root filesystem comes from.
    public var root: SandboxRoot
    /// What is mounted besides `/proc`, `/dev` and `/sys`, in order; parents must come before what lies below them.
    public var mounts: [SandboxMount] = []
    /// The program and its arguments; a program name without `/` is looked up in the environment's `PATH`.
    public var arguments: [String]
    /// `NAME=value` entries, handed over as they are and in this order.
    public var environment: [String] = []
    /// Where the program starts; made when missing, owned by `user`, and then part of the layer.
    public var workingDirectory: String = "/"
    /// Who the program runs as.
    public var user: SandboxUser = .root
    /// The name of the machine; without effect under `SandboxIsolation.chroot`.
    public var hostname = defaultHostname
    /// The name of the machine's NIS domain; `nil` for the caller's.
    public var domainName: String?
    /// Which network the program sees.
    public var network: SandboxNetwork = .host
    /// What the process has in common with the caller besides; nothing can be shared under `SandboxIsolation.chroot`.
    public var sharedNamespaces: Set<SharedNamespace> = []
    /// Processes, by their pidfds, in whose process and IPC namespaces it is, with `/dev/shm`; they stay the caller's.
    public var joinedProcesses: Int32?
    public var joinedIPC: Int32?
    /// Whether the first process is an init, and the program its child: signals are handed on, and orphans collected.
    public var usesInit: Bool = false
    /// What is added to the kernel's score when it chooses what to kill for memory, -1000 to 1000; `nil` for the caller's.
    public var memoryScore: Int32?
    /// How the process is separated from the machine; `SandboxCapabilities` tells what is possible.
    public var isolation: SandboxIsolation = .full
    /// What the program has as standard input, output and error.
    public var streams: SandboxStreams = .captured
    /// The most capabilities that any process inside can ever have.
    public var capabilities: CapabilitySet = .dockerDefault
    /// Which system calls any process inside can make.
    public var systemCalls: SystemCallFilter = .dockerDefault
    /// The size of `/dev/shm` in bytes; Docker's default is 64 MiB.
    public var sharedMemorySize: UInt64 = 64 << 20
    /// Resource limits that the program has other than the usual ones, which do not depend on the caller's.
    public var limits: [ResourceLimit] = []
    /// Whether set-user-ID programs inside lose their effect.
    public var forbidsNewPrivileges: Bool = false
    /// Whether the root, but not what is mounted into it, is read-only.
    public var isRootReadOnly: Bool = false
    /// Whether what a program syncs to its root survives a crash of the machine; builds need no such promise.
    public var isDurable: Bool = false
    /// The control group of version 2 that the process is in: a descriptor of its directory.
    ///
    /// `nil` for a common one, in
    /// which only the usual devices work.
    public var controlGroup: Int32?
    /// Further control groups that the process is in from the beginning: descriptors of their `cgroup.procs`.
    public var controlGroups: [Int32] = []
    /// Kernel parameters of the new namespaces.
    public var kernelParameters: [KernelParameter] = []
    /// Whether nothing is executed, and the process only waits until it is killed.
    ///
    /// It has its root and `mounts`, but not `/proc`, `/dev` and `/sys`, for others that use `/proc/PID/root`. Not under
    /// `SandboxIsolation.chroot`.
    public var isHeld: Bool = false
    /// Whether the sensitive parts of `/proc` and `/sys` are hidden or read-only, as Docker's default has it.
    public var masksSystemPaths: Bool = true

    /// What BuildKit calls the machine that a process sees.
    public static let defaultHostname = "buildkitsandbox"

    /// A configuration with Docker's defaults for everything else.
    public init(root: SandboxRoot, arguments: [String]) {
        self.root = root
        self.arguments = arguments
    }
}

/// The root filesystem of a sandbox.
///
/// What a process leaves in `upper` is a plain difference to `lower`:
/// - a file or directory that was added or changed is there whole, with its metadata;
/// - a deleted one is a *whiteout*: a character device with device number 0:0 under its name;
/// - a directory that replaces one of `lower` instead of adding to it has the extended attribute
///   `trusted.overlay.opaque` = `y`, or `user.overlay.opaque` below a user namespace;
/// - other `trusted.overlay.…` or `user.overlay.…` attributes (`origin`, `impure`, `uuid`) are the kernel's own notes:
///   ignore them.
///
/// Redirects, metadata-only copies and the inode index are off, so that nothing else occurs.
public enum SandboxRoot: Sendable {
    /// A stack of directories that stays untouched, **topmost first**, below a writable one.
    ///
    /// One of `lower` may be a directory that this process has open, as `/proc/self/fd/N` (Linux 6.15).
    /// Without `upper` and `work` it is read-only. They are empty directories on one filesystem. `work` must be new for each launch: the mount is
    /// `volatile`, and the kernel refuses a work directory that it has seen in such a mount before.
    case overlay(lower: [FilePath], upper: FilePath?, work: FilePath?)
    /// One directory that the process changes in place; the only choice under `SandboxIsolation.chroot`.
    case directory(FilePath)
    /// The root and all other namespaces of a process that is running in a sandbox; its pidfd, which stays the caller's.
    ///
    /// Mounts, kernel parameters and the host name of the configuration have no effect then.
    case process(Int32)
}

/// A kernel parameter (sysctl) that each namespace has its own of, such as `net.ipv4.ip_forward`.
public struct KernelParameter: Sendable, Hashable {
    /// The path below `/proc/sys`.
    let path: String
    let value: String

    /// - Returns: `nil` for a parameter that belongs to the whole machine: one process must not change it for all.
    public init?(name: String, value: String) {
        let path = name.contains("/") ? name : name.split(separator: ".").joined(separator: "/")
        let ofNamespaces = [
            "kernel/msgmax", "kernel/msgmnb", "kernel/msgmni", "kernel/sem", "kernel/shmall", "kernel/shmmax",
            "kernel/shmmni", "kernel/shm_rmid_forced", "kernel/domainname",
        ]
        guard path.hasPrefix("net/") || path.hasPrefix("fs/mqueue/") || ofNamespaces.contains(path) else { return nil }
        self.path = path
        self.value = value
    }
}

/// Who the process runs as; numbers, since names were resolved against the root filesystem before.
public struct SandboxUser: Sendable, Equatable, Codable {
    /// User 0 in group 0.
    public static let root = SandboxUser(userID: 0, groupID: 0)

    /// The user inside.
    public var userID: UInt32
    /// The primary group inside.
    public var groupID: UInt32
    /// Every further group; an empty list means none, not the caller's.
    public var supplementaryGroups: [UInt32]

    /// A user by numbers.
    public init(userID: UInt32, groupID: UInt32, supplementaryGroups: [UInt32] = []) {
        self.userID = userID
        self.groupID = groupID
        self.supplementaryGroups = supplementaryGroups
    }
}

/// What network a sandbox sees.
public enum SandboxNetwork: Sendable, Equatable {
    /// The caller's.
    case host
    /// Only a loopback interface of its own; needs a namespace.
    case none
    /// That of a network namespace; its descriptor, which stays the caller's.
    case namespace(Int32)
}

/// A namespace of the caller's that a process may be in.
public enum SharedNamespace: String, Sendable, Codable, CaseIterable {
    /// What the program starts then does not end with it.
    case processes = "pid"
    /// With the files of `/dev/shm`.
    case ipc
    /// Those of the machine and its domain.
    case names = "uts"
}

/// How strongly a sandbox is separated from the machine, best first.
public enum SandboxIsolation: String, Sendable, Codable, CaseIterable {
    /// Namespaces made by a privileged caller.
    case full
    /// Namespaces made by a caller who is root in a user namespace only (`SubordinateUsers`), with the users there.
    case userNamespace = "userns"
    /// Namespaces below a user namespace, in which the caller's own user and group are the only ones.
    ///
    /// What the process writes belongs to the caller outside. Other users are emulated, and owners are recorded in extended
    /// attributes (`CSandbox/owners.c`); a kernel without user notification has only `user`.
    case singleUser = "userns-single"
    /// Only another root directory: no mounts, no namespaces, and root inside can get out.
    case chroot
    /// None of these: processes are traced, which shows them another root, and users are emulated as in `singleUser`.
    case traced = "ptrace"

    /// The kind of a name, which may be that of an earlier release; `nil` for any other text.
    public init?(name: String) {
        self.init(rawValue: name == "proot" ? Self.traced.rawValue : name)
    }

    /// Reads the text, or the number that it was in states of earlier releases.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let earlier = [Self.full, .singleUser, .chroot]
        if let number = try? container.decode(Int.self), earlier.indices.contains(number) {
            self = earlier[number]
        } else if let value = Self(name: try container.decode(String.self)) {
            self = value
        } else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "unknown isolation")
        }
    }

    /// The strongest kind that this process may try.
    public static var strongest: SandboxIsolation { SubordinateUsers.areMapped ? .userNamespace : .full }

    /// What separates processes, for messages.
    public var words: String {
        switch self {
        case .full: "namespaces"
        case .userNamespace: "a user namespace with subordinate IDs"
        case .singleUser: "a user namespace"
        case .chroot: "a changed root directory"
        case .traced: "a tracer"
        }
    }

    /// Whether processes have namespaces, and with them mounts.
    public var hasNamespaces: Bool { self != .chroot && self != .traced }
}

/// What the process has as standard input, output and error.
public enum SandboxStreams: Sendable {
    /// Empty input; output and error go to pipes that `SandboxProcess.readOutput` reads.
    case captured
    /// The given descriptors, which stay the caller's.
    case descriptors(input: Int32, output: Int32, error: Int32)
    /// A terminal for all three, which becomes the controlling one; the descriptor stays the caller's.
    case terminal(Int32)
}
