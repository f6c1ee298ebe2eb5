public import BuildCache
internal import ContentStore
internal import FileSystem
internal import HTTPTransport
public import Layers
public import OCI
public import Registry
internal import Synchronization
internal import Threads

/// Results of steps in registries and directories, shared by stores.
///
/// Nothing here ever fails a build: what is slow, broken, wrong or full is reported once, and is a miss.
public final class SharedCache: SharedStepCache {
    /// What came of it.
    public struct Summary: Sendable, Equatable {
        /// Steps whose results were found.
        public var found = 0
        /// Layers that were needed of those, and their bytes as they were sent.
        public var fetched = 0
        public var fetchedBytes: Int64 = 0
        /// Entries that were sent, rather than there already.
        public var sent = 0
    }

    /// A result on its way, and the key to keep it under.
    private struct Kept {
        let key: StepKey
        let place: Digest
    }

    private struct Found {
        let entry: CacheEntry
        let storage: any CacheStorage
    }

    private struct State {
        var found: [Digest: Found] = [:]
        /// The places that are not asked any more.
        var broken: Set<String> = []
        var warned: Set<String> = []
        var summary = Summary()
        var waiting: [Kept] = []
        var workers: [Task<Void, Never>] = []
        var working = 0
    }

    private let layers: LayerStore
    private let records: StepCache
    private let sources: [any CacheStorage]
    private let destinations: [(storage: any CacheStorage, compression: LayerCompression)]
    private let promises: LayerPromises
    private let warn: @Sendable (String) -> Void
    private let state = Mutex(State())

    /// Entries that are sent at the same time.
    private static let parallelEntries = 3
    /// How long a look-up may take, in seconds.
    private static let lookUpLimit = 10.0

    /// - Parameters:
    ///   - promises: Gets the layers that are found.
    ///   - warn: Told, once for each place, what is wrong with it.
    public init(
        from sources: [CacheLocation],
        to destinations: [CacheLocation],
        _ layers: LayerStore,
        _ connections: RegistryConnections,
        promises: LayerPromises = LayerPromises(),
        warn: @escaping @Sendable (String) -> Void
    ) {
        self.layers = layers
        records = StepCache(layers.store)
        self.sources = sources.map { $0.storage(connections) }
        self.destinations = destinations.map { ($0.storage(connections), $0.compression) }
        self.promises = promises
        self.warn = warn
    }

    public var summary: Summary { state.withLock { $0.summary } }

    public var hasSources: Bool { !sources.isEmpty }

    public func record(under key: Digest) async -> CacheRecord? {
        for storage in sources where !isBroken(storage) {
            do {
                let bytes = try await limited(SharedCache.lookUpLimit) {
                    try await storage.manifest(for: key)
                }
                guard let bytes else { continue }
                let entry = try CacheEntry(decoding: bytes, under: key)
                state.withLock { state in
                    state.found[key] = Found(entry: entry, storage: storage)
                    state.found[entry.record.key.digest] = Found(entry: entry, storage: storage)
                    state.summary.found += 1
                }
                promise(entry, under: key, at: storage)
                return entry.record
            } catch is CancellationError {
                return nil
            } catch {
                report(error, storage, isBroken: !(error is CacheEntry.Defect))
            }
        }
        return nil
    }

    private func promise(_ entry: CacheEntry, under key: Digest, at storage: any CacheStorage) {
        promises.add(entry.layer.diffID, entry.blob, at: storage.repository) { [self] in
            do {
                try await fetch(entry.layer, under: key)
            } catch let error as CancellationError {
                throw error
            } catch {
                throw UnkeptPromise(subject: "the cache `\(storage.name)`", reason: error)
            }
        }
    }

    public func fetch(_ layer: CacheRecord.LayerResult, under key: Digest) async throws {
        guard let found = state.withLock({ $0.found[key] }) else { throw ContentStoreError.missing(layer.diffID) }
        let plain = Layer(diffID: layer.diffID, tarSize: layer.tarSize)
        if layers.isAvailable(plain) { return }
        let blob = found.entry.blob
        do {
            // Concurrent fetches of the same layer wait, and then find it.
            let lock = try await layers.store.waitForLock(key: blob.digest)
            defer { withExtendedLifetime(lock) {} }
            if layers.isAvailable(plain) { return }
            // At least 50 kB a second: the work is done again where the network is slower than that.
            try await limited(30 + Double(blob.size) / 50_000) { [layers] in
                try await found.storage.fetch(blob, to: layers.store.blobs)
            }
            _ = try layers.contents(of: Layer(diffID: layer.diffID, blob: blob))
            try layers.verify(plain)
            try LayerCompressor(layers, .usual).remember(plain, as: blob)
            state.withLock { state in
                state.summary.fetched += 1
                state.summary.fetchedBytes += blob.size
            }
        } catch {
            if !(error is CancellationError) { report(error, found.storage, isBroken: false) }
            throw error
        }
    }

