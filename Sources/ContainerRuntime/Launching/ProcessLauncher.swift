internal import ContentStore
internal import FileSystem
public import Layers
public import Sandbox
public import Snapshots
public import SystemPackage
public import Tar

/// Makes processes of their specifications: the one place that knows what each part of one means for a sandbox.
public struct ProcessLauncher: Sendable {
    private(set) var snapshots: SnapshotStore
    let isolation: Isolation.Kind
    let credentials: Credentials?
    let caches: [CacheDirectoryStore.Directory]

    /// - Parameters:
    ///   - credentials: Secrets and ssh agents; `nil` where there are none any more, so that processes go without.
    ///   - caches: Those that the caller has locked already.
    public init(
        _ snapshots: SnapshotStore,
        _ isolation: Isolation.Kind,
        credentials: Credentials? = nil,
        caches: [CacheDirectoryStore.Directory] = []
    ) {
        (self.snapshots, self.isolation) = (snapshots, isolation)
        (self.credentials, self.caches) = (credentials, caches)
        self.snapshots.mountsLayers = isolation.level == .full
    }

    /// Prepares a process on a root filesystem that is opened for it; nothing runs yet.
    ///
    /// - Throws: `ContainerError`, `LayerError`, `SystemError`.
    public func prepare(_ specification: ProcessSpecification, on root: RootFilesystem) throws -> PreparedProcess {
        switch root {
        case .image(let layers):
            guard isolation.mountsOverlay, try snapshots.fitOverlay(layers) else {
                let stack = try LayerStack(layers, in: snapshots.layers)
                return try prepare(specification, on: .copying(stack, in: snapshots))
            }
            let (workspace, locks) = try snapshots.lockedWorkspace(over: layers)
            return try prepare(specification, on: .overlay(workspace), keeping: locks)
        case .kept(let directory, let layers):
            let (lock, files) = (try FileLock.acquire(directory, .shared), directory.appending("fs"))
            guard let layers else { return try prepare(specification, .directory(files), keeping: [lock]) }
            let (workspace, locks) = try snapshots.lockedWorkspace(over: layers)
            let overlay = SandboxRoot.overlay(lower: workspace.directories, upper: files, work: workspace.work)
            return try prepare(specification, overlay, keeping: [lock, workspace] + locks)
        }
    }

    /// Holds a root filesystem that an earlier process left, for others than processes in it.
    ///
    /// - Parameters:
    ///   - directory: Has it in `fs`, on top of `layers`; without those it has all files.
    ///   - mounts: What is mounted in it: only what is not in memory and no secret.
    ///   - isReadOnly: Whether nothing can be changed; a process may run on it meanwhile.
    /// - Throws: `LayerError`, `SandboxError`, `SystemError`.
    public func hold(
        _ directory: FilePath,
        layers: [Layer]?,
        mounts: [ProcessSpecification.Mount] = [],
        isReadOnly: Bool
    ) throws -> HeldFilesystem {
        let files = directory.appending("fs")
        var resources: [any Sendable] = [try FileLock.acquire(directory, .shared)]
        guard isolation.level.hasNamespaces else { return HeldFilesystem(files, nil, resources) }
        var root = SandboxRoot.directory(files)
        if let layers {
            let (workspace, locks) = try snapshots.lockedWorkspace(over: layers)
            resources += [workspace] + locks
            root =
                isReadOnly
                ? .overlay(lower: [files] + workspace.directories, upper: nil, work: nil)
                : .overlay(lower: workspace.directories, upper: files, work: workspace.work)
        }
        var resolver = MountResolver(launcher: self)
        for (position, mount) in mounts.enumerated() {
            if case .memory = mount.source { continue }
            try resolver.add(mount, at: position)
        }
        var configuration = SandboxConfiguration(root: root, arguments: ["hold"])
        configuration.isolation = isolation.level
        configuration.isHeld = true
        configuration.isDurable = true
        configuration.isRootReadOnly = isReadOnly
        configuration.mounts = resolver.sortedMounts.map(\.mount)
        configuration.streams = .descriptors(input: 0, output: 1, error: 2)
        let process = try SandboxProcess.launch(configuration)
        return HeldFilesystem(FilePath("/proc/\(process.processID)/root"), process, resources + resolver.resources)
    }

