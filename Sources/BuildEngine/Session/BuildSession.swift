import BuildCache
import BuildChecks
import BuildContext
import BuildPlanning
import BuildRecords
import ContainerRuntime
import ContentStore
import DockerfileSyntax
import FileSystem
import Layers
import OCI
import Reporting
import Snapshots
import Synchronization

/// What the stages of one build share.
final class BuildSession: Sendable {
    let builder: Builder
    let request: BuildRequest
    let plan: BuildPlan
    let slots: JobSlots
    private let context: OpenedContext?
    private let namedContexts: [String: Lazy<OpenedContext>]
    let isolation: Isolation
    let credentials: Credentials
    let recorder: BuildRecorder
    let fetches: Fetches
    /// The target and the stages that it starts from, one on the other: their layers are the image's.
    let imageStages: Set<Int>
    /// `nil` where no miss is explained.
    let explainer: MissExplainer?
    let usedRoots = UsedRoots()
    let sharedMounts: SharedMounts
    private let notes = Mutex<Set<String>>([])
    /// The layers that processes of this build left, to be kept as snapshots at the end.
    private let workspaces = Mutex<[(Workspace, Layer)]>([])

    init(_ builder: Builder, _ request: BuildRequest, _ plan: BuildPlan) {
        self.builder = builder
        self.request = request
        self.plan = plan
        slots = JobSlots(request.jobs)
        context = request.context.map { OpenedContext($0, in: builder.store) }
        namedContexts = request.namedContexts.mapValues { open in
            Lazy { OpenedContext(try await open(), in: builder.store) }
        }
        isolation = Isolation(builder.store)
        sharedMounts = SharedMounts(builder) { builder.emit(.note($0)) }
        credentials = Credentials(secrets: request.runs.secrets, agents: request.runs.agents)
        recorder = BuildRecorder(request, plan)
        var (stages, next): (Set<Int>, PlannedStage?) = ([], plan.target)
        while let stage = next, stages.insert(stage.index).inserted {
            next = stage.base.stage.flatMap { plan.allStages[$0] }
        }
        imageStages = stages
        fetches = Fetches(isEnabled: request.onMiss != .report)
        explainer = request.explainsMisses || request.onMiss != .make ? MissExplainer(builder.layers) : nil
    }

    /// The files that a source stands for where it is a context: the main one, which may be missing, or a named one.
    ///
    /// - Throws: Why a named context is unavailable.
    func openedContext(_ source: ContentSource) async throws -> OpenedContext? {
        guard case .named(let name) = source else { return context }
        guard let context = namedContexts[name] else { preconditionFailure("a plan names contexts that it was given") }
        return try await context.value
    }

    func keepSnapshot(_ workspace: Workspace, _ layer: Layer) {
        workspace.settle()
        workspaces.withLock { $0.append((workspace, layer)) }
    }

    /// When what is made now counts as made, in nanoseconds since 1970.
    var creationTime: Int64 { plan.sourceDateEpoch.map { $0 * 1_000_000_000 } ?? WallClock.now }

    /// When everything in the image counts as made, where that is not left to the clock.
    var epoch: Timestamp? { plan.sourceDateEpoch.map { Timestamp(secondsSinceEpoch: $0) } }

    /// Tells the user something that holds for all steps, when first detected.
    func noteOnce(_ text: String) {
        if notes.withLock({ $0.insert(text).inserted }) { builder.emit(.note(text)) }
    }

