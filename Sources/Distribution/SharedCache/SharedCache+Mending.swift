internal import BuildCache
internal import OCI
internal import Registry
internal import Synchronization

/// Lists of other builds that have a copy of an entry which turned out to be wrong.
extension SharedCache {
    /// Entries that are looked at, of which few are lists; what is not found stays a copy that its own builds replace.
    private static let lookedAt = 2000
    private static let parallelLists = 8

    /// Replaces the copies of entries that this build has replaced, which happens hardly ever.
    func mendListings(in storage: any CacheStorage) async throws {
        let mended = state.withLock { state in
            let present = state.present[storage.identity] ?? [:]
            return present.filter { state.mended.contains($0.key) }
        }
        guard !mended.isEmpty else { return }
        let own = Set(state.withLock { $0.definitions })
        // A registry need not list its tags.
        let keys = ((try? await storage.keys()) ?? []).filter { !own.contains($0) && mended[$0] == nil }
        var waiting = keys.prefix(SharedCache.lookedAt).makeIterator()
        try await withThrowingTaskGroup(of: Void.self) { group in
            func add() {
                guard let key = waiting.next() else { return }
                group.addTask { try await self.mend(key, mended, in: storage) }
            }
            for _ in 0..<SharedCache.parallelLists { add() }
            while try await group.next() != nil { add() }
        }
    }

    private func mend(_ definition: Digest, _ mended: [Digest: [UInt8]], in storage: any CacheStorage) async throws {
        let bytes = try await storage.manifest(for: definition)
        guard var listing = bytes.flatMap({ CacheListing(decoding: $0, under: definition) }) else { return }
        let wrong = mended.filter { listing.manifests[$0.key] != nil && listing.manifests[$0.key] != $0.value }
        guard !wrong.isEmpty else { return }
        listing.manifests.merge(wrong) { _, new in new }
        try await put(listing.manifest(under: definition), for: definition, to: storage)
    }
}
