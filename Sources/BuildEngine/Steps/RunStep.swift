import BuildCache
import BuildPlanning
import ContainerRuntime
import ContentStore
import DockerfileSyntax
import FileSystem
import Glibc
import Layers
import OCI
import Reporting
import Sandbox
import Snapshots
import Synchronization
import SystemPackage

extension StageBuilder {
    /// `RUN`: starts a process on the stage's files; its layer is made while later steps already run.
    mutating func runCommand(
        _ command: ResolvedRun,
        _ step: PlannedStep,
        _ event: BuildEvent.Step,
        _ captures: inout Captures
    ) async throws -> BuildEvent.Outcome {
        let key = StepKey(commonInputs("RUN") + RunStep.inputs(command, platform: stage.platform))
        if let (layer, created) = cachedLayer(key) {
            advance(key, StageLayer(layer), created: created)
            return .cached
        }
        if result.rootHome == nil { result.rootHome = try await rootHome() }
        let stage = self
        enum Made {
            case cached(Layer, Int64)
            case ran(RunStep.Product, FileLock)
        }
        let made: Made = try await run.slots.run {
            let lock = try await stage.lock(key)
            if let (layer, created) = stage.cachedLayer(key) { return .cached(layer, created) }
            let product = try await RunStep(command, step: step, event: event, stage: stage, name: key.digest.short)
                .execute()
            return .ran(product, lock)
        }
        switch made {
        case .cached(let layer, let created):
            advance(key, StageLayer(layer), created: created)
            return .cached
        case .ran(let product, let lock):
            let created = run.creationTime
            let result = StageLayer(of: product.workspace)
            captures.addTask {
                // The lock is held until the result can be found, so that whoever waits for it finds it.
                defer { withExtendedLifetime(lock) {} }
                do {
                    let layer = try product.capture()
                    try stage.record(layer, key, step, created: created)
                    let isEmpty = try stage.builder.layers.index(of: layer).count == 0
                    result.finish(.success(layer), isEmpty: isEmpty)
                    if let workspace = product.workspace, !isEmpty { stage.run.keepSnapshot(workspace, layer) }
                } catch LayerError.reservedName(let path) {
                    let error = BuildError.at(
                        step.instruction.range,
                        in: step.source,
                        "RUN \(LayerPlan.Conflict.whiteoutName(path).sentence)"
                    )
                    result.finish(.failure(error))
                    throw error
                } catch {
                    result.finish(.failure(error))
                    throw error
                }
            }
            advance(key, result, created: created)
            if RunStep.mayHaveChangedUsers(product.workspace) { self.result.rootHome = nil }
            return .ran
        }
    }
}

extension StageBuilder {
    private func rootHome() async throws -> String {
        try await files().users().identity(ofUser: 0).home
    }
}

/// One process of a `RUN` and what it leaves.
struct RunStep {
    /// What BuildKit calls the machine that `RUN` sees.
    private static let hostname = "buildkitsandbox"

    private let command: ResolvedRun
    private let step: PlannedStep
    private let event: BuildEvent.Step
    private let stage: StageBuilder
    private let name: String

    /// What a process left, from which a layer can be made.
    struct Product: Sendable {
        /// The overlay that it wrote to; `nil` where it worked on a copy.
        let workspace: Workspace?
        let capture: @Sendable () throws -> Layer
    }

    init(_ command: ResolvedRun, step: PlannedStep, event: BuildEvent.Step, stage: StageBuilder, name: String) {
        self.command = command
        self.step = step
        self.event = event
        self.stage = stage
        self.name = name
    }

    /// Whether the process may have left another /etc/passwd, so that later ones must look there anew.
    static func mayHaveChangedUsers(_ workspace: Workspace?) -> Bool {
        guard let workspace else { return true }
        guard let directory = FileStatus.ifPresent(workspace.upper.appending("etc")) else { return false }
        return directory.kind != .directory || FileStatus.ifPresent(workspace.upper.appending("etc/passwd")) != nil
    }

