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
        /// Directories of cache mounts that were brought, and their bytes as they were sent.
        public var restoredMounts = 0
        public var restoredBytes: Int64 = 0
        /// Directories that were kept, and the bytes of those of their layers that were new.
        public var keptMounts = 0
        public var keptBytes: Int64 = 0
    }

    /// Something on its way.
    enum Kept {
        /// A result, and the key to keep it under.
        case step(StepKey, place: Digest)
        /// What a layer holds that is no step's.
        case index(Layer)

        var place: Digest {
            switch self {
            case .step(_, let place): place
            case .index(let layer): SharedLayerIndex.key(layer.diffID)
            }
        }
    }

    struct Found {
        let entry: CacheEntry
        let storage: any CacheStorage
    }

    struct State {
        var found: [Digest: Found] = [:]
        /// The manifests that are known to be in a place, by its identity and by their keys.
        var present: [String: [Digest: [UInt8]]] = [:]
        /// What builds like this one are known by, the nearest first.
        var definitions: [Digest] = []
        /// What they have kept, by the identity of the place.
        var listings: [String: Task<CacheListing?, any Error>] = [:]
        /// The keys of entries whose layers could not be had.
        var lost: Set<Digest> = []
        /// The places that are not asked any more.
        var broken: Set<String> = []
        var warned: Set<String> = []
        var summary = Summary()
        var waiting: [Kept] = []
        var workers: [Task<Void, Never>] = []
        var working = 0
        /// All keys that were kept in this build.
        var kept: Set<Digest> = []
        /// The keys of entries that were replaced since they were wrong.
        var mended: Set<Digest> = []
        /// What this build makes and others wait for, by the keys of the results.
        var claims: [Digest: HeldClaim] = [:]
        var releases: [Task<Void, Never>] = []
        /// When there was nothing under keys.
        var missed: [Digest: ContinuousClock.Instant] = [:]
        /// What says what the bases are.
        var documents: Set<Digest> = []
        /// What the build says of itself, once it has succeeded.
        var build: [UInt8]?
    }

    let layers: LayerStore
    let records: StepCache
    let sources: [any CacheStorage]
    let destinations: [(storage: any CacheStorage, compression: LayerCompression)]
    /// Where directories of cache mounts are found and kept.
    let mountSources: [MountPlace]
    let mountDestinations: [MountPlace]
    private let promises: LayerPromises
    let believesIndexes: Bool
    private let warn: @Sendable (String) -> Void
    let state = Mutex(State())

    /// How long a look-up may take, in seconds, that a step waits for.
    private static let lookUpLimit = 10.0
    /// The same in the background.
    private static let sendingLimit = 120.0

    /// - Parameter storage: Where nothing is looked up for steps if it is not one of the sources.
    func limit(_ storage: any CacheStorage) -> Double {
        sources.contains { $0.identity == storage.identity } ? SharedCache.lookUpLimit : SharedCache.sendingLimit
    }

    /// - Parameters:
    ///   - promises: Gets the layers that are found.
    ///   - believesIndexes: Whether what others say of layers that are elsewhere decides where files go.
    ///   - warn: Told, once for each place, what is wrong with it.
    public init(
        from sources: [CacheLocation],
        to destinations: [CacheLocation],
        _ layers: LayerStore,
        _ connections: RegistryConnections,
        promises: LayerPromises = LayerPromises(),
        believesIndexes: Bool = true,
        warn: @escaping @Sendable (String) -> Void
    ) {
        self.layers = layers
        records = StepCache(layers.store)
        let origins = sources.map { ($0.storage(connections), $0.mounts) }
        // One that is named again, with another scope of its mounts, is not asked twice.
        self.sources = origins.enumerated().filter { position, origin in
            !origins[..<position].contains { $0.0.identity == origin.0.identity }
        }.map(\.element.0)
        let targets = destinations.map { ($0.storage(connections), $0.compression, $0.mounts) }
        self.destinations = targets.map { ($0.0, $0.1) }
        mountSources = origins.compactMap { storage, mounts in mounts.map { MountPlace(storage, $0) } }
        mountDestinations = targets.compactMap { storage, _, mounts in mounts.map { MountPlace(storage, $0) } }
        self.promises = promises
        self.believesIndexes = believesIndexes
        self.warn = warn
    }

    public var summary: Summary { state.withLock { $0.summary } }

    public var hasSources: Bool { !sources.isEmpty }

    public func begin(_ definitions: [Digest]) {
        state.withLock { $0.definitions = definitions }
        for storage in sources { _ = askForListing(of: storage) }
    }

    /// Waits for the documents of bases that builds like this one have kept; `nil` where there is nobody to ask.
    public var bringDocuments: (@Sendable () async -> Void)? {
        guard hasSources else { return nil }
        return { [self] in for storage in sources { _ = await listing(of: storage) } }
    }

    public func latestBuild() async -> [UInt8]? {
        var latest: [UInt8]?
        for storage in sources {
            let listing = await listing(of: storage)
            latest = latest ?? listing?.build
        }
        return latest
    }

    public func listedInputs(of key: Digest) -> [NamedInput]? {
        let known = state.withLock { state in sources.compactMap { state.present[$0.identity]?[key] } }
        return known.lazy.compactMap { try? CacheEntry(decoding: $0, under: key) }.first?.record.key.inputs
    }

    /// What builds like this one have kept in a place, which is asked once.
    func listing(of storage: any CacheStorage) async -> CacheListing? {
        let task = askForListing(of: storage)
        let result = await withTaskCancellationHandler {
            await task.result
        } onCancel: {
            task.cancel()
        }
        do {
            return try result.get()
        } catch {
            if !(error is CancellationError) { report(error, storage, isBroken: true) }
            return nil
        }
    }

    private func askForListing(of storage: any CacheStorage) -> Task<CacheListing?, any Error> {
        state.withLock { state in
            if let known = state.listings[storage.identity] { return known }
            let definitions = state.definitions
            let task = Task(executorPreference: BlockingExecutor.shared) {
                try await self.findListing(in: storage, definitions)
            }
            state.listings[storage.identity] = task
            return task
        }
    }

    private func findListing(in storage: any CacheStorage, _ definitions: [Digest]) async throws -> CacheListing? {
        for definition in definitions {
            let bytes = try await limited(limit(storage)) { try await storage.manifest(for: definition) }
            guard let listing = bytes.flatMap({ CacheListing(decoding: $0, under: definition) }) else { continue }
            for document in listing.documents.values { try layers.store.blobs.write(document) }
            state.withLock { state in
                state.present[storage.identity, default: [:]].merge(listing.manifests) { known, _ in known }
            }
            return listing
        }
        return nil
    }

    /// What is under a key in a place; asked where it is not known.
    func manifest(_ key: Digest, in storage: any CacheStorage) async throws -> [UInt8]? {
        if let known = state.withLock({ $0.present[storage.identity]?[key] }) { return known }
        let time = ContinuousClock.now
        var bytes = try await limited(limit(storage)) { try await storage.manifest(for: key) }
        if let claim = bytes, WorkClaim(decoding: claim) != nil {
            bytes = nil
        } else if bytes == nil, destinations.contains(where: { $0.storage.identity == storage.identity }) {
            state.withLock { $0.missed[key] = time }
        }
        if let bytes { state.withLock { $0.present[storage.identity, default: [:]][key] = bytes } }
        return bytes
    }

    public func record(under key: Digest) async -> CacheRecord? {
        for storage in sources { _ = await listing(of: storage) }
        let known = state.withLock { state in sources.filter { state.present[$0.identity]?[key] != nil } }
        let others = sources.filter { source in !known.contains { $0.identity == source.identity } }
        for storage in known + others where !isBroken(storage) && !layers.isRefuted(key) {
            do {
                guard let bytes = try await manifest(key, in: storage) else { continue }
                let entry = try CacheEntry(decoding: bytes, under: key)
                guard !layers.isRefuted(entry.record.key.digest) else { continue }
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
        let plain = Layer(diffID: layer.diffID, tarSize: layer.tarSize)
        if layers.isAvailable(plain) { return }
        guard let found = state.withLock({ $0.found[key] }) else { throw ContentStoreError.missing(layer.diffID) }
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
            try layers.checkClaims()
            state.withLock { state in
                state.summary.fetched += 1
                state.summary.fetchedBytes += blob.size
            }
        } catch {
            if !(error is CancellationError) {
                report(error, found.storage, isBroken: false)
                // It is sent again once it is made.
                let (place, own) = (found.storage.identity, found.entry.record.key.digest)
                state.withLock { state in
                    state.lost.insert(own)
                    for key in [key, own] {
                        state.present[place]?[key] = nil
                        state.found[key] = nil
                    }
                }
            }
            throw error
        }
    }

    func isBroken(_ storage: any CacheStorage) -> Bool { state.withLock { $0.broken.contains(storage.name) } }

    /// - Parameter isBroken: Whether the place is not asked any more.
    func report(_ error: any Error, _ storage: any CacheStorage, isBroken: Bool) {
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
func limited<Result: Sendable>(_ seconds: Double, _ body: @escaping @Sendable () async throws -> Result)
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
        case .bucket(let bucket):
            HTTPCacheStorage(
                address: bucket.address,
                signature: bucket.signature(ProcessEnvironment.variables),
                session: HTTPSession(NetworkExchange(.init(environment: ProcessEnvironment.variables)))
            )
        }
    }
}
