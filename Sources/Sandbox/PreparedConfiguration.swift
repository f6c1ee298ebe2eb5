internal import CSandbox
internal import Glibc
internal import SystemPackage

/// A configuration in C's terms, made before the clone; owns all memory that it points to.
final class PreparedConfiguration {
    private(set) var value = sb_configuration()
    private var allocations: [UnsafeMutableRawPointer] = []

    /// - Parameter terminal: The path of the terminal that the descriptors are, if they are one.
    init(
        _ configuration: SandboxConfiguration,
        descriptors: (input: Int32, output: Int32, error: Int32),
        terminal: String? = nil,
        isProbe: Bool = false
    ) throws(SandboxError) {
        try Self.validate(configuration)
        value.isolation = configuration.isolation.inC
        value.entered = -1
        switch configuration.root {
        case .directory(let path):
            value.root_directory = string(path)
            value.syncs_nothing = configuration.isDurable ? 0 : 1
        case .overlay(let lower, let upper, let work):
            value.root_overlay = overlay(lower, upper, work)
            value.root_overlay.is_durable = configuration.isDurable ? 1 : 0
        case .process(let descriptor): value.entered = descriptor
        }
        let open = configuration.openDirectories
        value.open_directories = array(open)
        value.open_directory_count = open.count
        addSurroundings(configuration)
        value.unmasked = configuration.masksSystemPaths ? 0 : 1
        value.probe = isProbe ? 1 : 0
        value.held = configuration.isHeld ? 1 : 0
        value.mounts = array(configuration.mounts.map(mount))
        value.mount_count = configuration.mounts.count
        value.shared_memory_size = configuration.sharedMemorySize
        value.limits = array(
            configuration.limits.map { sb_limit(resource: $0.resource.number, soft: $0.soft, hard: $0.hard) }
        )
        value.limit_count = configuration.limits.count
        value.arguments = strings(configuration.arguments)
        value.environment = strings(configuration.environment)
        value.search_path = configuration.searchPath.map { string($0) }
        value.working_directory = string(configuration.workingDirectory)
        value.hostname = string(configuration.hostname)
        value.domainname = configuration.domainName.map { string($0) }
        if configuration.usesInit { value.init_arguments = strings(["init", "--"] + configuration.arguments) }
        value.has_memory_score = configuration.memoryScore == nil ? 0 : 1
        value.memory_score = configuration.memoryScore ?? 0
        value.user = configuration.user.userID
        value.group = configuration.user.groupID
        value.groups = array(configuration.user.supplementaryGroups)
        value.group_count = configuration.user.supplementaryGroups.count
        value.capabilities = configuration.capabilities.rawValue
        value.no_new_privileges = configuration.forbidsNewPrivileges ? 1 : 0
        if !isProbe, !configuration.isHeld,
            let program = try configuration.systemCalls.program(configuration.capabilities)
        {
            value.filter = array(program.instructions)
            value.filter_length = program.instructions.count
        }
        value.standard_input = descriptors.input
        value.standard_output = descriptors.output
        value.standard_error = descriptors.error
        value.terminal = terminal.map { string($0) }
    }

    /// Namespaces, control groups and what belongs to them.
    private func addSurroundings(_ configuration: SandboxConfiguration) {
        value.read_only_root = configuration.isRootReadOnly ? 1 : 0
        value.new_network = configuration.network == .none ? 1 : 0
        value.network = -1
        if case .namespace(let descriptor) = configuration.network { value.network = descriptor }
        value.shares_processes = configuration.sharedNamespaces.contains(.processes) ? 1 : 0
        value.shares_ipc = configuration.sharedNamespaces.contains(.ipc) ? 1 : 0
        value.shares_names = configuration.sharedNamespaces.contains(.names) ? 1 : 0
        value.joined_processes = configuration.joinedProcesses ?? -1
        value.joined_ipc = configuration.joinedIPC ?? -1
        value.control_group = configuration.controlGroup ?? -1
        value.control_groups = array(configuration.controlGroups)
        value.control_group_count = configuration.controlGroups.count
        value.parameters = array(
            configuration.kernelParameters.map { sb_parameter(path: string($0.path), value: string($0.value)) }
        )
        value.parameter_count = configuration.kernelParameters.count
    }

    deinit {
        for allocation in allocations { free(allocation) }
    }

    /// Finds what the kernel would not, or would with a misleading reason.
    private static func validate(_ configuration: SandboxConfiguration) throws(SandboxError) {
        func refuse(_ sentence: String) -> SandboxError {
            SandboxError(.invalidConfiguration, sentence, errno: nil)
        }
        if configuration.arguments.isEmpty { throw refuse("no program to run") }
        let texts =
            configuration.arguments + configuration.environment + configuration.mounts.map(\.target)
            + configuration.kernelParameters.map(\.value)
            + [configuration.workingDirectory, configuration.hostname, configuration.domainName ?? ""]
        if let text = texts.first(where: { $0.utf8.contains(0) }) {
            throw refuse("`\(text.prefix { $0 != "\0" })` contains a zero byte, which cannot be passed to a program")
        }
        if !configuration.workingDirectory.hasPrefix("/") {
            throw refuse("the working directory `\(configuration.workingDirectory)` is not absolute")
        }
        if case .overlay(let lower, _, _) = configuration.root {
            if lower.isEmpty { throw refuse("an overlay needs at least one lower directory") }
            if !configuration.isolation.hasNamespaces {
                throw refuse("an overlay cannot be mounted without namespaces")
            }
        }
        if !configuration.isolation.hasNamespaces, case .namespace = configuration.network {
            throw refuse("a process cannot be in another network without namespaces")
        }
        if !configuration.isolation.hasNamespaces, configuration.usesInit {
            throw refuse("a process cannot have an init without namespaces")
        }
        if configuration.isolation == .chroot, configuration.joinedProcesses != nil || configuration.joinedIPC != nil {
            throw refuse("a process cannot be in the namespaces of another one without namespaces of its own")
        }
        if configuration.isolation != .full, let shared = configuration.sharedNamespaces.first {
            throw refuse(
                "a process cannot share the namespace `\(shared.rawValue)` of the machine unless root starts it"
            )
        }
        for mount in configuration.mounts {
            guard case .overlay(let lower, let upper, let work, _) = mount.source else { continue }
            if lower.isEmpty || (upper == nil) != (work == nil) {
                throw refuse("the overlay on `\(mount.target)` needs lower directories, and upper with work or neither")
            }
        }
    }