    /// Everything that can influence what the process does; proxies do not count (BuildKit).
    static func inputs(_ command: ResolvedRun, platform: Platform) -> [NamedInput] {
        var inputs = command.arguments.enumerated().map { NamedInput("argument \($0.offset)", $0.element) }
        inputs += command.environment.map { NamedInput("environment \($0.name)", $0.value) }
        inputs.append(NamedInput("user", command.user))
        inputs.append(NamedInput("directory", command.workingDirectory))
        inputs.append(NamedInput("network", command.network.rawValue))
        inputs.append(NamedInput("platform", platform.description))
        inputs += command.scripts.map { NamedInput("script \($0.name)", $0.content) }
        return inputs
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
        let root =
            try await isolation.mountsOverlay
            ? overlay() : ProcessRoot.copying(stage.files(), in: stage.builder.snapshots)
        var files = SystemFiles(hostname: RunStep.hostname)
        for script in command.scripts { files.addScript(script.content, at: "/dev/pipes/\(script.name)") }
        let below = geteuid() == 0 ? nil : try await stage.files().view
        var configuration = SandboxConfiguration(root: root.sandbox, arguments: command.arguments)
        let identity = try await identity()
        configuration.user = SandboxUser(
            userID: identity.userID,
            groupID: identity.groupID,
            supplementaryGroups: identity.supplementaryGroups
        )
        configuration.environment = environment(home: identity.home)
        configuration.workingDirectory = command.workingDirectory
        configuration.network = command.network == .none ? .none : .host
        configuration.isolation = isolation.level
        configuration.hostname = RunStep.hostname
        configuration.mounts = files.mounts
        let process = try launch(configuration)
        let output = try await finish(process)
        try check(output)
        return Product(workspace: root.workspace, capture: capture(root, process.createdMountPoints, below: below))
    }

    private func launch(_ configuration: SandboxConfiguration) throws -> SandboxProcess {
        do {
            return try SandboxProcess.launch(configuration)
        } catch  where error.reason == .execution {
            let code: Int32 = error.errno == .noSuchFileOrDirectory ? 127 : 126
            throw failure(code, isSignal: false, [error.description])
        } catch {
            throw NotStarted(error: BuildError.environment("RUN failed: \(error)", hint: nil))
        }
    }

    private struct Ending {
        let exit: SandboxExit
        let lastLines: [String]
    }

    /// Passes everything on that the process writes, and waits for it; being cancelled kills it.
    private func finish(_ process: SandboxProcess) async throws -> Ending {
        let tail = Mutex(OutputTail())
        let (emit, event) = (stage.builder.emit, event)
        let exit = try await withTaskCancellationHandler {
            try process.readOutput { stream, bytes in
                let copy = Array(bytes)
                tail.withLock { $0.append(copy) }
                emit(.output(event, stream == .output ? .output : .error, copy))
            }
            return try process.wait()
        } onCancel: {
            process.kill()
        }
        try Task.checkCancellation()
        return Ending(exit: exit, lastLines: tail.withLock { $0.lines })
    }

    private func check(_ ending: Ending) throws {
        switch ending.exit {
        case .exited(0): return
        case .exited: throw failure(ending.exit.code, isSignal: false, ending.lastLines)
        case .signalled: throw failure(ending.exit.code, isSignal: true, ending.lastLines)
        }
    }

    private func failure(_ code: Int32, isSignal: Bool, _ lines: [String]) -> BuildError {
        .runFailed(
            BuildError.RunFailure(
                source: step.source,
                range: step.instruction.range,
                command: command.arguments.joined(separator: " "),
                code: code,
                isSignal: isSignal,
                lastOutput: lines
            )
        )
    }
}

// MARK: - Root filesystem

extension RunStep {
    /// The stage's layers unpacked, those that processes of this build left as they are.
    private func overlay() async throws -> ProcessRoot {
        var lower: [SnapshotStore.Snapshot] = []
        var known: [Layer] = []
        for layer in stage.result.layers {
            if let workspace = layer.workspace {
                lower += try stage.builder.snapshots.snapshots(of: known)
                known = []
                lower.append(workspace.snapshot)
            } else {
                known.append(try await layer.layer)
            }
        }
        lower += try stage.builder.snapshots.snapshots(of: known)
        return .overlay(try stage.builder.snapshots.workspace(over: lower))
    }

    private func capture(
        _ root: ProcessRoot,
        _ mountPoints: [CreatedMountPoint],
        below: MergedView?
    ) -> @Sendable () throws -> Layer {
        // Docker leaves /proc and /sys in the image where they were missing, and nothing else of its own.
        let ignoring = Set(mountPoints.map { PathInRoot($0.path) }).subtracting([PathInRoot("proc"), PathInRoot("sys")])
        let capture = LayerCapture(ignoring: ignoring, latestTime: stage.run.plan.sourceDateEpoch)
        let layers = stage.builder.layers
        return { try root.capture(capture, below: below, in: layers) }
    }
}

// MARK: - Surroundings

extension RunStep {
    private func identity() async throws -> UserDatabase.Identity {
        if command.user.isEmpty || command.user == "0", let home = stage.result.rootHome {
            return UserDatabase.Identity(userID: 0, groupID: 0, supplementaryGroups: [], home: home)
        }
        let files = try await stage.files()
        return try stage.identity(of: command.user, step) { try files.users() }
    }

    private func environment(home: String) -> [String] {
        var environment = command.environment.map(\.assignment)
        let names = Set(command.environment.map(\.name))
        if !names.contains("HOME") { environment.append("HOME=\(home)") }
        environment += command.proxyEnvironment.filter { !names.contains($0.name) }.map(\.assignment)
        return environment
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
