internal import ContainerRuntime
internal import FileSystem
internal import Sandbox
internal import Snapshots
internal import Threads

/// The process of a container, and what it has while it runs.
struct ContainerProcess {
    let process: SandboxProcess
    let streams: ProcessStreams
    let group: ControlGroup?
    let isolation: SandboxIsolation
    /// `Pause.now` when it was started.
    let start = Pause.now
    /// What must live as long.
    private let prepared: PreparedProcess

    /// Starts it.
    ///
    /// - Parameter size: That of the terminal on which it is shown; `nil` where that is not known.
    /// - Throws: `ContainerError`, `ContainerStoreError`, `SandboxError`, `SystemError`; no control group is left then.
    static func start(
        _ record: ContainerRecord,
        in store: ContainerStore,
        _ network: NetworkAccess,
        _ size: TerminalSize?
    ) throws -> ContainerProcess {
        let (isolation, snapshots) = (Isolation(store.store), SnapshotStore(store.layers))
        let likely = try isolation.likely()
        do {
            return try ContainerProcess(record, in: store, snapshots, network, size, likely)
        } catch let error as SandboxError where error.reason != .execution {
            let strongest = try isolation.strongest()
            // Unpacked layers may do where mounted ones do not.
            guard snapshots.mounts.giveUp() || strongest != likely else { throw error }
            return try ContainerProcess(record, in: store, snapshots, network, size, strongest)
        }
    }

    private init(
        _ record: ContainerRecord,
        in store: ContainerStore,
        _ snapshots: SnapshotStore,
        _ network: NetworkAccess,
        _ size: TerminalSize?,
        _ isolation: Isolation.Kind
    ) throws {
        self.isolation = isolation.level
        do {
            let root = try store.rootFilesystem(of: record, isolation, snapshots)
            var specification = record.process
            network.complete(&specification)
            prepared = try ProcessLauncher(snapshots, isolation).prepare(specification, on: root)
            var (surroundings, group) = try record.surroundings()
            self.group = group
            surroundings.network = network.namespace
            let (processes, ipc) = (
                try record.machine.processesOf.map { try store.process(of: $0, sharing: "processes") },
                try record.machine.ipcOf.map { try store.process(of: $0, sharing: "memory") }
            )
            defer { withExtendedLifetime((processes, ipc)) {} }
            (surroundings.joinedProcesses, surroundings.joinedIPC) = (processes?.descriptor, ipc?.descriptor)
            streams = try ProcessStreams(
                usesTerminal: specification.usesTerminal,
                isInteractive: record.isInteractive
            )
            if let size { streams.resize(to: size) }
            process = try prepared.launch(streams.streams, in: surroundings)
            streams.closeProcessEnds()
        } catch {
            ControlGroup.removeLeftOver(of: record.id)
            throw error
        }
    }
}
