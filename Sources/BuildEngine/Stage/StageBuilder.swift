import BuildCache
import BuildPlanning
import DockerfileSyntax
import FileSystem
import Layers
import OCI
import Reporting

/// Executes the steps of one stage in order.
struct StageBuilder {
    typealias Background = ThrowingTaskGroup<Void, any Error>

    private let session: BuildSession
    private let stage: PlannedStage
    private let sources: StageSources
    /// The triggers of the base, then the stage's own steps.
    private let steps: [PlannedStep]
    /// Whether results of earlier builds are taken.
    private let usesCache: Bool
    private var result: StageResult
    /// Whether there is a layer to be fetched whose making would take files from other stages.
    private var mayReadStages = false

    init(_ stage: PlannedStage, _ sources: StageSources) async throws {
        let session = sources.session
        self.session = session
        self.stage = stage
        self.sources = sources
        let declared = session.plan.dockerfile.stages[stage.index]
        usesCache = session.request.usesCache && !session.request.uncachedStages.contains(where: declared.isCalled)
        let progress = StepProgress(stage.from, number: stage.stepNumber, at: 0, of: stage, session)
        var parent: StageResult?
        if let index = stage.base.stage {
            if !sources.results.isBaseReady(index) { progress.waits(for: [index]) }
            parent = try await sources.results.base(index)
        }
        progress.emit(.started(progress.event))
        var image: BaseImage?
        if case .image(let source) = stage.base { image = sources.bases.images[source] }
        let start = StageStart(of: stage, in: session.plan, image: image?.configuration, parent: parent?.state)
        result = parent ?? StageResult(state: start.state, rootUser: StageFiles().rootUser(in: session.builder.layers))
        result.state = start.state
        var inputs = StageFiles.emptyKey.inputs
        switch stage.base {
        case .scratch: result.created = session.epoch
        case .image(let source):
            guard let image else {
                result.isUnknown = true
                progress.explain(.imageMissing(source.reference.familiar))
                break
            }
            result.files = StageFiles(layers: sources.bases.layers[source] ?? [], key: image.key.digest)
            result.rootUser = result.files.rootUser(in: session.builder.layers)
            inputs = image.key.inputs + [NamedInput("image", "\(image.id)")]
            result.history = image.configuration.historyOfLayers
            result.created = session.epoch ?? image.configuration.created
            result.shownID = image.id.short
        case .stage(let index): inputs = [NamedInput("stage", String(index))]
        }
        steps = try BuildError.inDockerfile { () throws(DiagnosticsError) in try start.triggers.steps } + stage.steps
        // A stage of nothing but FROM is complete with it.
        result.unfinished = nil
        session.recorder.begin(stage, planned: steps, usesCache: usesCache)
        if !result.isUnknown { session.recorder.began(progress.index, key: result.files.key, inputs: inputs) }
        let outcome = result.isUnknown ? BuildEvent.Outcome.unknown : .base
        progress.emit(.finished(progress.event, outcome, id: result.shownID, seconds: 0))
    }

    /// Executes everything, gives the result as soon as later stages can use it, and then waits for its layers.
    ///
    /// - Returns: Whether it needs nothing of other stages any more: a layer that is elsewhere may have to be made after all.
    func build() async throws -> Bool {
        var stage = self
        try await withThrowingTaskGroup(of: Void.self) { background in
            for (position, step) in steps.enumerated() {
                try Task.checkCancellation()
                try await stage.execute(step, at: position, &background)
            }
            sources.results.fulfil(stage.stage.index, .success(stage.result))
            try await background.waitForAll()
        }
        return !stage.mayReadStages
    }

    /// Executes one step, or takes its result from an earlier build.
    ///
    /// - Parameter position: That of the step among those of the stage, without `FROM`.
    private mutating func execute(_ step: PlannedStep, at position: Int, _ background: inout Background) async throws {
        let isTarget = stage.index == session.plan.target.index
        let layerCount = result.files.layers.count
        let progress = StepProgress(step.instruction, number: step.number, at: position + 1, of: stage, session)
        try await waitForSources(of: step, progress)
        progress.begins()
        progress.emit(.started(progress.event))
        do {
            let resolved = try BuildError.inDockerfile { () throws(DiagnosticsError) in try result.state.resolve(step) }
            let outcome = try await executeUnlessUnknown(progress) { (stage) throws in
                try await stage.perform(resolved, step, progress, &background)
            }
            if result.files.layers.count > layerCount { handOn(&background) }
            // The image will need it: it comes while later steps work.
            if let last = result.files.layers.last, last.isRemote {
                if session.request.completesImage, isTarget { session.fetches.begin([last]) }
                if ([step.copySource] + step.mountSources).contains(where: { $0.stage != nil }) { mayReadStages = true }
            }
            result.history.append(
                ImageConfiguration.HistoryEntry(
                    created: result.created,
                    createdBy: resolved.createdBy,
                    comment: "buildkit.dockerfile.v0",
                    emptyLayer: resolved.emptyLayer ? true : nil
                )
            )
            let seconds = progress.seconds
            let layer = result.files.layers.count > layerCount ? result.files.layers.last : nil
            session.recorder.ended(progress.index, outcome, progress.key, keyAbove: result.files.key, layer: layer)
            if isTarget, position == steps.count - 1 {
                result.unfinished = .init(step: progress.event, outcome: outcome, seconds: seconds)
            } else {
                progress.emit(.finished(progress.event, outcome, id: result.shownID, seconds: seconds))
            }
        } catch {
            if !(error is CancellationError) {
                session.recorder.failed(progress.index, progress.key, error)
                progress.emit(.failed(progress.event))
            }
            throw step.trigger?.placing(error, of: step) ?? error
        }
    }

