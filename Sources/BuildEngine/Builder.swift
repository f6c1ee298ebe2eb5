public import BuildCache
import BuildChecks
import BuildContext
import BuildPlanning
public import BuildRecords
import ContainerRuntime
import ContentStore
import DockerfileSyntax
import FileSystem
import Glibc
public import Layers
public import OCI
import RemoteSources
public import Reporting
import Snapshots
import Synchronization

/// Builds images in one store.
public struct Builder: Sendable {
    let store: Store
    let layers: LayerStore
    let snapshots: SnapshotStore
    let cache: StepCache
    let images: any BaseImageProvider
    let remote: RemoteSources
    let shared: (any SharedStepCache)?
    let emit: @Sendable (BuildEvent) -> Void

    /// - Parameters:
    ///   - shared: Asked for results that the store does not have.
    ///   - events: Told everything that happens; called from several threads, but never at the same time for one step.
    public init(
        layers: LayerStore,
        images: any BaseImageProvider,
        shared: (any SharedStepCache)? = nil,
        events: @escaping @Sendable (BuildEvent) -> Void
    ) {
        store = layers.store
        self.layers = layers
        snapshots = SnapshotStore(layers)
        cache = StepCache(layers.store)
        self.images = images
        remote = RemoteSources(layers.store)
        self.shared = shared
        emit = events
    }

    /// What a build gives: everything that makes up the image, not yet stored as one.
    public struct BuiltImage: Sendable {
        public let configuration: ImageConfiguration
        public let layers: [Layer]
    }

    /// Builds what the request asks for, and keeps a record of it, also of a build that fails once it is planned.
    ///
    /// - Parameter complete: Stores the image and gives its ID; called when everything else is done and before the last
    ///   step is reported, whose result the image is.
    /// - Returns: The record, with the ID that `complete` returned; where misses are passed by, that is not called.
    /// - Throws: `BuildError`, `CancellationError`, and errors of the store. Nothing runs, is mounted, or is left
    ///   half-written then.
    public func build(_ request: BuildRequest, complete: @Sendable (BuiltImage) throws -> Digest) async throws
        -> BuildRecord
    {
        if request.onMiss != .pass { TemporaryDirectory.sweep(store[.temporary]) }
        var request = request
        var plan = try Builder.plan(request)
        if let source = plan.sourceDateEpochSource {
            let time = try await EpochResolution(builder: self, plan: plan).time(of: source, &request)
            if time == nil { emit(.note("SOURCE_DATE_EPOCH has no effect: what it names has no time of its own")) }
            request.options.buildArguments[SourceDateEpoch.name] = time.map { String(max($0, 0)) } ?? ""
            plan = try Builder.plan(request)
        }
        for name in plan.unusedBuildArguments {
            emit(.note("build argument `\(name)` is not used: no stage that is built declares it with ARG"))
        }
        for name in request.uncachedStages where !plan.dockerfile.stages.contains(where: { $0.isCalled(name) }) {
            emit(.note("--no-cache-filter: there is no stage `\(name)`"))
        }
        let run = BuildRun(self, request, plan)
        return try await withTaskExecutorPreference(BlockingExecutor.shared) {
            do {
                let image = try await RemoteSources.telling({ [emit] in emit(.note($0)) }) {
                    try await run.run(complete: complete)
                }
                return await run.record(.succeeded, image: image)
            } catch {
                _ = await run.record(error is CancellationError ? .interrupted : .failed, image: nil)
                throw error
            }
        }
    }

    private static func plan(_ request: BuildRequest) throws -> BuildPlan {
        try BuildError.inDockerfile { () throws(DiagnosticsError) in
            try BuildPlan(request.dockerfile, options: request.options)
        }
    }
}

extension Dockerfile.Stage {
    /// Whether this is the stage's name in any case, or its number where it has no name.
    func isCalled(_ text: String) -> Bool { text.lowercased() == name ?? String(index) }
}

extension BuildError {
    /// Passes errors in the Dockerfile on as build errors.
    static func inDockerfile<Result>(_ body: () throws(DiagnosticsError) -> Result) throws -> Result {
        do {
            return try body()
        } catch {
            throw BuildError.dockerfile(error)
        }
    }

    /// One error at a place of a source text.
    static func at(_ range: SourceRange?, in source: SourceText, _ message: String, hints: [String] = []) -> BuildError
    {
        .dockerfile(DiagnosticsError(source: source, diagnostics: [Diagnostic(message, at: range, hints: hints)]))
    }
}

/// One build while it goes on: what its stages share.
final class BuildRun: Sendable {
    let builder: Builder
    let request: BuildRequest
    let plan: BuildPlan
    let slots: JobSlots
    private let context: BuildContextFiles?
    private let namedContexts: [String: OpenedOnce<BuildContextFiles>]
    let isolation: Isolation
    let credentials: Credentials
    let recorder: BuildRecorder
    /// `nil` where nobody wants to know.
    let explainer: MissExplainer?
    private let notes = Mutex<Set<String>>([])
    /// The layers that processes of this build left, to be kept as snapshots at the end.
    private let workspaces = Mutex<[(Workspace, Layer)]>([])