    public func keep(_ key: StepKey, under alias: Digest?) {
        guard !destinations.isEmpty else { return }
        state.withLock { state in
            state.waiting.append(Kept(key: key, place: alias ?? key.digest))
            guard state.working < SharedCache.parallelEntries else { return }
            state.working += 1
            state.workers.append(Task(executorPreference: BlockingExecutor.shared) { await self.work() })
        }
    }

    /// Waits until everything is sent that was kept so far; being cancelled ends that.
    public func finish() async {
        await withTaskCancellationHandler {
            for worker in state.withLock({ $0.workers }) { await worker.value }
        } onCancel: {
            cancel()
        }
    }

    /// Sends nothing more.
    public func cancel() {
        let workers = state.withLock { state in
            state.waiting = []
            return state.workers
        }
        for worker in workers { worker.cancel() }
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
        if try await storage.hasManifest(for: kept.place) { return }
        let found = state.withLock { $0.found[kept.key.digest] }
        guard let record = found?.entry.record ?? records.record(for: kept.key), let result = record.layer else {
            return
        }
        let layer = Layer(diffID: result.diffID, tarSize: result.tarSize)
        if found != nil, !layers.isAvailable(layer) {
            // What is wrong with the place that it comes from says nothing about this one.
            do { try await fetch(result, under: kept.key.digest) } catch let error as CancellationError {
                throw error
            } catch { return }
        }
        let blob = try await LayerCompressor(layers, compression).compressed(layer, in: .oci)
        let entry = CacheEntry(record, result, blob: blob)
        let bytes = try CanonicalJSON.encode(entry.manifest(under: kept.place))
        // A step with huge scripts or variables: no registry would take it.
        guard bytes.count <= cacheEntryLimit else { return }
        let manifest = RemoteManifest(
            mediaType: .imageManifest,
            bytes: bytes
        )
        try await storage.put(manifest, for: kept.place, blob, from: layers.store.blobs)
        state.withLock { $0.summary.sent += 1 }
    }

    private func isBroken(_ storage: any CacheStorage) -> Bool { state.withLock { $0.broken.contains(storage.name) } }

    /// - Parameter isBroken: Whether the place is not asked any more.
    private func report(_ error: any Error, _ storage: any CacheStorage, isBroken: Bool) {
        let isNew = state.withLock { state in
            if isBroken { state.broken.insert(storage.name) }
            return state.warned.insert(storage.name).inserted
        }
        guard isNew else { return }
        let what = error is CacheEntry.Defect ? "has \(error)" : "cannot be used: \(error)"
        warn("the cache `\(storage.name)` \(what)\(isBroken ? "; the build continues without it" : "")")
    }
}

/// Work that took longer than it was allowed to.
private struct TooSlow: Error, CustomStringConvertible {
    let seconds: Double

    var description: String { "no answer within \(Int(seconds)) s" }
}

/// Does work that is given up after some seconds.
private func limited<Result: Sendable>(_ seconds: Double, _ body: @escaping @Sendable () async throws -> Result)
    async throws -> Result
{
    try await withThrowingTaskGroup(of: Result?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Pause.wait(seconds: seconds)
            return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let result = first else { throw TooSlow(seconds: seconds) }
        return result
    }
}

extension CacheLocation {
    fileprivate func storage(_ connections: RegistryConnections) -> any CacheStorage {
        switch place {
        case .registry(let repository, let prefix):
            RegistryCacheStorage(cache: repository, prefix: prefix, connections: connections)
        case .directory(let path): DirectoryCacheStorage(directory: path)
        case .server(let address):
            HTTPCacheStorage(
                address: address,
                session: HTTPSession(NetworkExchange(.init(environment: ProcessEnvironment.variables)))
            )
        }
    }
}
