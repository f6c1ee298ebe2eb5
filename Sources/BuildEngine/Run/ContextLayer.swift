import BuildCache
import BuildContext
import BuildPlanning
import FileSystem
import LayerWriting
import Layers
import OCI
import Reporting
import Tar

/// What a mount shows of a build context, as a layer of its own: the contents of a directory, or a file under its own
/// name; without what is ignored, owned by root, and as it was when it counted for the key.
struct ContextLayer: Sendable {
    let key: StepKey
    private let root: SelectedRoot
    private let fingerprint: ContentFingerprint
    private let range: SourceRange
    private let context: StepContext

    /// Reads what counts for the key.
    ///
    /// - Throws: `BuildError.dockerfile` for a path that is not there.
    init(_ path: String, of buildContext: OpenedContext, _ range: SourceRange, _ context: StepContext) throws {
        self.range = range
        self.context = context
        do throws(BuildContextError) {
            root = try buildContext.directory.select(source: Array(path.utf8), wildcards: .none)[0]
            let listing = try buildContext.list(root, note: context.session.noteOnce)
            var read = ContentFingerprint(of: [listing], in: buildContext.directory, cache: buildContext.fingerprints)
            try read.readUnknown()
            fingerprint = read
        } catch {
            throw context.failure(error, at: range)
        }
        if context.session.request.onMiss != .report { buildContext.fingerprints.startSaving() }
        key = ContextLayer.key(files: fingerprint.digest.hex, context)
    }

    /// Where the files are in the layer.
    var path: PathInRoot { root.isDirectory ? .root : PathInRoot(Array(root.name)) }
    var isDirectory: Bool { root.isDirectory }

    /// The layer, made when a process first needs it.
    var layer: StageLayer { StageLayer { try await make() } }

    /// The one that `COPY` to an empty stage would have.
    private static func key(files: String, _ context: StepContext) -> StepKey {
        StepKey(
            context.commonInputs("COPY", on: StageFiles.emptyKey.digest)
                + [NamedInput("destination", "\(PathInRoot.root)"), NamedInput("files", files)]
        )
    }

    private func make() async throws -> Layer {
        let lock = try await context.lock(key)
        defer { withExtendedLifetime(lock) {} }
        if let (layer, _) = context.cachedLayer(key) { return layer }
        let latestLayerKey = ContextLayer.key(files: "latest", context)
        let (layers, session) = (context.builder.layers, context.session)
        let earlier = context.cachedLayer(latestLayerKey).flatMap { try? EarlierLayer($0.layer, in: layers) }
        var plan = LayerPlan(view: try LayerStack([], in: layers).view, latestTime: session.plan.sourceDateEpoch) {
            LayerEntry.directory($0)
        }
        do {
            try plan.copy(CopyRoot(fingerprint.listings[0], at: 0), AttributeChange(), to: .root, isDirectory: true)
        } catch {
            throw context.failure(error.sentence, at: range)
        }
        let writer = try context.writer(of: plan)
        do {
            try LayerAssembly(plan, fingerprint, earlier).write(to: writer)
        } catch let error as BuildContextError {
            throw context.failure(error, at: range)
        }
        let layer = try writer.finish()
        try context.record(layer, key, created: session.creationTime)
        try context.recordLatest(layer, latestLayerKey)
        return layer
    }
}