    private func mount(_ mount: SandboxMount) -> sb_mount {
        var result = sb_mount()
        result.target = string(mount.target)
        var flags: sb_mount_flags.RawValue = 0
        if mount.isReadOnly { flags |= SB_MOUNT_READ_ONLY.rawValue }
        if mount.createsTarget { flags |= SB_MOUNT_CREATE_TARGET.rawValue }
        switch mount.source {
        case .bind(let path, let recursive):
            result.kind = SB_MOUNT_BIND
            result.source = string(path)
            if recursive { flags |= SB_MOUNT_RECURSIVE.rawValue }
        case .bindInside(let root, let path, let recursive):
            result.kind = SB_MOUNT_BIND
            result.source_root = string(root)
            result.source = string(path)
            if recursive { flags |= SB_MOUNT_RECURSIVE.rawValue }
        case .overlay(let lower, let upper, let work, let path):
            result.kind = SB_MOUNT_OVERLAY
            result.overlay = overlay(lower, upper, work)
            result.source = string(path)
        case .device(let path):
            result.kind = SB_MOUNT_DEVICE
            result.source = string(path)
        case .content(let bytes, let permissions, let owner):
            result.kind = SB_MOUNT_CONTENT
            result.content = UnsafeRawPointer(array(bytes))
            result.size = UInt64(bytes.count)
            result.mode = permissions
            result.user = owner.userID
            result.group = owner.groupID
        case .memory(let size, let permissions, let owner, let forbidsPrograms):
            result.kind = SB_MOUNT_TMPFS
            result.user = owner.userID
            result.group = owner.groupID
            if forbidsPrograms { flags |= SB_MOUNT_NO_PROGRAMS.rawValue }
            result.size = size ?? 0
            result.mode = permissions
        }
        result.flags = flags
        return result
    }

    private func overlay(_ lower: [FilePath], _ upper: FilePath?, _ work: FilePath?) -> sb_overlay {
        sb_overlay(
            lower: array(lower.map { string($0) as UnsafePointer<CChar>? }),
            lower_count: lower.count,
            upper: upper.map { string($0) },
            work: work.map { string($0) },
            is_durable: 0
        )
    }

    private func string(_ text: String) -> UnsafePointer<CChar> {
        text.withCString { copy($0) }
    }

    private func string(_ path: FilePath) -> UnsafePointer<CChar> {
        path.withPlatformString { copy($0) }
    }

    private func copy(_ text: UnsafePointer<CChar>) -> UnsafePointer<CChar> {
        guard let copy = strdup(text) else { preconditionFailure("out of memory") }
        allocations.append(copy)
        return UnsafePointer(copy)
    }

    private func strings(_ texts: [String]) -> UnsafePointer<UnsafePointer<CChar>?> {
        array(texts.map { string($0) as UnsafePointer<CChar>? } + [nil])
    }

    private func array<Element>(_ elements: [Element]) -> UnsafePointer<Element> {
        let pointer = UnsafeMutablePointer<Element>.allocate(capacity: max(elements.count, 1))
        pointer.initialize(from: elements, count: elements.count)
        allocations.append(UnsafeMutableRawPointer(pointer))
        return UnsafePointer(pointer)
    }
}

extension SandboxConfiguration {
    /// The descriptors of lower directories that are mounted nowhere: `/proc/self/fd/N`, and what follows.
    fileprivate var openDirectories: [Int32] {
        var paths: [FilePath] = []
        if case .overlay(let lower, _, _) = root { paths = lower }
        for mount in mounts {
            switch mount.source {
            case .overlay(let lower, _, _, _): paths += lower
            case .bindInside(let root, _, _): paths.append(root)
            default: break
            }
        }
        return Set(
            paths.lazy.filter { $0.string.hasPrefix("/proc/self/fd/") }
                .compactMap { $0.components.dropFirst(3).first.flatMap { Int32($0.string) } }
        ).sorted()
    }

    /// The last `PATH` of the environment, as a program would see it.
    var searchPath: String? {
        environment.last { $0.hasPrefix("PATH=") }.map { String($0.dropFirst("PATH=".count)) }
    }
}

extension SandboxIsolation {
    fileprivate var inC: sb_isolation {
        switch self {
        case .full: SB_ISOLATION_FULL
        case .userNamespace: SB_ISOLATION_USER_NAMESPACE
        case .singleUser: SB_ISOLATION_SINGLE_USER
        case .chroot: SB_ISOLATION_CHROOT
        case .traced: SB_ISOLATION_TRACED
        }
    }
}
