public import ContentStore
internal import FileSystem
public import Layers
internal import OCI
public import Sandbox
internal import Snapshots
public import SystemPackage
public import Tar

/// A `RUN` that failed, with everything that its process left, so that somebody can look around in it.
public struct FailedStep: Sendable {
    /// How many are kept; the files of each may be large.
    public static let limit = 3

    private struct State: Codable {
        let text: String
        let specification: ProcessSpecification
        /// What the files lie on top of, lowest first; `nil` where they are all of them.
        let layers: [Layer]?
    }

    private let state: State
    private let directory: FilePath
    private let store: LayerStore

    /// The instruction.
    public var text: String { state.text }
    /// The secrets and agents that the process had, which are not kept.
    public var missing: [String] {
        state.specification.mounts.compactMap { mount in
            switch mount.source {
            case .secret(let secret): "the secret `\(secret.id)`"
            case .agent(let agent): "the ssh agent `\(agent.id)`"
            case .bind, .inside, .image, .cache, .memory: nil
            }
        }
    }

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
    /// Errors are ignored: the build fails as the process did.
    /// - Parameters:
    ///   - layers: What the process started on.
    ///   - text: The instruction.
    ///   - name: That of the step, which begins with its build's; the same step fails once in a build.
    public static func keep(
        _ root: ProcessRoot,
        of specification: ProcessSpecification,
        on layers: [Layer],
        _ text: String,
        name: String,
        in store: Store
    ) {
        let path = store[.failed].appending(name)
        let state = State(text: text, specification: specification, layers: root.workspace == nil ? nil : layers)
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
    /// - Returns: The process with what must live as long.
    /// - Throws: `SandboxError`, `ContainerError`, `LayerError`, `SystemError`.
    public func launch(_ command: [String], _ streams: SandboxStreams) throws -> (SandboxProcess, PreparedProcess) {
        guard command.isEmpty else { return try start(command, streams) }
        do {
            return try start(["/bin/bash"], streams)
        } catch let error as SandboxError where error.reason == .execution {
            return try start(["/bin/sh"], streams)
        }
    }

    private func start(_ command: [String], _ streams: SandboxStreams) throws -> (SandboxProcess, PreparedProcess) {
        var specification = state.specification
        specification.arguments = command
        let prepared = try ProcessLauncher(SnapshotStore(store), Isolation(store.store).strongest())
            .prepare(specification, on: .kept(directory, layers: state.layers))
        return (try prepared.launch(streams), prepared)
    }
}
