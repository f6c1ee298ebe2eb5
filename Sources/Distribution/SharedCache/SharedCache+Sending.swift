public import BuildCache
internal import ContentStore
internal import Layers
public import OCI
internal import Registry
internal import Synchronization
internal import Threads

/// Sending results, in the background.
extension SharedCache {
    /// Entries that are sent at the same time.
    private static let parallelEntries = 3

    public func keep(_ key: StepKey, under alias: Digest?) { keep(.step(key, place: alias ?? key.digest)) }

    public func keepIndex(ofLayer diffID: Digest, _ blob: Descriptor) {
        keep(.index(Layer(diffID: diffID, blob: blob)))
    }

    public func keepDocuments(_ documents: [Digest]) { state.withLock { $0.documents.formUnion(documents) } }

    public func keepBuild(_ text: [UInt8]) { state.withLock { $0.build = text } }

    private func keep(_ kept: Kept) {
        guard !destinations.isEmpty else { return }
        state.withLock { state in
            state.waiting.append(kept)
            state.kept.insert(kept.place)
            guard state.working < SharedCache.parallelEntries else { return }
            state.working += 1
            state.workers.append(Task(executorPreference: BlockingExecutor.shared) { await self.work() })
        }
    }

    /// Waits until everything is sent that was kept so far; being cancelled ends that.
    public func finish() async {
        await withTaskCancellationHandler {
            for worker in state.withLock({ $0.workers }) { await worker.value }
            await unclaimAll()
            for (storage, _) in destinations where !isBroken(storage) && !Task.isCancelled {
                do {
                    try await mendListings(in: storage)
                    try await sendListing(to: storage)
                } catch {
                    if !(error is CancellationError) { report(error, storage, isBroken: true) }
                }
            }
            // What nobody needed to know.
            for listing in state.withLock({ $0.listings.values }) { listing.cancel() }
        } onCancel: {
            cancel()
        }
    }

    /// Sends nothing more.
    public func cancel() {
        let (workers, listings) = state.withLock { state in
            (state.waiting, state.build) = ([], nil)
            return (state.workers, state.listings)
        }
        for worker in workers { worker.cancel() }
        for listing in listings.values { listing.cancel() }
    }

    private func work() async {
        while true {
            let next = state.withLock { state -> Kept? in
                if state.waiting.isEmpty {
                    state.working -= 1
                    return nil
                }
                return state.waiting.removeFirst()
            }
            guard let next else { return }
            for (storage, compression) in destinations where !isBroken(storage) {
                do {
                    try await send(next, to: storage, compression)
                } catch is CancellationError {
                    // The loop ends when nothing waits any more.
                } catch {
                    report(error, storage, isBroken: true)
                }
            }
        }
    }

    private func send(_ kept: Kept, to storage: any CacheStorage, _ compression: LayerCompression) async throws {
        _ = await listing(of: storage)
        guard !isBroken(storage) else { return }
        switch kept {
        case .step(let key, let place): try await send(key, under: place, to: storage, compression)
        case .index(let layer):
            guard try await manifest(kept.place, in: storage) == nil else { return }
            let blob = try SharedLayerIndex.write(layer, layers)
            try await put(SharedLayerIndex.manifest(blob), for: kept.place, to: storage)
        }
    }

    private func send(
        _ key: StepKey,
        under place: Digest,
        to storage: any CacheStorage,
        _ compression: LayerCompression
    ) async throws {
        // What rested on something false is replaced, and what is damaged.
        let isWrong = layers.isRefuted(key.digest) || state.withLock { $0.lost.contains(key.digest) }
        if !isWrong, try await manifest(place, in: storage) != nil { return }
        let found = state.withLock { $0.found[key.digest] }
        guard let record = found?.entry.record ?? records.record(for: key), let result = record.layer else { return }
        let layer = Layer(diffID: result.diffID, tarSize: result.tarSize)
        if found != nil, !layers.isAvailable(layer) {
            // What is wrong with the place that it comes from says nothing about this one.
            do { try await fetch(result, under: key.digest) } catch let error as CancellationError {
                throw error
            } catch { return }
        }
        let blob = try await LayerCompressor(layers, compression).compressed(layer, in: .oci)
        let entry = CacheEntry(record, result, blob: blob, index: try? SharedLayerIndex.write(layer, layers))
        // The claim stands where the result will.
        let claim = place == key.digest ? state.withLock { $0.claims[place] } : nil
        await claim?.beginPublishing()
        if try await put(entry.manifest(under: place), for: place, to: storage) {
            state.withLock { state in
                state.summary.sent += 1
                state.claims[place] = nil
                if isWrong { state.mended.insert(place) }
            }
        }
    }

    /// - Parameter other: What has the parts, if it is not the store itself.
    /// - Returns: Whether it is there now, rather than too large for any registry: a step with huge scripts or variables.
    @discardableResult
    func put(
        _ manifest: Manifest,
        for key: Digest,
        to storage: any CacheStorage,
        from other: BlobStore? = nil
    ) async throws -> Bool {
        let bytes = try CanonicalJSON.encode(manifest)
        guard bytes.count <= cacheEntryLimit else { return false }
        let blobs = other ?? layers.store.blobs
        try blobs.write(CacheEntry.emptyBytes)
        // Without what only these places and this build need.
        let parts = manifest.layers.map { Descriptor(mediaType: $0.mediaType, digest: $0.digest, size: $0.size) }
        try await storage.put(RemoteManifest(mediaType: .imageManifest, bytes: bytes), for: key, parts, from: blobs)
        state.withLock { $0.present[storage.identity, default: [:]][key] = bytes }
        return true
    }

    /// Lists what this build has kept, unless that is listed already.
    private func sendListing(to storage: any CacheStorage) async throws {
        let (build, definitions, own, bases) = state.withLock { state in
            let present = state.present[storage.identity] ?? [:]
            return (state.build, state.definitions, present.filter { state.kept.contains($0.key) }, state.documents)
        }
        guard let build, let nearest = definitions.first, !own.isEmpty else { return }
        let before = await listing(of: storage)
        let documents = documents(bases)
        if let before, before.definition == nearest, own.allSatisfy({ before.manifests[$0.key] == $0.value }),
            documents.allSatisfy({ before.documents[$0.key] != nil })
        {
            return
        }
        var listing = CacheListing(own, build: build)
        listing.documents = documents
        // Builds of several branches have one definition.
        if let before, before.definition == nearest, listing.size + before.size <= CacheListing.usualSize {
            listing.manifests.merge(before.manifests) { own, _ in own }
            listing.documents.merge(before.documents) { own, _ in own }
        }
        for definition in definitions {
            try await put(listing.manifest(under: definition), for: definition, to: storage)
        }
    }

    /// Those of some documents that are here, and not too large for a list.
    private func documents(_ digests: Set<Digest>) -> [Digest: [UInt8]] {
        var result: [Digest: [UInt8]] = [:]
        for digest in digests {
            // What is no text would come back as something else.
            let bytes = try? layers.store.blobs.read(digest, limit: CacheListing.documentLimit)
            if let bytes, String(validating: bytes, as: UTF8.self) != nil { result[digest] = bytes }
        }
        return result
    }
}
