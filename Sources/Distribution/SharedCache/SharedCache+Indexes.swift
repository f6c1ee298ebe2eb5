internal import BuildCache
internal import ContentStore
internal import Layers
public import OCI
internal import Synchronization

/// What is in layers that are elsewhere, as far as others have said it.
extension SharedCache {
    /// Indexes that are fetched at the same time.
    private static let parallelIndexes = 4

    public func bringIndexes(of wanted: [Digest]) async {
        guard believesIndexes else { return }
        let known = indexesOfEntries
        var waiting = Array(Set(wanted))
        await withTaskGroup(of: Void.self) { group in
            func add() {
                guard let diffID = waiting.popLast() else { return }
                group.addTask { await self.bringIndex(of: diffID, known[diffID]) }
            }
            for _ in 0..<SharedCache.parallelIndexes { add() }
            while await group.next() != nil { add() }
        }
    }

    private typealias Place = (blob: Descriptor, storage: any CacheStorage)

    /// The indexes that come with the entries that are known so far, by the diff IDs of their layers.
    private var indexesOfEntries: [Digest: Place] {
        var result: [Digest: Place] = [:]
        for storage in sources {
            for (key, bytes) in state.withLock({ $0.present[storage.identity] ?? [:] }) {
                guard let entry = try? CacheEntry(decoding: bytes, under: key), let index = entry.index else {
                    continue
                }
                result[entry.layer.diffID] = (index, storage)
            }
        }
        return result
    }

    private func bringIndex(of diffID: Digest, _ known: Place?) async {
        if let known, await take(known.blob, of: diffID, from: known.storage) { return }
        let key = SharedLayerIndex.key(diffID)
        for storage in sources where !isBroken(storage) {
            do {
                guard let bytes = try await manifest(key, in: storage) else { continue }
                guard let blob = SharedLayerIndex.blob(bytes) else { throw CacheEntry.Defect.malformed }
                if await take(blob, of: diffID, from: storage) { return }
            } catch is CancellationError {
                return
            } catch {
                report(error, storage, isBroken: !(error is CacheEntry.Defect))
            }
        }
    }

    /// - Returns: Whether it is an index of the layer.
    private func take(_ blob: Descriptor, of diffID: Digest, from storage: any CacheStorage) async -> Bool {
        let blobs = layers.store.blobs
        do {
            if blobs.size(blob.digest) != blob.size || !blobs.verify(blob.digest) {
                try await limited(10 + Double(blob.size) / 50_000) { try await storage.fetch(blob, to: blobs) }
            }
            guard layers.claim(try SharedLayerIndex.read(blob, blobs), of: diffID) else {
                throw CacheEntry.Defect.malformed
            }
            return true
        } catch {
            if !(error is CancellationError) { report(error, storage, isBroken: false) }
            return false
        }
    }
}
