import BuildPlanning
import BuildRecords
import ContainerRuntime
import Containers
import ContentStore
import DockerfileSyntax
import FileSystem
import Glibc
import Layers
import OCI
import Reporting
import Sandbox
import Snapshots
import SystemPackage

/// One process of a `RUN` and what it leaves.
struct RunProcess {
    private let command: ResolvedRun
    private let mounts: RunMounts
    private let context: StepContext
    private let name: String

    private var session: BuildSession { context.session }
    private var settings: RunSettings { session.request.runs }
    private var snapshots: SnapshotStore { context.builder.snapshots }

    /// What a process left, from which a layer can be made.
    struct Product: Sendable {
        /// The overlay that it wrote to; `nil` where it worked on a copy.
        let workspace: Workspace?
        let capture: @Sendable () throws -> Layer

        /// Whether the process may have left another /etc/passwd or /etc/group, so that later ones must look there anew.
        var mayHaveChangedUsers: Bool {
            guard let upper = workspace?.upper else { return true }
            guard let directory = FileStatus.ifPresent(upper.appending("etc")) else { return false }
            return directory.kind != .directory
                || ["etc/passwd", "etc/group"].contains { FileStatus.ifPresent(upper.appending($0)) != nil }
        }
    }

    init(_ command: ResolvedRun, _ mounts: RunMounts, _ context: StepContext, name: String) {
        self.command = command
        self.mounts = mounts
        self.context = context
        self.name = name
    }

    /// Runs the process to its end.
    ///
    /// - Throws: `BuildError.runFailed` when it fails, `BuildError.environment` when it cannot be started here.
    func execute() async throws -> Product {
        let likely = try session.isolation.likely()
        context.progress.emit(.running(context.event, id: name))
        do throws(any Error) {
            return try await execute(likely)
        } catch let failure as NotStarted {
            let strongest = try session.isolation.strongest()
            // Unpacked layers may do where mounted ones do not.
            guard snapshots.mounts.giveUp() || strongest != likely else { throw failure.error }
            do {
                return try await execute(strongest)
            } catch let failure as NotStarted {
                throw failure.error
            }
        }
    }

    /// The sandbox could not be set up; nothing was executed in it.
    private struct NotStarted: Error {
        let error: BuildError
    }

    private func execute(_ isolation: Isolation.Kind) async throws -> Product {
        let caches = try await mounts.openCaches(isAlone: !isolation.level.hasNamespaces)
        let specification = try await specification(caches)
        let root = try await root(isolation)
        var snapshots = snapshots
        snapshots.unpacked = try await mounts.unpacked()
        let prepared = try prepare(
            specification,
            root,
            ProcessLauncher(snapshots, isolation, credentials: session.credentials, caches: Array(caches.values))
        )
        defer { withExtendedLifetime(prepared) {} }
        let started = Timestamp.now
        let process = try launch(prepared)
        session.recorder.note(isolation.level)
        if let notice = session.isolation.notice(isolation) { session.noteOnce(notice) }
        let (exit, lastLines) = try await finish(process, hiding: prepared.redaction)
        root.remove(process.createdMountPoints, withContent: !isolation.level.hasNamespaces)
        let (created, untouched) = prepared.uncover()
        root.remove(created)
        session.sharedMounts.use(caches.keys, succeeded: exit == .exited(0))
        guard exit == .exited(0) else {
            await keep(root, specification, exit, since: started)
            throw failure(exit, lastLines)
        }
        let capture = LayerCapture(latestTime: session.plan.sourceDateEpoch)
        let layers = context.builder.layers
        guard root.workspace == nil else {
            return Product(workspace: root.workspace) { try root.capture(capture, in: layers).layer }
        }
        let (stack, used) = (try await context.below.layers.layers, session.usedRoots)
        return Product(workspace: nil) {
            let (layer, root) = try root.capture(capture, untouched: untouched, in: layers)
            used.keep(root, having: stack + [layer])
            return layer
        }
    }

    private func prepare(
        _ specification: ProcessSpecification,
        _ root: ProcessRoot,
        _ launcher: ProcessLauncher
    ) throws -> PreparedProcess {
        do {
            return try launcher.prepare(specification, on: root)
        } catch ContainerError.mount(let position, let problem) {
            throw mounts.failure(problem, ofMount: position)
        } catch let error as ContainerError {
            guard case .keysRefused = error else { throw error }
            throw BuildError.environment(
                "\(error)",
                hint: "start an agent yourself, add the keys, and pass `--ssh ID` for its SSH_AUTH_SOCK"
            )
        }
    }

    private func launch(_ process: PreparedProcess) throws -> SandboxProcess {
        do {
            return try process.launch(.captured)
        } catch  where error.reason == .execution {
            throw failure(.exited(error.errno == .noSuchFileOrDirectory ? 127 : 126), [error.description])
        } catch {
            guard let position = process.mount(of: error) else {
                let hint =
                    error.reason == .filter
                    ? "allow the system call `seccomp` in the profile of the container around, or use a kernel that has it"
                    : nil
                throw NotStarted(error: BuildError.environment("RUN failed: \(error)", hint: hint))
            }
            let hints =
                error.errno == .readOnlyFileSystem
                ? ["the mount point must exist, or the outer mount must be `rw`"]
                : []
            let flag = mounts.mounts[position].options.range
            throw NotStarted(error: BuildError.at(flag, in: context.step.source, "RUN failed: \(error)", hints: hints))
        }
    }

