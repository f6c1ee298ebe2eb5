import Layers
import Snapshots
import Synchronization

/// One layer of a stage, which may still be in the making while later steps already run on its files.
final class StageLayer: Sendable {
    private let promise = Promise<Layer>()
    private let remote: Lazy<Layer>?
    private let files: Mutex<Workspace?>

    /// A layer that exists.
    init(_ layer: Layer) {
        files = Mutex(nil)
        remote = nil
        promised = layer
        promise.fulfil(.success(layer))
    }

    /// A layer that is brought into the store when something first reads it.
    ///
    /// - Parameter promised: What it will be, where that is known.
    init(_ promised: Layer? = nil, fetching: @escaping @Sendable () async throws -> Layer) {
        self.promised = promised
        files = Mutex(nil)
        remote = Lazy(fetching)
    }

    /// A layer that is being made of what a process wrote; its maker calls `finish`.
    init(of workspace: Workspace?) {
        files = Mutex(workspace)
        promised = nil
        remote = nil
    }

    /// Whether it is there, has failed, or has to be fetched.
    var isSettled: Bool { remote != nil || promise.isDone }

    /// Waits until it is; ignores failures.
    func settle() async {
        if remote == nil { _ = try? await promise.value }
    }

    /// Whether the layer has to be fetched, as far as is known.
    var isRemote: Bool { remote.map { $0.made == nil } ?? false }

    /// What the layer is, as far as that is known without waiting for it.
    let promised: Layer?

    /// The files themselves, for a layer that a `RUN` of this build left.
    var workspace: Workspace? { files.withLock { $0 } }

    /// Gives the layer, or why there is none.
    ///
    /// - Parameter isEmpty: Whether later processes need not look into what the process left.
    func finish(_ result: Result<Layer, any Error>, isEmpty: Bool = false) {
        promise.fulfil(result)
        if isEmpty { files.withLock { $0 = nil } }
    }

    /// Waits for the layer, whose content is in the store then.
    var layer: Layer {
        get async throws { if let remote { try await remote.value } else { try await promise.value } }
    }
}

extension [StageLayer] {
    /// Waits for all of them; those that have to be fetched are, several at once.
    var layers: [Layer] {
        get async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for layer in self where layer.isRemote { group.addTask { _ = try await layer.layer } }
                try await group.waitForAllOrReason()
            }
            var result: [Layer] = []
            for layer in self { result.append(try await layer.layer) }
            return result
        }
    }

    /// Whether one overlay can have all of them below.
    func fitOverlay(in store: SnapshotStore) async throws -> Bool {
        // Waits for nothing where there are few.
        count <= 200 ? true : try store.fitOverlay(try await layers)
    }

    /// All of them unpacked, lowest first; those that processes of this build left, as they are.
    func snapshots(in store: SnapshotStore) async throws -> [SnapshotStore.Snapshot] {
        var result: [SnapshotStore.Snapshot] = []
        var known: [Layer] = []
        for layer in self {
            if let workspace = layer.workspace {
                result += try store.snapshots(of: known)
                known = []
                result.append(workspace.snapshot)
            } else {
                known.append(try await layer.layer)
            }
        }
        return try result + store.snapshots(of: known)
    }
}
