internal import CLinux
internal import ContainerRuntime
internal import FileSystem
internal import Glibc
internal import Layers
internal import OCI
public import Sandbox
internal import SystemPackage

/// A command in a running container, as `exec` has it.
public struct ExecOptions: Sendable {
    public var command: [String]
    public var usesTerminal = false
    public var isPrivileged = false
    public var user: String?
    public var workingDirectory: String?
    /// `NAME=value`, over the container's.
    public var environment: [String] = []

    public init(command: [String]) { self.command = command }
}

extension Container {
    /// Starts a command beside the container's process; it is this process's child, and ends with it.
    ///
    /// - Throws: `ContainerStoreError.notRunning`, `ContainerError.unknownUser`, `SandboxError`.
    public func execute(_ options: ExecOptions, _ streams: SandboxStreams) throws -> SandboxProcess {
        let descriptor = try processDescriptor()
        defer { close(descriptor) }
        let process = try store.launch(
            try specification(options),
            beside: descriptor,
            of: record,
            state.isolation,
            streams
        )
        store.noteExecution(of: options.command, in: record)
        return process
    }

    /// Opens a terminal that has a name inside the container, so that programs there can find it.
    ///
    /// - Throws: `SandboxError`, `ContainerStoreError.notRunning`.
    public func openTerminal() throws -> PseudoTerminal {
        let process = try processDescriptor()
        defer { close(process) }
        guard let root = try? OwnedDescriptor(rootWhileRunning, O_RDONLY | O_DIRECTORY),
            let controller = OwnedDescriptor(sb_open_in_root(root.rawValue, "dev/pts/ptmx", O_RDWR)),
            sb_is_of_kernel(controller.rawValue) != 0
        else { return try PseudoTerminal() }
        return try PseudoTerminal(controller)
    }

    /// Lets the supervisor start a command, which nobody waits for.
    public func executeDetached(_ options: ExecOptions) throws {
        // Its events are the supervisor's, which alone sees its end.
        try connect(.execute(try specification(options))).waitForAnswer()
    }

    /// A descriptor of the container's process, for the caller to close.
    private func processDescriptor() throws -> Int32 {
        guard state.status != .paused else { throw ContainerStoreError.paused(record.name) }
        guard state.status == .running,
            let descriptor = ProcessIdentity.descriptor(of: state.processID, startedAt: state.processStart)
        else { throw ContainerStoreError.notRunning(record.name) }
        return descriptor
    }

    private func specification(_ options: ExecOptions) throws -> ProcessSpecification {
        var process = record.process
        process.arguments = options.command
        process.usesTerminal = options.usesTerminal
        if let directory = options.workingDirectory {
            process.workingDirectory = directory.hasPrefix("/") ? directory : process.workingDirectory + "/" + directory
        }
        if let text = options.user {
            var unknown: String?
            guard let identity = users().identity(of: text, unknown: &unknown) else {
                throw ContainerError.unknownUser(unknown ?? text)
            }
            process.setUser(text, identity)
            process.setVariables(["HOME=\(identity.home)"])
        }
        if options.usesTerminal, !process.environment.contains(where: { $0.hasPrefix("TERM=") }) {
            process.setVariables(["TERM=xterm"])
        }
        process.setVariables(options.environment)
        if options.isPrivileged { process.privileges = .all }
        return process
    }

    /// The root directory of the container's process, as this process sees it.
    var rootWhileRunning: FilePath {
        state.isolation.hasNamespaces ? FilePath("/proc/\(state.processID)/root") : store.changedFiles(of: id)
    }

    /// The users that the container's files have now.
    private func users() -> UserDatabase {
        guard let root = try? FileOperations.open(rootWhileRunning, O_RDONLY | O_DIRECTORY) else {
            return UserDatabase(passwd: [], group: [])
        }
        defer { close(root) }
        func read(_ path: String) -> [UInt8] {
            // No link of the container leads out of it.
            let file = sb_open_in_root(root, path, O_RDONLY)
            guard file >= 0 else { return [] }
            defer { close(file) }
            return (try? FileOperations.read(descriptor: file, path: FilePath(path), limit: 16 << 20)) ?? []
        }
        return UserDatabase(passwd: read("etc/passwd"), group: read("etc/group"))
    }
}

extension ContainerStore {
    /// Adds the events of a command that has begun.
    func noteExecution(of command: [String], in record: ContainerRecord) {
        let text = command.joined(separator: " ")
        for action in ["exec_create", "exec_start"] { note("\(action): \(text)", record) }
    }

    /// What the process of a container changes where it has no namespaces, and so nothing is mounted.
    func changedFiles(of id: ContainerID) -> FilePath { directory(id).appending("fs") }

    /// Starts a process beside that of a container, in its namespaces and control groups.
    ///
    /// - Parameter descriptor: Of the container's process, which stays the caller's.
    func launch(
        _ process: ProcessSpecification,
        beside descriptor: Int32,
        of record: ContainerRecord,
        _ isolation: SandboxIsolation,
        _ streams: SandboxStreams
    ) throws -> SandboxProcess {
        let group: ControlGroup?
        do {
            group = try ControlGroup(joining: record.id)
        } catch let error as SystemError where error.errno == .noSuchFileOrDirectory {
            // It has ended meanwhile, and its groups with it.
            throw ContainerStoreError.notRunning(record.name)
        }
        defer { withExtendedLifetime(group) {} }
        var surroundings = ContainerSurroundings()
        group?.join(&surroundings)
        surroundings.memoryScore = record.machine.memoryScore
        let root = isolation.hasNamespaces ? .process(descriptor) : SandboxRoot.directory(changedFiles(of: record.id))
        return try process.launch(on: root, isolation, in: surroundings, streams)
    }
}
