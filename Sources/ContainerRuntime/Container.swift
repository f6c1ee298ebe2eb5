internal import ContentStore
internal import FileSystem
internal import Glibc
public import Layers
public import OCI
public import Sandbox
public import Snapshots
internal import SystemPackage

/// What the command line of `run` says.
public struct ContainerOptions: Sendable {
    /// What replaces the image's `CMD`; empty for none.
    public var command: [String] = []
    /// What replaces the image's `ENTRYPOINT`, and takes its `CMD` away.
    public var entrypoint: String?
    /// `NAME=value`, over the image's.
    public var environment: [String] = []
    public var workingDirectory: String?
    public var user: String?
    public var volumes: [Volume] = []
    public var usesTerminal = false
    public var hostname: String?
    /// Which system calls the command may make.
    public var systemCalls = SystemCallFilter.dockerDefault
    /// Whether set-user-ID programs of the image have no effect.
    public var forbidsNewPrivileges = false

    public init() {}

    /// A directory or file of the machine that the container sees.
    public struct Volume: Sendable {
        let source: FilePath
        let target: String
        let isReadOnly: Bool

        /// Parses `HOST:CONTAINER[:ro|rw]`.
        ///
        /// - Throws: `ContainerError.invalidVolume`.
        public init(parsing text: String) throws(ContainerError) {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            guard (2...3).contains(parts.count), !parts[0].isEmpty else {
                throw .invalidVolume(text, reason: "expected HOST:CONTAINER[:ro]")
            }
            guard parts[0].contains("/") || parts[0].hasPrefix(".") else {
                throw .invalidVolume(
                    text,
                    reason: "volumes with names are not supported yet: write a path, such as ./\(parts[0])"
                )
            }
            guard parts[1].hasPrefix("/") else {
                throw .invalidVolume(text, reason: "the path in the container must begin with /")
            }
            guard parts.count == 2 || parts[2] == "ro" || parts[2] == "rw" else {
                throw .invalidVolume(text, reason: "unknown option `\(parts[2])`")
            }
            guard let resolved = realpath(parts[0], nil) else {
                throw .invalidVolume(text, reason: "`\(parts[0])` does not exist")
            }
            defer { free(resolved) }
            source = FilePath(platformString: resolved)
            target = parts[1]
            isReadOnly = parts.count == 3 && parts[2] == "ro"
        }
    }
}

/// One process on an image, and everything it writes; both are gone when this value is.
public struct Container: Sendable {
    private let root: ProcessRoot
    private let locks: [FileLock]
    public private(set) var configuration: SandboxConfiguration

    /// Prepares a container; nothing runs yet.
    ///
    /// - Parameter name: The image's, for messages.
    /// - Throws: `ContainerError`, `LayerError`, `SystemError`.
    public init(
        _ image: ImageConfiguration,
        layers: [Layer],
        name: String,
        _ options: ContainerOptions,
        in snapshots: SnapshotStore
    ) throws {
        let store = snapshots.layers.store
        let isolation = try Isolation(store).strongest()
        let arguments = Container.arguments(image.config, options)
        guard !arguments.isEmpty else { throw ContainerError.noCommand(image: name) }
        let stack = try LayerStack(layers, in: snapshots.layers)
        if isolation.mountsOverlay, try snapshots.fitOverlay(layers) {
            let unpacked = try snapshots.snapshots(of: layers)
            // Prune leaves alone what somebody has locked; it need not wait for the container.
            locks = try unpacked.map { try $0.lock() }
            root = .overlay(try snapshots.workspace(over: unpacked))
        } else {
            locks = []
            root = try .copying(stack, in: snapshots)
        }
        let hostname = options.hostname ?? Container.randomName()
        let identity = try Container.identity(options.user ?? image.config.user ?? "", stack)
        configuration = SandboxConfiguration(root: root.sandbox, arguments: arguments)
        configuration.user = SandboxUser(
            userID: identity.userID,
            groupID: identity.groupID,
            supplementaryGroups: identity.supplementaryGroups
        )
        configuration.environment = Container.environment(image.config, options, identity, hostname)
        configuration.workingDirectory =
            options.workingDirectory ?? image.config.workingDir.flatMap { $0.isEmpty ? nil : $0 } ?? "/"
        configuration.hostname = hostname
        configuration.isolation = isolation.level
        configuration.systemCalls = options.systemCalls
        configuration.forbidsNewPrivileges = options.forbidsNewPrivileges
        configuration.mounts = SystemFiles(hostname: hostname).mounts
        configuration.mounts += options.volumes.map {
            SandboxMount(.bind($0.source, recursive: true), target: $0.target, isReadOnly: $0.isReadOnly)
        }
    }

    /// Starts the process with the given streams.
    public func launch(_ streams: SandboxStreams) throws(SandboxError) -> SandboxProcess {
        var configuration = configuration
        configuration.streams = streams
        return try SandboxProcess.launch(configuration)
    }

    /// ENTRYPOINT and CMD as Docker combines them.
    private static func arguments(_ image: ImageConfiguration.Execution, _ options: ContainerOptions) -> [String] {
        if let entrypoint = options.entrypoint {
            return (entrypoint.isEmpty ? [] : [entrypoint]) + options.command
        }
        return (image.entrypoint ?? []) + (options.command.isEmpty ? image.cmd ?? [] : options.command)
    }

    private static func identity(_ user: String, _ stack: LayerStack) throws -> UserDatabase.Identity {
        var unknown: String?
        guard let identity = try stack.users().identity(of: user, unknown: &unknown) else {
            throw ContainerError.unknownUser(unknown ?? user)
        }
        return identity
    }

    /// The image's variables, what every container has, and the caller's, later ones over earlier ones.
    private static func environment(
        _ image: ImageConfiguration.Execution,
        _ options: ContainerOptions,
        _ identity: UserDatabase.Identity,
        _ hostname: String
    ) -> [String] {
        var result: [String] = []
        func set(_ assignment: String) {
            let name = assignment.prefix { $0 != "=" } + "="
            if let position = result.firstIndex(where: { $0.hasPrefix(name) }) {
                result[position] = assignment
            } else {
                result.append(assignment)
            }
        }
        set("PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        set("HOSTNAME=\(hostname)")
        if options.usesTerminal { set("TERM=xterm") }
        set("HOME=\(identity.home)")
        for assignment in image.env ?? [] { set(assignment) }
        for assignment in options.environment { set(assignment) }
        // An empty one is as good as none, as with Docker.
        if result.contains("HOME=") { set("HOME=\(identity.home)") }
        return result
    }

    /// Twelve hexadecimal digits, as Docker names containers.
    private static func randomName() -> String {
        let digits = String(UInt64.random(in: 0..<(1 << 48)), radix: 16)
        return String(repeating: "0", count: 12 - digits.count) + digits
    }
}