    /// Tells of the latest layer, if it is one of the image, when it is there.
    private func handOn(_ background: inout Background) {
        guard let captured = session.builder.captured, session.imageStages.contains(stage.index),
            let layer = result.files.layers.last, !layer.isRemote
        else { return }
        background.addTask { try await captured(try await layer.layer) }
    }

    /// Waits for the stages that a step takes files from, before it begins.
    private func waitForSources(of step: PlannedStep, _ progress: StepProgress) async throws {
        let results = sources.results
        var seen: Set<Int> = []
        let indices = ([step.copySource] + step.mountSources).compactMap(\.stage).filter { seen.insert($0).inserted }
        let missing = indices.filter { !(results.knownFiles($0)?.isSettled ?? false) }
        guard !missing.isEmpty else { return }
        progress.waits(for: missing)
        for index in missing { await (try results.files(index)).settle() }
    }

    /// Does the work of a step, unless it needs files of one that was not made.
    private mutating func executeUnlessUnknown(
        _ progress: StepProgress,
        _ body: (inout StageBuilder) async throws -> BuildEvent.Outcome
    ) async throws -> BuildEvent.Outcome {
        var needed: MissingDependency?
        if !result.isUnknown {
            do {
                return try await body(&self)
            } catch let error as MissingDependency {
                needed = error
            }
        }
        result.isUnknown = true
        let own = MissingDependency(on: stage).reason
        progress.explain(needed.flatMap { $0.reason == own ? nil : $0.reason } ?? .filesNotMade(stage: nil))
        return .unknown
    }

    private mutating func perform(
        _ resolved: ResolvedStep,
        _ step: PlannedStep,
        _ progress: StepProgress,
        _ background: inout Background
    ) async throws -> BuildEvent.Outcome {
        let context = StepContext(
            step: step,
            stage: stage,
            progress: progress,
            sources: sources,
            usesCache: usesCache,
            below: result.files,
            configuration: result.state.configuration.config,
            timeBelow: result.created?.secondsSinceEpoch ?? 0,
            rootUser: result.rootUser
        )
        let made: StepResult
        switch resolved.action {
        case .metadata: return try await metadata(resolved, context)
        case .workdir(let workdir): made = try await WorkdirStep(workdir, context).execute()
        case .copy(let copy):
            let buildContext = try await session.openedContext(copy.from)
            made = try await CopyStep(copy, context, buildContext).execute()
        case .run(let command): made = try await RunStep(command, context).execute()
        }
        if let work = made.background { background.addTask(operation: work) }
        advance(made)
        return made.outcome
    }

    /// Puts the layer of a step on top of the stage.
    private mutating func advance(_ made: StepResult) {
        result.files.layers.append(made.layer)
        result.files.key = made.keyAbove.digest
        result.files.claim = made.claim ?? result.files.claim
        result.shownID = made.keyAbove.digest.short
        result.created = Timestamp(nanosecondsSinceEpoch: made.created)
        // It may have brought another /etc/passwd.
        if !made.keepsUsers { result.rootUser = result.files.rootUser(in: session.builder.layers) }
    }

    /// An instruction that changes nothing but the configuration: its result needs no cache, but that it was seen
    /// before tells the user that nothing changed.
    private mutating func metadata(_ resolved: ResolvedStep, _ context: StepContext) async throws
        -> BuildEvent.Outcome
    {
        let builder = session.builder
        let key = StepKey([NamedInput("below", result.files.key.hex), NamedInput("instruction", resolved.createdBy)])
        context.progress.key = key
        result.shownID = key.digest.short
        if usesCache, builder.cache.record(for: key) != nil { return .cached }
        // Others keep nothing of steps that take no work.
        if session.request.onMiss != .make, builder.shared?.hasSources == true { return .cached }
        if let outcome = try await context.handleMiss() { return outcome }
        try builder.cache.save(
            CacheRecord(key: key, instruction: context.step.instruction.text, layer: nil, created: WallClock.now)
        )
        return .ran
    }
}

extension StageFiles {
    fileprivate func rootUser(in store: LayerStore) -> Lazy<UserDatabase.Identity> {
        Lazy { try await self.stack(in: store).users().identity(ofUser: 0) }
    }
}

extension TriggerOrigin {
    /// An error of a trigger, at the `FROM` line that made it run.
    fileprivate func placing(_ error: any Error, of step: PlannedStep) -> any Error {
        switch error {
        case BuildError.dockerfile(let errors) where errors.source.name == step.source.name:
            BuildError.dockerfile(
                self.error(errors.diagnostics, trigger: String(decoding: step.source.bytes, as: UTF8.self))
            )
        case BuildError.runFailed(let failure): BuildError.runFailed(failure.at(range, in: source))
        case BuildError.notCached(let miss): BuildError.notCached(miss.at(range, in: source))
        default: error
        }
    }
}
