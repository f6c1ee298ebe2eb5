import ContainerRuntime
import Layers
import OCI
import Snapshots
import Synchronization

/// The root filesystems on which processes of a build have run where each is a copy of all files: the next process takes
/// one of them instead of another copy.
final class UsedRoots: Sendable {
    private let roots = Mutex<[(layers: [Digest], root: ProcessRoot)]>([])

    /// Keeps one, which has exactly the files of these layers.
    func keep(_ root: ProcessRoot, having layers: [Layer]) {
        roots.withLock { $0.append((layers.map(\.diffID), root)) }
    }

    /// One with the files of these layers; `nil` where none comes near.
    func take(_ layers: [Layer], in snapshots: SnapshotStore) -> ProcessRoot? {
        let wanted = layers.map(\.diffID)
        let found = roots.withLock { roots -> (layers: [Digest], root: ProcessRoot)? in
            let usable = roots.indices.filter { wanted.starts(with: roots[$0].layers) }
            return usable.max { roots[$0].layers.count < roots[$1].layers.count }.map { roots.remove(at: $0) }
        }
        return found.flatMap {
            try? $0.root.updated(to: layers, adding: wanted.count - $0.layers.count, in: snapshots)
        }
    }
}