    /// Keeps what a process left that failed as a stopped container.
    private func keep(
        _ root: ProcessRoot,
        _ process: ProcessSpecification,
        _ exit: SandboxExit,
        since started: Timestamp
    ) async {
        let step = FailedStep(
            build: "\(session.recorder.record.id)",
            number: context.step.number,
            text: CredentialMask.masked(context.event.text)
        )
        var state = ContainerState()
        (state.status, state.exitCode, state.started, state.finished) = (.exited, exit.code, started, .now)
        do {
            let record = try ContainerRecord(
                of: step,
                platform: context.stage.platform,
                layers: try await context.below.layers.layers,
                process: process,
                configuration: context.configuration
            )
            try ContainerStore(context.builder.layers).keep(root, record, state)
        } catch {
            // The build fails as the process did, whatever becomes of its files.
        }
    }

    /// Passes everything on that the process writes, and waits for it; being cancelled kills it.
    ///
    /// - Returns: Its end, and the last lines that it wrote.
    private func finish(_ process: SandboxProcess, hiding secrets: OutputRedaction) async throws -> (
        SandboxExit, [String]
    ) {
        var tail = OutputTail()
        var output = secrets
        var errors = output
        let index = context.progress.index
        let log = StepLog(
            StepLogStore(context.builder.store).path(session.recorder.record.id, stage: index.stage, step: index.step)
        )
        func show(_ stream: BuildEvent.Stream, _ bytes: [UInt8]) {
            guard !bytes.isEmpty else { return }
            tail.append(bytes)
            log.append(bytes)
            context.progress.emit(.output(context.event, stream, bytes))
        }
        let exit = try await withTaskCancellationHandler {
            try process.readOutput { stream, bytes in
                switch stream {
                case .output: show(.output, output.redact(Array(bytes)))
                case .error: show(.error, errors.redact(Array(bytes)))
                }
            }
            show(.output, output.finish())
            show(.error, errors.finish())
            return try process.wait()
        } onCancel: {
            process.kill()
        }
        try Task.checkCancellation()
        return (exit, tail.lines)
    }

    private func failure(_ exit: SandboxExit, _ lines: [String]) -> BuildError {
        let isSignal = if case .signalled = exit { true } else { false }
        return .runFailed(
            BuildError.RunFailure(
                source: context.step.source,
                range: context.step.instruction.range,
                command: command.arguments.joined(separator: " "),
                code: exit.code,
                isSignal: isSignal,
                lastOutput: lines
            )
        )
    }
}

// MARK: - Specification

extension RunProcess {
    /// The stage's layers unpacked, those that processes of this build left as they are; copied where they are too many.
    private func root(_ isolation: Isolation.Kind) async throws -> ProcessRoot {
        guard isolation.mountsOverlay else {
            let files = try await context.files()
            return try session.usedRoots.take(files.layers, in: snapshots) ?? .copying(files, in: snapshots)
        }
        guard try await context.below.layers.fitOverlay(in: snapshots) else {
            session.noteOnce("files are copied, since no overlay can have so many layers")
            return try .copying(await context.files(), in: snapshots)
        }
        var snapshots = snapshots
        snapshots.mountsLayers = isolation.level == .full
        return .overlay(try snapshots.workspace(over: try await context.below.layers.snapshots(in: snapshots)))
    }

    private func specification(_ caches: RunMounts.Caches) async throws -> ProcessSpecification {
        let identity = try await identity()
        var specification = ProcessSpecification(
            command.arguments,
            environment: command.environment.map(\.assignment),
            workingDirectory: command.workingDirectory,
            user: command.user,
            identity
        )
        // An empty one is as good as none (BuildKit).
        if !command.environment.contains(where: { $0.name == "HOME" && !$0.value.isEmpty }) {
            specification.setVariables(["HOME=\(identity.home)"])
        }
        // What the command line says of proxies is about this machine, whatever the image says (BuildKit).
        specification.setVariables(command.proxyEnvironment.map(\.assignment))
        if let name = session.request.hostname { specification.hostname = name }
        specification.hosts = settings.hosts
        specification.limits = settings.limits
        specification.sharedMemorySize = settings.sharedMemorySize
        specification.network = command.networkMode(settings) == .none ? .none : .host
        if command.isPrivileged { specification.privileges = .all }
        for script in command.scripts { specification.scripts[script.name] = script.content }
        specification.mounts = try await mounts.references(caches)
        return specification
    }

    private func identity() async throws -> UserDatabase.Identity {
        if command.user.isEmpty || command.user == "0" { return try await context.rootUser.value }
        let files = try await context.files()
        return try context.identity(of: command.user) { try files.users() }
    }
}

/// The last lines of what a process wrote, for the message when it fails.
private struct OutputTail {
    private var bytes: [UInt8] = []

    private static let lineLimit = 20
    private static let byteLimit = 16 << 10

    mutating func append(_ more: [UInt8]) {
        bytes += more
        if bytes.count > 2 * OutputTail.byteLimit { bytes.removeFirst(bytes.count - OutputTail.byteLimit) }
    }

    var lines: [String] {
        bytes.split(separator: UInt8(ascii: "\n")).suffix(OutputTail.lineLimit).map {
            String(decoding: $0, as: UTF8.self)
        }
    }
}

extension ResolvedRun {
    /// What the process sees of the network.
    func networkMode(_ settings: RunSettings) -> NetworkMode { network == .standard ? settings.network : network }
}