    /// - Returns: The image's ID; `nil` where nothing was to be made.
    func build(complete: @Sendable (Builder.BuiltImage) throws -> Digest) async throws -> Digest? {
        let isWriting = request.onMiss != .report
        // Prune must not take away what a cache look-up has just found.
        let inUse = isWriting ? try builder.store.lock(.shared) : nil
        defer { withExtendedLifetime(inUse) {} }
        defer {
            if isWriting {
                for (workspace, layer) in workspaces.withLock({ $0 }) { builder.snapshots.adopt(workspace, as: layer) }
                for files in [context] + namedContexts.values.map(\.made) { try? files?.fingerprints.save() }
            }
        }
        builder.shared?.begin(definitions)
        let bases = try await BaseResolution(self).resolve()
        try check(bases)
        let refusals = bases.stages.flatMap(\.steps).compactMap { request.runs.refusal(of: $0.instruction) }
        guard refusals.isEmpty else {
            throw BuildError.dockerfile(DiagnosticsError(source: plan.dockerfile.source, diagnostics: refusals))
        }
        builder.emit(.planned(stages: bases.stages.count, steps: plan.stepCount))
        let (result, image) = try await fetches.during { [self] in
            let result = try await build(bases)
            return (result, isWriting ? try await assemble(result) : nil)
        }
        if isWriting { keepIndexes(of: bases) }
        let id = try image.map(complete)
        if let last = result.unfinished {
            builder.emit(.finished(last.step, last.outcome, id: id?.short ?? result.shownID, seconds: last.seconds))
        }
        return id
    }

    /// Builds all stages.
    ///
    /// - Returns: What the target came to.
    private func build(_ bases: BaseResolution.Bases) async throws -> StageResult {
        let results = StageResults(
            bases.stages,
            triggerDependencies: bases.triggerDependencies,
            target: plan.target.index
        )
        let forecast = MissForecast(
            bases,
            fetches,
            builder.layers,
            mayBringIndexes: builder.shared?.hasSources ?? false
                || bases.images.values.contains { $0.bringIndexes != nil }
        )
        let sources = StageSources(session: self, bases: bases, results: results, forecast: forecast)
        // The image will need its base; it comes while steps work.
        if request.completesImage, case .image(let source) = plan.target.base {
            fetches.begin(bases.layers[source] ?? [])
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for stage in bases.stages {
                group.addTask { try await self.build(stage, sources) }
            }
            try await group.waitForAllOrReason()
        }
        return try await results.ofTarget
    }

    /// Ends the record of the build and saves it; failing to save it does not fail the build.
    func record(_ ending: BuildRecord.Ending, image: Digest?) async -> BuildRecord {
        let record = await recorder.finish(ending, image: image)
        if request.onMiss != .report { try? BuildRecordStore(builder.store).save(record) }
        return record
    }

    /// Reports what the build checks find, and everything in the Dockerfile that a step would fail on.
    private func check(_ bases: BaseResolution.Bases) throws {
        let ignoreFile = request.context?.ignoreFile ?? .empty
        let report = CheckReport(plan, ignoring: ignoreFile) { bases.images[$0]?.configuration }
        let source = plan.dockerfile.source
        for warning in report.warnings.map(\.diagnostic) + report.otherWarnings {
            builder.emit(.warning(source: source, warning))
        }
        let errors = report.errors.isEmpty ? report.failure.map { [$0] } ?? [] : report.errors
        guard errors.isEmpty else {
            throw BuildError.dockerfile(DiagnosticsError(source: source, diagnostics: errors))
        }
    }

    private func build(_ stage: PlannedStage, _ sources: StageSources) async throws {
        let results = sources.results
        do {
            if try await StageBuilder(stage, sources).build() { results.completed(stage.index) }
        } catch {
            results.fulfil(stage.index, .failure(error is CancellationError ? error : CancellationError()))
            throw error
        }
    }

    private func assemble(_ result: StageResult) async throws -> Builder.BuiltImage {
        var layers: [Layer] = []
        if request.completesImage {
            layers = try await result.files.layers.layers
        } else {
            for layer in result.files.layers {
                if layer.isRemote, let promised = layer.promised {
                    layers.append(promised)
                } else {
                    layers.append(try await layer.layer)
                }
            }
        }
        var configuration = result.state.configuration
        if !request.labels.isEmpty {
            var labels = configuration.config.labels ?? [:]
            for (name, value) in request.labels { labels[name] = value }
            configuration.config.labels = labels
        }
        configuration.created = result.created
        configuration.rootfs = ImageConfiguration.RootFilesystem(diffIDs: layers.map(\.diffID))
        configuration.history = result.history
        return Builder.BuiltImage(configuration: configuration, layers: layers)
    }
}
