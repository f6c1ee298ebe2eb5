public import BuildCache
public import ContentStore
internal import Layers
internal import OCI
internal import Synchronization

/// Directories of cache mounts, which are asked for only when a process is about to use them.
extension SharedCache {
    /// A place that has directories of mounts, and which of them.
    struct MountPlace {
        let storage: any CacheStorage
        let options: SharedMountOptions

        init(_ storage: any CacheStorage, _ options: SharedMountOptions) {
            (self.storage, self.options) = (storage, options)
        }
    }

    public var hasMountSources: Bool { !mountSources.isEmpty }

    public var mountLimit: Int64? { mountDestinations.map(\.options.limit).max() }

    public func bringMount(_ identity: String, to scratch: Store) async -> [CacheRecord.LayerResult]? {
        for place in mountSources where !isBroken(place.storage) {
            do {
                guard let mount = try await mount(identity, in: place) else { continue }
                try await fetch(mount, from: place.storage, to: LayerStore(scratch))
                state.withLock { state in
                    state.summary.restoredMounts += 1
                    state.summary.restoredBytes += mount.parts.reduce(0) { $0 + $1.blob.size }
                }
                return mount.parts.map(\.layer)
            } catch is CancellationError {
                return nil
            } catch {
                report(error, place.storage, isBroken: false)
            }
        }
        return nil
    }

    private func mount(_ identity: String, in place: MountPlace) async throws -> SharedMount? {
        let key = SharedMount.key(identity, scope: place.options.scope)
        return try await manifest(key, in: place.storage).map {
            try SharedMount(decoding: $0, identity, scope: place.options.scope)
        }
    }

    private func fetch(_ mount: SharedMount, from storage: any CacheStorage, to layers: LayerStore) async throws {
        for part in mount.parts {
            try await limited(30 + Double(part.blob.size) / 50_000) {
                try await storage.fetch(part.blob, to: layers.store.blobs)
            }
            // By its content, whatever the blob claims to be.
            _ = try layers.contents(of: Layer(diffID: part.layer.diffID, blob: part.blob))
            try layers.verify(Layer(diffID: part.layer.diffID, tarSize: part.layer.tarSize))
        }
    }

    public func keepMount(
        _ identity: String,
        _ layers: [CacheRecord.LayerResult],
        from scratch: Store
    ) async -> Bool {
        var isComplete = true
        for place in mountDestinations where !isBroken(place.storage) {
            do {
                if try await !keep(identity, layers, from: LayerStore(scratch), in: place) { isComplete = false }
            } catch is CancellationError {
                return true
            } catch {
                report(error, place.storage, isBroken: true)
            }
        }
        return isComplete
    }

    private func keep(
        _ identity: String,
        _ layers: [CacheRecord.LayerResult],
        from scratch: LayerStore,
        in place: MountPlace
    ) async throws -> Bool {
        let before = try? await mount(identity, in: place)
        if before?.parts.map(\.layer) == layers { return true }
        var known: [Digest: Descriptor] = [:]
        for part in before?.parts ?? [] { known[part.layer.diffID] = part.blob }
        for other in mountSources
        where other.storage.identity == place.storage.identity && other.options.scope != place.options.scope {
            for part in (try? await mount(identity, in: other))?.parts ?? [] { known[part.layer.diffID] = part.blob }
        }
        var parts: [SharedMount.Part] = []
        var newBlobs: [Descriptor] = []
        for result in layers {
            let layer = Layer(diffID: result.diffID, tarSize: result.tarSize)
            if let blob = known[result.diffID] {
                parts.append(.init(layer: result, blob: blob))
            } else if scratch.isAvailable(layer) {
                // Only this program reads them.
                let blob = try await LayerCompressor(scratch, .zstd(level: 3)).compressed(layer, in: .oci)
                parts.append(.init(layer: result, blob: blob))
                newBlobs.append(blob)
            } else {
                return false
            }
        }
        let manifest = SharedMount(parts).manifest(identity, scope: place.options.scope)
        let key = SharedMount.key(identity, scope: place.options.scope)
        do {
            try await put(manifest, for: key, to: place.storage, from: scratch.store.blobs)
        } catch  where newBlobs.count < parts.count && !(error is CancellationError) {
            // Somebody may have removed what is said to be there.
            return false
        }
        let bytes = newBlobs.reduce(0) { $0 + $1.size }
        state.withLock { state in
            state.summary.keptMounts += 1
            state.summary.keptBytes += bytes
        }
        return true
    }
}
