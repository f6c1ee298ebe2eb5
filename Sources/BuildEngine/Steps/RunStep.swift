import BuildCache
import BuildPlanning
import BuildRecords
import ContainerRuntime
import ContentStore
import DockerfileSyntax
import FileSystem
import Glibc
import LayerWriting
import Layers
import OCI
import Reporting
import Sandbox
import Snapshots
import SystemPackage

extension StageBuilder {
    /// `RUN`: starts a process on the stage's files; its layer is made while later steps already run.
    mutating func runCommand(
        _ command: ResolvedRun,
        _ step: PlannedStep,
        _ event: BuildEvent.Step,
        _ captures: inout Captures
    ) async throws -> BuildEvent.Outcome {
        if let refusal = run.request.runs.refusal(of: step.instruction) {
            throw BuildError.dockerfile(DiagnosticsError(source: step.source, diagnostics: [refusal]))
        }
        let mounts = try await RunMounts(command, step: step, stage: self)
        let key = StepKey(
            commonInputs("RUN") + RunStep.inputs(command, run.request, platform: stage.platform) + mounts.inputs
        )
        self.key = key
        if let (layer, created) = cachedLayer(key) {
            builder.shared?.keep(key)
            advance(key, StageLayer(layer), created: created)
            return .cached
        }
        let isShared = await takeShared(key, step) { stage in
            var stage = stage
            if stage.result.rootUser == nil { stage.result.rootUser = try await stage.rootUser() }
            let product = try await RunStep(command, mounts, stage: stage, event: event, name: key.digest.short)
                .execute()
            return try stage.capture(product, step)
        }
        if isShared { return .cached }
        if let outcome = try await missed(step) {
            advance(key, .missing(in: stage), created: 0)
            return outcome
        }
        if result.rootUser == nil { result.rootUser = try await rootUser() }
        let stage = self
        enum Made {
            case cached(Layer, Int64)
            case ran(RunStep.Product, FileLock)
        }
        let made: Made = try await whenSlotIsFree {
            let lock = try await stage.lock(key)
            if let (layer, created) = stage.cachedLayer(key) { return .cached(layer, created) }
            let product = try await RunStep(command, mounts, stage: stage, event: event, name: key.digest.short)
                .execute()
            return .ran(product, lock)
        }
        switch made {
        case .cached(let layer, let created):
            builder.shared?.keep(key)
            advance(key, StageLayer(layer), created: created)
            return .cached
        case .ran(let product, let lock):
            let created = run.creationTime
            let result = StageLayer(of: product.workspace)
            captures.addTask {
                // The lock is held until the result can be found, so that whoever waits for it finds it.
                defer { withExtendedLifetime(lock) {} }
                do {
                    let layer = try stage.capture(product, step)
                    try stage.record(layer, key, step, created: created)
                    stage.builder.shared?.keep(key)
                    result.finish(.success(layer), isEmpty: try stage.isEmpty(layer))
                } catch {
                    result.finish(.failure(error))
                    throw error
                }
            }
            let rootUser = self.result.rootUser
            advance(key, result, created: created)
            if !RunStep.mayHaveChangedUsers(product.workspace) { self.result.rootUser = rootUser }
            return .ran
        }
    }
}

extension StageBuilder {
    /// Makes a layer of what a process left, which stays unpacked for later ones.
    private func capture(_ product: RunStep.Product, _ step: PlannedStep) throws -> Layer {
        do {
            let layer = try product.capture()
            if let workspace = product.workspace, try !isEmpty(layer) { run.keepSnapshot(workspace, layer) }
            return layer
        } catch LayerError.reservedName(let path) {
            throw BuildError.at(
                step.instruction.range,
                in: step.source,
                "RUN \(LayerPlan.Conflict.whiteoutName(path).sentence)"
            )
        }
    }

    private func isEmpty(_ layer: Layer) throws -> Bool { try builder.layers.index(of: layer).count == 0 }