    init(_ builder: Builder, _ request: BuildRequest, _ plan: BuildPlan) {
        self.builder = builder
        self.request = request
        self.plan = plan
        slots = JobSlots(request.jobs)
        context = request.context.map { BuildContextFiles($0, in: builder.store) }
        namedContexts = request.namedContexts.mapValues { open in
            OpenedOnce { BuildContextFiles(try await open(), in: builder.store) }
        }
        isolation = Isolation(builder.store)
        credentials = Credentials(secrets: request.runs.secrets, agents: request.runs.agents)
        recorder = BuildRecorder(request, plan)
        explainer = request.explainsMisses || request.onMiss != .make ? MissExplainer(builder.layers) : nil
    }

    /// The files that a source stands for where it is a context: the main one, which may be missing, or a named one.
    ///
    /// - Throws: Why a named context cannot be had.
    func contextFiles(_ source: ContentSource) async throws -> BuildContextFiles? {
        guard case .named(let name) = source else { return context }
        guard let context = namedContexts[name] else { preconditionFailure("a plan names contexts that it was given") }
        return try await context.value
    }

    func keepSnapshot(_ workspace: Workspace, _ layer: Layer) {
        workspace.settle()
        workspaces.withLock { $0.append((workspace, layer)) }
    }

    /// When what is made now counts as made, in nanoseconds since 1970.
    var creationTime: Int64 { plan.sourceDateEpoch.map { $0 * 1_000_000_000 } ?? Clock.now }

    /// When everything in the image counts as made, where that is not left to the clock.
    var epoch: Timestamp? { plan.sourceDateEpoch.map { Timestamp(secondsSinceEpoch: $0) } }

    /// Tells the user something that holds for all steps, the first time it is found out.
    func noteOnce(_ text: String) {
        if notes.withLock({ $0.insert(text).inserted }) { builder.emit(.note(text)) }
    }

    /// - Returns: The image's ID; `nil` where nothing was to be made.
    func run(complete: @Sendable (Builder.BuiltImage) throws -> Digest) async throws -> Digest? {
        let isWriting = request.onMiss != .pass
        // Prune must not take away what a cache look-up has just found.
        let inUse = isWriting ? try builder.store.lock(.shared) : nil
        defer { withExtendedLifetime(inUse) {} }
        defer {
            if isWriting {
                for (workspace, layer) in workspaces.withLock({ $0 }) { builder.snapshots.adopt(workspace, as: layer) }
                for files in [context] + namedContexts.values.map(\.opened) { try? files?.fingerprints.save() }
            }
        }
        let bases = try await BaseResolution(self).resolve()
        try check(bases)
        let refusals = bases.stages.flatMap(\.steps).compactMap { request.runs.refusal(of: $0.instruction) }
        guard refusals.isEmpty else {
            throw BuildError.dockerfile(DiagnosticsError(source: plan.dockerfile.source, diagnostics: refusals))
        }
        builder.emit(.planned(stages: bases.stages.count, steps: plan.stepCount))
        let results = StageResults(bases.stages, triggers: bases.triggers, target: plan.target.index)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for stage in bases.stages {
                group.addTask { try await self.build(stage, bases, results) }
            }
            // The first failure cancels the rest. A stage that waited for the one that failed may end before it does,
            // but with a cancellation, which is not what the user must be told.
            var failure: (any Error)?
            while let ended = await group.nextResult() {
                guard case .failure(let error) = ended else { continue }
                if failure == nil || failure is CancellationError { failure = error }
                group.cancelAll()
            }
            if let failure { throw failure }
        }
        let result = try await results.ofTarget
        let id = isWriting ? try complete(try await assemble(result)) : nil
        if let last = result.unfinished {
            builder.emit(.finished(last.step, last.outcome, id: id?.short ?? result.shownID, seconds: last.seconds))
        }
        return id
    }

    /// Ends the record of the build and keeps it; that it cannot be kept is no reason to fail.
    func record(_ ending: BuildRecord.Ending, image: Digest?) async -> BuildRecord {
        let record = await recorder.finish(ending, image: image)
        if request.onMiss != .pass { try? BuildRecordStore(builder.store).save(record) }
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

    private func build(_ stage: PlannedStage, _ bases: BaseResolution.Bases, _ results: StageResults) async throws {
        do {
            var builder = try await StageBuilder(self, stage, bases, results)
            try await builder.build()
            results.completed(stage.index)
        } catch {
            results.fulfil(stage.index, .failure(error is CancellationError ? error : CancellationError()))
            throw error
        }
    }

    private func assemble(_ result: StageResult) async throws -> Builder.BuiltImage {
        let layers = try await result.layers.layers
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
