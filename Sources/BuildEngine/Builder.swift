public import BuildCache
import BuildPlanning
public import BuildRecords
import ContentStore
import DockerfileSyntax
import FileSystem
public import Layers
public import OCI
import RemoteSources
public import Reporting
import Snapshots
import Threads

/// Builds images in one store.
public struct Builder: Sendable {
    let store: Store
    let layers: LayerStore
    let snapshots: SnapshotStore
    let cache: StepCache
    let images: any BaseImageProvider
    let remote: RemoteSources
    let shared: (any SharedStepCache)?
    let captured: (@Sendable (Layer) async throws -> Void)?
    let emit: @Sendable (BuildEvent) -> Void

    /// - Parameters:
    ///   - shared: Asked for results that the store does not have.
    ///   - captured: Told each layer of the image that is in the store, while later steps work; the image waits for it.
    ///   - events: Told everything that happens; called from several threads, but never at the same time for one step.
    public init(
        layers: LayerStore,
        images: any BaseImageProvider,
        shared: (any SharedStepCache)? = nil,
        captured: (@Sendable (Layer) async throws -> Void)? = nil,
        events: @escaping @Sendable (BuildEvent) -> Void
    ) {
        store = layers.store
        self.layers = layers
        snapshots = SnapshotStore(layers)
        cache = StepCache(layers.store)
        self.images = images
        remote = RemoteSources(layers.store)
        self.shared = shared
        self.captured = captured
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
    /// - Returns: The record, with the ID that `complete` returned; where misses are only reported, that is not called.
    /// - Throws: `BuildError`, `CancellationError`, and errors of the store. Nothing runs, is mounted, or is left
    ///   half-written then.
    public func build(_ request: BuildRequest, complete: @Sendable (BuiltImage) throws -> Digest) async throws
        -> BuildRecord
    {
        if request.onMiss != .report { TemporaryDirectory.sweep(store[.temporary]) }
        var request = request
        var plan = try Builder.plan(request)
        if let source = plan.sourceDateEpochSource {
            let time = try await EpochResolution(builder: self, plan: plan).time(of: source, &request)
            if time == nil { emit(.note("SOURCE_DATE_EPOCH has no effect: the source that it names has no timestamp")) }
            request.options.buildArguments[SourceDateEpoch.name] = time.map { String(max($0, 0)) } ?? ""
            plan = try Builder.plan(request)
        }
        for name in plan.unusedBuildArguments {
            emit(.note("build argument `\(name)` is not used: no ARG in the stages that are built declares it"))
        }
        for name in request.uncachedStages where !plan.dockerfile.stages.contains(where: { $0.isCalled(name) }) {
            emit(.note("--no-cache-filter: there is no stage `\(name)`"))
        }
        let session = BuildSession(self, request, plan)
        return try await withTaskExecutorPreference(BlockingExecutor.shared) {
            do {
                let image = try await RemoteSources.telling({ [emit] in emit(.note($0)) }) {
                    try await session.build(complete: complete)
                }
                let record = await session.record(.succeeded, image: image)
                if request.onMiss != .report { shared?.keepBuild(record.sharedText) }
                await session.sharedMounts.keep()
                return record
            } catch {
                _ = await session.record(error is CancellationError ? .interrupted : .failed, image: nil)
                if !(error is CancellationError) { await session.sharedMounts.keep() }
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