    private func rootUser() async throws -> UserDatabase.Identity {
        try await files().users().identity(ofUser: 0)
    }
}

/// One process of a `RUN` and what it leaves.
struct RunStep {
    private let command: ResolvedRun
    private let mounts: RunMounts
    private let stage: StageBuilder
    private let event: BuildEvent.Step
    private let name: String

    private var step: PlannedStep { mounts.step }
    private var settings: RunSettings { stage.run.request.runs }

    /// What a process left, from which a layer can be made.
    struct Product: Sendable {
        /// The overlay that it wrote to; `nil` where it worked on a copy.
        let workspace: Workspace?
        let capture: @Sendable () throws -> Layer
    }

    init(_ command: ResolvedRun, _ mounts: RunMounts, stage: StageBuilder, event: BuildEvent.Step, name: String) {
        self.command = command
        self.mounts = mounts
        self.stage = stage
        self.event = event
        self.name = name
    }

    /// Whether the process may have left another /etc/passwd or /etc/group, so that later ones must look there anew.
    static func mayHaveChangedUsers(_ workspace: Workspace?) -> Bool {
        guard let workspace else { return true }
        guard let directory = FileStatus.ifPresent(workspace.upper.appending("etc")) else { return false }
        return directory.kind != .directory
            || ["etc/passwd", "etc/group"].contains { FileStatus.ifPresent(workspace.upper.appending($0)) != nil }
    }

    /// Everything but its mounts that can influence what the process does; proxies and the addresses of hosts do not
    /// count (BuildKit).
    static func inputs(_ command: ResolvedRun, _ request: BuildRequest, platform: Platform) -> [NamedInput] {
        var inputs = command.arguments.enumerated().map { NamedInput("argument \($0.offset)", $0.element) }
        inputs += command.environment.map { NamedInput("environment \($0.name)", $0.value) }
        inputs.append(NamedInput("user", command.user))
        inputs.append(NamedInput("directory", command.workingDirectory))
        inputs.append(NamedInput("network", network(of: command, request.runs).rawValue))
        inputs.append(NamedInput("platform", platform.description))
        inputs += command.scripts.map { NamedInput("script \($0.name)", $0.content) }
        inputs += request.runs.hosts.map { NamedInput("host", $0.name) }
        inputs += request.runs.limits.map { NamedInput("limit", $0.description) }
        if let size = request.runs.sharedMemorySize { inputs.append(NamedInput("shared memory", String(size))) }
        if let name = request.hostname { inputs.append(NamedInput("hostname", name)) }
        if command.isPrivileged { inputs.append(NamedInput("security", "insecure")) }
        return inputs
    }

    private static func network(of command: ResolvedRun, _ settings: RunSettings) -> ResolvedRun.NetworkMode {
        command.network == .standard ? settings.network : command.network
    }

    /// Runs the process to its end.
    ///
    /// - Throws: `BuildError.runFailed` when it fails, `BuildError.environment` when it cannot be started here.
    func execute() async throws -> Product {
        let likely = try stage.run.isolation.likely()
        noteIsolation()
        stage.builder.emit(.running(event, id: name))
        do throws(any Error) {
            return try await execute(likely)
        } catch let failure as NotStarted {
            let strongest = try stage.run.isolation.strongest()
            guard strongest != likely else { throw failure.error }
            noteIsolation()
            return try await execute(strongest)
        }
    }

    private func noteIsolation() {
        if let notice = stage.run.isolation.notice() { stage.run.noteOnce(notice) }
    }

    /// The sandbox could not be set up; nothing was executed in it.
    private struct NotStarted: Error {
        let error: BuildError
    }

