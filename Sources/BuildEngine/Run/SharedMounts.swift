import BuildCache
import ContentStore
import FileSystem
import Formatting
import Layers
import OCI
import Snapshots
import Synchronization
import Threads

/// The directories of cache mounts that a build shares with other stores.
///
/// Nothing here ever fails a build, and nothing happens for steps that are cached.
final class SharedMounts: Sendable {
    private typealias Identity = CacheDirectoryStore.Identity

    private let builder: Builder
    private let note: @Sendable (String) -> Void
    /// Those that processes of this build used, and whether all of these succeeded.
    private let used = Mutex<[CacheDirectoryStore.Identity: Bool]>([:])

    init(_ builder: Builder, note: @escaping @Sendable (String) -> Void) {
        (self.builder, self.note) = (builder, note)
    }

    /// How often a cache is looked at that somebody else is using.
    private static let patience = 50

    private var store: CacheDirectoryStore { CacheDirectoryStore(builder.layers) }

    /// Makes a cache that is not here of what others have kept of it, as far as anybody has.
    ///
    /// - Throws: `CancellationError`.
    func bring(_ identity: CacheDirectoryStore.Identity) async throws {
        guard let shared = builder.shared, shared.hasMountSources, !store.isPresent(identity) else { return }
        do {
            let lock = try await builder.store.waitForLock(key: identity.name())
            defer { withExtendedLifetime(lock) {} }
            guard !store.isPresent(identity) else { return }
            let work = try TemporaryDirectory(in: builder.store[.temporary])
            let scratch = LayerStore(try Store(root: work.path))
            guard let found = await shared.bringMount("\(identity)", to: scratch.store) else {
                return try Task.checkCancellation()
            }
            let layers = found.map { Layer(diffID: $0.diffID, tarSize: $0.tarSize) }
            try store.restore(identity, layers, from: scratch)
        } catch let error as CancellationError {
            throw error
        } catch {
            note("the cache mount `\(identity.id)` starts empty, since it cannot be restored: \(error)")
        }
    }

    /// Notes that a process used caches.
    func use(_ identities: some Sequence<CacheDirectoryStore.Identity>, succeeded: Bool) {
        used.withLock { used in
            for identity in identities { used[identity] = succeeded && used[identity] ?? true }
        }
    }

    /// Keeps the caches that processes of this build used, each as far as it has changed since it was shared.
    ///
    /// What a process has used that failed may be half-written, and stays here.
    func keep() async {
        guard let shared = builder.shared, let limit = shared.mountLimit else { return }
        let identities = used.withLock { $0.filter(\.value).keys.sorted { $0.description < $1.description } }
        for identity in identities where !Task.isCancelled {
            do {
                try await keep(identity, shared, limit)
            } catch let error as CacheDirectoryStore.TooLarge {
                let (size, most) = (HumanReadable.size(error.size), HumanReadable.size(limit))
                note(
                    "the cache mount `\(identity.id)` is not shared: it has \(size), and `cache-mounts-limit` is \(most)"
                )
            } catch is CancellationError {
                return
            } catch {
                note("the cache mount `\(identity.id)` is not shared: \(error)")
            }
        }
    }

    private func keep(_ identity: Identity, _ shared: any SharedStepCache, _ limit: Int64) async throws {
        // Prune must not take it away meanwhile.
        let inUse = try builder.store.lock(.shared)
        defer { withExtendedLifetime(inUse) {} }
        for isWhole in [false, true] {
            let work = try TemporaryDirectory(in: builder.store[.temporary])
            let scratch = LayerStore(try Store(root: work.path))
            var contents: CacheDirectoryStore.Contents?
            for _ in 0..<SharedMounts.patience where contents == nil {
                contents = try store.contents(identity, limit: limit, isWhole: isWhole, to: scratch)
                if contents == nil { try await Pause.wait(seconds: 0.02) }
            }
            guard let contents else {
                return note("the cache mount `\(identity.id)` is not shared: another build is using it")
            }
            let layers = contents.layers.map { CacheRecord.LayerResult(diffID: $0.diffID, tarSize: $0.blob.size) }
            if await shared.keepMount("\(identity)", layers, from: scratch.store) {
                return try Task.isCancelled ? () : store.remember(contents, of: identity)
            }
        }
    }
}
