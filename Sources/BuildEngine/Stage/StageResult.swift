import BuildCache
import BuildPlanning
import Layers
import OCI
import Reporting

/// What a stage gives to those that take files from it.
struct StageFiles: Sendable {
    /// What an empty filesystem is known by.
    static let emptyKey = StepKey([NamedInput("base", "scratch")])

    /// Lowest first.
    var layers: [StageLayer] = []
    /// The key of the last step that can influence files; what later keys build on.
    var key = StageFiles.emptyKey.digest

    /// The key of the latest step that other builds were kept from making.
    var claim: Digest?

    /// Whether nothing of it is in the making.
    var isSettled: Bool { layers.allSatisfy(\.isSettled) }

    /// Waits for what is in the making; what has to be fetched is left where it is, and failures to those that need it.
    func settle() async {
        for layer in layers { await layer.settle() }
    }

    /// The files as far as it takes to know what is where, of layers that are elsewhere by their indexes alone, if those are
    /// here.
    func names(in store: LayerStore) async throws -> LayerStack {
        if let known = try await knownNames(in: store) { return known }
        return try await stack(in: store)
    }

    /// The same, where nothing has to be fetched for it.
    func knownNames(in store: LayerStore) async throws -> LayerStack? {
        var known: [Layer] = []
        for layer in layers {
            if layer.isRemote {
                guard let promised = layer.promised, store.knownIndex(of: promised) != nil else { return nil }
                known.append(promised)
            } else {
                known.append(try await layer.layer)
            }
        }
        return LayerStack(known: known, in: store)
    }

    func stack(in store: LayerStore) async throws -> LayerStack { try LayerStack(try await layers.layers, in: store) }
}

/// What a stage came to: the state it ended in and the layers that make up its filesystem.
struct StageResult: Sendable {
    /// The configuration and the arguments in scope.
    var state: StageState
    var history: [ImageConfiguration.HistoryEntry] = []
    var files = StageFiles()
    /// The last step's result as it is shown.
    var shownID: String?
    /// When the newest layer was made.
    var created: Timestamp?
    /// Root's home directory and groups, read when the first process needs them: later layers may still be in the
    /// making.
    var rootUser: Lazy<UserDatabase.Identity>
    /// Whether the keys of its last steps could not be found out, since nothing is made.
    var isUnknown = false
    /// The last step, whose result is shown when the image is complete.
    var unfinished: UnfinishedStep?

    /// A step of which everything is known but the ID of the image that it completes.
    struct UnfinishedStep: Sendable {
        let step: BuildEvent.Step
        let outcome: BuildEvent.Outcome
        let seconds: Double
    }
}