    private func execute(_ isolation: Isolation.Kind) async throws -> Product {
        let caches = try await mounts.openCaches()
        let specification = try await specification(caches)
        let root = try await root(isolation)
        let below = geteuid() == 0 ? nil : try await stage.files().view
        var snapshots = stage.builder.snapshots
        snapshots.unpacked = try await mounts.unpacked()
        let prepared = try prepare(
            specification,
            root,
            ProcessLauncher(snapshots, isolation, credentials: stage.run.credentials, caches: Array(caches.values))
        )
        defer { withExtendedLifetime(prepared) {} }
        guard isolation.level != .chroot || !prepared.hasMounts else {
            throw BuildError.environment(
                "RUN --mount needs mounts, which this machine does not allow",
                hint: "run as root, or allow unprivileged user namespaces"
            )
        }
        let process = try launch(prepared)
        let (exit, lastLines) = try await finish(process, hiding: prepared.redaction)
        guard exit == .exited(0) else {
            await keep(root, specification)
            throw failure(exit, lastLines)
        }
        root.remove(process.createdMountPoints, withContent: isolation.level == .chroot)
        let capture = LayerCapture(latestTime: stage.run.plan.sourceDateEpoch)
        let layers = stage.builder.layers
        return Product(workspace: root.workspace) { try root.capture(capture, below: below, in: layers) }
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
                throw NotStarted(error: BuildError.environment("RUN failed: \(error)", hint: nil))
            }
            let hints =
                error.errno == .readOnlyFileSystem
                ? ["the mount point must exist, or the outer mount must be `rw`"]
                : []
            let flag = mounts.mounts[position].options.range
            throw NotStarted(error: BuildError.at(flag, in: step.source, "RUN failed: \(error)", hints: hints))
        }
    }

    /// Keeps what a process left that failed, for `debug-shell`.
    private func keep(_ root: ProcessRoot, _ specification: ProcessSpecification) async {
        guard let layers = try? await stage.result.layers.layers else { return }
        let (build, place) = (stage.run.recorder.record.id, stage.place)
        let name = "\(build)-\(place.stage)-\(place.step)"
        FailedStep.keep(root, of: specification, on: layers, event.text, name: name, in: stage.builder.store)
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
        let place = stage.place
        let log = StepLog(
            StepLogStore(stage.builder.store).path(stage.run.recorder.record.id, stage: place.stage, step: place.step)
        )
        func show(_ stream: BuildEvent.Stream, _ bytes: [UInt8]) {
            guard !bytes.isEmpty else { return }
            tail.append(bytes)
            log.append(bytes)
            stage.builder.emit(.output(event, stream, bytes))
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
                source: step.source,
                range: step.instruction.range,
                command: command.arguments.joined(separator: " "),
                code: exit.code,
                isSignal: isSignal,
                lastOutput: lines
            )
        )
    }
}

// MARK: - Specification

extension RunStep {
    /// The stage's layers unpacked, those that processes of this build left as they are; copied where they are too many.
    private func root(_ isolation: Isolation.Kind) async throws -> ProcessRoot {
        let snapshots = stage.builder.snapshots
        guard isolation.mountsOverlay else { return try .copying(await stage.files(), in: snapshots) }
        guard try await stage.result.layers.fitOverlay(in: snapshots) else {
            stage.run.noteOnce("files are copied, since no overlay can have so many layers")
            return try .copying(await stage.files(), in: snapshots)
        }
        return .overlay(try snapshots.workspace(over: try await stage.result.layers.snapshots(in: snapshots)))
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
        if let name = stage.run.request.hostname { specification.hostname = name }
        specification.hosts = settings.hosts
        specification.limits = settings.limits
        specification.sharedMemorySize = settings.sharedMemorySize
        specification.network = RunStep.network(of: command, settings) == .none ? .none : .host
        if command.isPrivileged { specification.privileges = .all }
        for script in command.scripts { specification.scripts[script.name] = script.content }
        specification.mounts = try await mounts.references(caches)
        return specification
    }

    private func identity() async throws -> UserDatabase.Identity {
        if command.user.isEmpty || command.user == "0", let user = stage.result.rootUser { return user }
        let files = try await stage.files()
        return try stage.identity(of: command.user, step) { try files.users() }
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