    /// Prepares a process on a root filesystem of the caller's; nothing runs yet.
    ///
    /// - Throws: `ContainerError`, `LayerError`, `SystemError`.
    public func prepare(_ specification: ProcessSpecification, on root: ProcessRoot) throws -> PreparedProcess {
        try prepare(specification, on: root, keeping: [])
    }

    private func prepare(
        _ specification: ProcessSpecification,
        on root: ProcessRoot,
        keeping resources: [any Sendable]
    ) throws -> PreparedProcess {
        try prepare(specification, root.sandbox, keeping: resources + [root])
    }

    private func prepare(
        _ specification: ProcessSpecification,
        _ root: SandboxRoot,
        keeping resources: [any Sendable]
    ) throws -> PreparedProcess {
        var resolver = MountResolver(launcher: self)
        for (position, mount) in specification.mounts.enumerated() {
            do {
                try resolver.add(mount, at: position)
            } catch let problem as ContainerError.CredentialProblem {
                throw ContainerError.mount(position, problem)
            }
        }
        var specification = specification
        specification.setVariables(resolver.variables)
        let mounts = resolver.sortedMounts
        var configuration = specification.configuration(root, isolation.level)
        configuration.mounts = specification.systemFiles + mounts.map(\.mount)
        var places: CoveredPlaces?
        if !isolation.level.hasNamespaces, case .directory(let files) = root {
            places = CoveredPlaces(files, snapshots.layers.store)
        }
        return PreparedProcess(
            configuration: configuration,
            positions: mounts.map(\.position),
            redaction: OutputRedaction(resolver.secrets),
            resources: resources + resolver.resources,
            places: places
        )
    }
}

extension ProcessSpecification {
    /// Everything but mounts.
    fileprivate func configuration(_ root: SandboxRoot, _ isolation: SandboxIsolation) -> SandboxConfiguration {
        var configuration = SandboxConfiguration(root: root, arguments: arguments)
        configuration.environment = environment
        configuration.workingDirectory = workingDirectory
        configuration.user = ids
        configuration.hostname = hostname
        configuration.network = network == .none ? .none : .host
        configuration.isolation = isolation
        configuration.capabilities = privileges.capabilities
        configuration.systemCalls = privileges.systemCalls
        configuration.masksSystemPaths = privileges.masksSystemPaths
        configuration.forbidsNewPrivileges = privileges.forbidsNewPrivileges
        if let sharedMemorySize { configuration.sharedMemorySize = sharedMemorySize }
        configuration.limits = limits
        return configuration
    }

    /// Starts the process beside one that runs: in its namespaces, if it has some, and on its files.
    ///
    /// - Parameters:
    ///   - root: The other process, or the directory that it changes where it has no namespaces.
    ///   - surroundings: Its control groups; the rest is that of its namespaces.
    public func launch(
        on root: SandboxRoot,
        _ isolation: SandboxIsolation,
        in surroundings: ContainerSurroundings,
        _ streams: SandboxStreams
    ) throws(SandboxError) -> SandboxProcess {
        var configuration = configuration(root, isolation)
        configuration.network = .host
        configuration.streams = streams
        configuration.controlGroup = surroundings.controlGroup
        configuration.controlGroups = surroundings.controlGroups
        configuration.memoryScore = surroundings.memoryScore
        // The group is what keeps a device file that the process makes from working.
        if surroundings.controlGroup == nil { configuration.capabilities.subtract(.makeDevices) }
        return try SandboxProcess.launch(configuration)
    }
}

