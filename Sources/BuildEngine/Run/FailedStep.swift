import BuildPlanning
import ContainerRuntime
import ContentStore
import FileSystem
public import Layers
import OCI
public import Sandbox
import Snapshots
public import SystemPackage

/// A `RUN` that failed, with everything that its process left, so that somebody can look around in it.
public struct FailedStep: Sendable {
    /// How many are kept; the files of each may be large.
    public static let limit = 3

    /// What the process had, but for the values of secrets and the connections to agents.
    struct State: Codable, Sendable {
        struct Layers: Codable {
            let diffIDs: [Digest]
            let blobs: [Descriptor]

            var layers: [Layer] { zip(diffIDs, blobs).map { Layer(diffID: $0, blob: $1) } }

            init(_ layers: [Layer]) {
                diffIDs = layers.map(\.diffID)
                blobs = layers.map(\.blob)
            }
        }

        struct Mount: Codable {
            let target: String
            var isReadOnly = false
            /// The name of a directory of caches.
            var cache: String?
            /// A path in layers.
            var layers: Layers?
            var path: String?
            /// Of a filesystem in memory.
            var size: UInt64?
        }

        struct Pair: Codable {
            let name: String
            let value: String
        }

        var text: String
        var layers: Layers
        /// Whether the files are what was written on top of the layers, or all of them.
        var isOverlay: Bool
        var environment: [String]
        var workingDirectory: String
        var userID: UInt32
        var groupID: UInt32
        var supplementaryGroups: [UInt32]
        var hostname: String
        var hosts: [Pair]
        var scripts: [Pair]
        var hasNetwork: Bool
        var isPrivileged: Bool
        var sharedMemorySize: UInt64?
        var mounts: [Mount]
        /// Where secrets and agents were.
        var missing: [String]
    }

    private let state: State
    private let directory: FilePath
    private let store: LayerStore

    /// The instruction.
    public var text: String { state.text }
    /// Where the process had secrets and agents, which are not kept.
    public var missing: [String] { state.missing }

    /// The state that is kept of the latest step that failed, or of the one of a build.
    ///
    /// - Parameter build: The ID of a build as text.
    public static func latest(of build: String? = nil, in layers: LayerStore) -> FailedStep? {
        for name in ((try? FileOperations.names(in: layers.store[.failed])) ?? []).reversed() {
            let directory = layers.store[.failed].appending(bytes: name)
            if let build, !String(decoding: name, as: UTF8.self).hasPrefix(build) { continue }
            guard let state = state(in: directory) else { continue }
            return FailedStep(state: state, directory: directory, store: layers)
        }
        return nil
    }

    /// Whether a directory of the store holds a step that failed.
    public static func isWhole(_ directory: FilePath) -> Bool {
        state(in: directory) != nil && FileStatus.ifPresent(directory.appending("fs"))?.kind == .directory
    }

    private static func state(in directory: FilePath) -> State? {
        (try? FileOperations.readRegular(directory.appending("state"), limit: 16 << 20))
            .flatMap { try? CanonicalJSON.decode(State.self, from: $0) }
    }

    /// Keeps what a process left, in place of the oldest one that is kept.
    ///
    /// Losing it is no reason to fail in another way than the process did.
    static func keep(_ root: ProcessRoot, _ state: State, build: String, stage: Int, step: Int, in store: Store) {
        // The same step fails once in a build.
        let path = store[.failed].appending("\(build)-\(stage)-\(step)")
        guard let bytes = try? CanonicalJSON.encode(state), (try? root.move(to: path)) != nil else { return }
        try? FileOperations.writeAtomically(
            bytes,
            to: path.appending("state"),
            temporary: store[.temporary],
            permissions: 0o600
        )
        let names = (try? FileOperations.names(in: store[.failed])) ?? []
        for name in names.dropLast(limit) { try? FileOperations.removeTree(store[.failed].appending(bytes: name)) }
    }

    /// Starts a process where the one that failed was; what it writes stays in what is kept.
    ///
    /// - Parameter command: The program and its arguments; none for a shell.
    /// - Throws: `SandboxError`, `ContainerError`, `LayerError`, `SystemError`.
    public func launch(_ command: [String], _ streams: SandboxStreams) throws -> (
        process: SandboxProcess, use: any Sendable
    ) {
        guard command.isEmpty else { return try start(command, streams) }
        do {
            return try start(["/bin/bash"], streams)
        } catch let error as SandboxError where error.reason == .execution {
            return try start(["/bin/sh"], streams)
        }
    }

    private func start(_ command: [String], _ streams: SandboxStreams) throws -> (
        process: SandboxProcess, use: any Sendable
    ) {
        let isolation = try Isolation(store.store).strongest()
        let snapshots = SnapshotStore(store)
        var uses: [any Sendable] = [try FileLock.acquire(directory, .shared)]
        let root: SandboxRoot
        let files = directory.appending("fs")
        if state.isOverlay {
            let work = try TemporaryDirectory(in: store.store[.temporary])
            let lower = try snapshots.workspace(over: snapshots.snapshots(of: state.layers.layers))
            uses += [work, lower] as [any Sendable]
            root = .overlay(lower: lower.lower.reversed().map(\.files), upper: files, work: work.path)
        } else {
            root = .directory(files)
        }
        var configuration = SandboxConfiguration(root: root, arguments: command)
        configuration.environment = state.environment
        configuration.workingDirectory = state.workingDirectory
        configuration.user = SandboxUser(
            userID: state.userID,
            groupID: state.groupID,
            supplementaryGroups: state.supplementaryGroups
        )
        configuration.hostname = state.hostname
        configuration.network = state.hasNetwork ? .host : .none
        configuration.isolation = isolation.level
        if let size = state.sharedMemorySize { configuration.sharedMemorySize = size }
        if state.isPrivileged {
            configuration.capabilities = .all
            configuration.masksSystemPaths = false
            configuration.systemCalls = .unconfined
        }
        var system = SystemFiles(hostname: state.hostname, hosts: state.hosts.map { ($0.value, $0.name) })
        for script in state.scripts { system.addScript(script.value, at: "/dev/pipes/\(script.name)") }
        configuration.mounts = system.mounts
        for mount in state.mounts {
            let source: SandboxMount.Source
            if let cache = mount.cache {
                let path = store.store[.mounts].appending(cache)
                uses.append(try FileLock.acquire(path, .shared))
                source = .bind(path.appending("fs"))
            } else if let layers = mount.layers {
                let files = try snapshots.workspace(over: snapshots.snapshots(of: layers.layers))
                uses.append(files)
                source = .overlay(
                    lower: files.lower.reversed().map(\.files),
                    upper: mount.isReadOnly ? nil : files.upper,
                    work: mount.isReadOnly ? nil : files.work,
                    path: mount.path ?? "/"
                )
            } else {
                source = .memory(size: mount.size)
            }
            configuration.mounts.append(SandboxMount(source, target: mount.target, isReadOnly: mount.isReadOnly))
        }
        configuration.streams = streams
        return (try SandboxProcess.launch(configuration), uses)
    }
}