/// What the surroundings of a container decide about its process, beside its specification.
public struct ContainerSurroundings: Sendable {
    /// A descriptor of the network namespace; `nil` for what the specification says.
    public var network: Int32?
    /// The directory of the control group of version 2, and `cgroup.procs` of further ones.
    public var controlGroup: Int32?
    public var controlGroups: [Int32] = []
    public var isRootReadOnly = false
    public var kernelParameters: [KernelParameter] = []
    public var domainName: String?
    public var sharedNamespaces: Set<SharedNamespace> = []
    /// As `SandboxConfiguration.joinedProcesses` and `joinedIPC`.
    public var joinedProcesses: Int32?
    public var joinedIPC: Int32?
    /// Devices of this machine, and where the process has them.
    public var devices: [(source: String, target: String)] = []
    public var usesInit = false
    /// As `SandboxConfiguration.memoryScore`.
    public var memoryScore: Int32?

    public init() {}
}

/// What the writable root filesystem of a process is opened from.
public enum RootFilesystem: Sendable {
    /// The layers of an image, lowest first; what the process writes is removed with it.
    case image(layers: [Layer])
    /// What an earlier process left in `fs` of a directory, where this one writes too.
    ///
    /// It lies on top of `layers`; without those it has all files.
    case kept(FilePath, layers: [Layer]?)
}

/// A process that can be launched, with everything that must live as long as it does.
public struct PreparedProcess: Sendable {
    let configuration: SandboxConfiguration
    /// Where the last mounts of the configuration stand in the specification.
    fileprivate let positions: [Int]
    /// Hides the secrets that the process gets.
    public let redaction: OutputRedaction
    fileprivate let resources: [any Sendable]
    /// What takes the place of mounts where nothing can be mounted.
    fileprivate var places: CoveredPlaces?

    /// Puts back what was covered on the root, once the process has ended.
    ///
    /// - Returns: What was made only for that, and what is again where it was, untouched.
    public func uncover() -> (created: [CreatedMountPoint], restored: Set<PathInRoot>) {
        places?.restore() ?? ([], [])
    }

    /// Starts a process with everything that it sees.
    private func start(_ configuration: SandboxConfiguration) throws(SandboxError) -> SandboxProcess {
        guard let places else { return try SandboxProcess.launch(configuration) }
        var configuration = configuration
        do throws(SandboxError) {
            try places.cover(configuration.mounts)
            // A cache is in the root now, and all that a program syncs there is synced.
            if configuration.mounts.contains(where: \.isKept) { configuration.isDurable = true }
            configuration.mounts = []
            return try SandboxProcess.launch(configuration)
        } catch {
            _ = places.restore()
            throw error
        }
    }

    /// Starts the process with the given streams; good for one launch.
    public func launch(_ streams: SandboxStreams) throws(SandboxError) -> SandboxProcess {
        var configuration = configuration
        configuration.streams = streams
        return try start(configuration)
    }

    /// Starts the process of a container, whose files survive a crash of the machine.
    public func launch(_ streams: SandboxStreams, in surroundings: ContainerSurroundings) throws(SandboxError)
        -> SandboxProcess
    {
        var configuration = configuration
        configuration.streams = streams
        configuration.isDurable = true
        if let network = surroundings.network { configuration.network = .namespace(network) }
        configuration.controlGroup = surroundings.controlGroup
        configuration.controlGroups = surroundings.controlGroups
        configuration.isRootReadOnly = surroundings.isRootReadOnly
        configuration.kernelParameters = surroundings.kernelParameters
        configuration.domainName = surroundings.domainName
        configuration.sharedNamespaces = surroundings.sharedNamespaces
        (configuration.joinedProcesses, configuration.joinedIPC) = (
            surroundings.joinedProcesses, surroundings.joinedIPC
        )
        configuration.usesInit = surroundings.usesInit
        configuration.memoryScore = surroundings.memoryScore
        // First, since the positions of the others are counted from the end.
        configuration.mounts.insert(
            contentsOf: surroundings.devices.map { SandboxMount(.device(FilePath($0.source)), target: $0.target) },
            at: 0
        )
        return try start(configuration)
    }

    /// The position of the specification's mount that could not be made; `nil` for another error.
    public func mount(of error: SandboxError) -> Int? {
        guard case .mount(let index) = error.reason else { return nil }
        let position = index - (configuration.mounts.count - positions.count)
        return positions.indices.contains(position) ? positions[position] : nil
    }
}
