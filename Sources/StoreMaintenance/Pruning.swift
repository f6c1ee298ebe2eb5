internal import ContainerNetworks
internal import Containers
internal import ContentStore
internal import FileSystem
public import Images
internal import Layers
public import OCI

/// What `prune` removed from a store, or would remove.
public struct Pruning {
    /// What went by itself, by kind.
    public let removals: [(kind: StoreKind, count: Int, bytes: Int64)]
    /// The IDs of images.
    public let images: [Digest]
    /// All bytes.
    public let freed: Int64

    /// Removes what the limits do not leave; waits for builds that run.
    ///
    /// - Throws: `ImageError`, `SystemError`.
    public init(_ limits: PruneLimits, in images: ImageStore, isDryRun: Bool) throws {
        let selection = try PruneSelection(limits.acceptsLabels == nil ? limits : PruneLimits(), images)
        removals = try Pruning.remove(limits.acceptsLabels == nil ? selection.entries : [], images, isDryRun)
        // One that was started meanwhile is still there.
        let containers = try ContainerStore(images.layers).layersInUse(except: isDryRun ? selection.containers : [])
        // Builds that begin meanwhile do not find what was removed, which are misses.
        let result = try images.prune(
            danglingImages: true,
            before: limits.usedBefore ?? .max,
            keeping: selection.keptLayers.union(containers.map(\.diffID)),
            dryRun: isDryRun
        ) { image in
            limits.acceptsLabels?(images.labels(of: image)) ?? true
        }
        self.images = result.images
        let ofCache = removals.reduce(0) { $0 + $1.bytes }
        freed = result.reclaimedBytes + ofCache
        guard !isDryRun else { return }
        EventLog(images.store).addPrune(.image, freed: result.reclaimedBytes)
        if limits.acceptsLabels == nil { EventLog(images.store).addPrune(.builder, freed: ofCache) }
    }

    private static func remove(_ entries: [StoreEntry], _ images: ImageStore, _ isDryRun: Bool) throws
        -> [(kind: StoreKind, count: Int, bytes: Int64)]
    {
        let (store, containers) = (images.store, ContainerStore(images.layers))
        let lock = try store.lock(isDryRun ? .shared : .exclusive)
        defer { withExtendedLifetime(lock) {} }
        var counts: [Store.Bucket: (count: Int, bytes: Int64)] = [:]
        for entry in entries where try isDryRun || entry.remove(from: store, containers) {
            let known = counts[entry.bucket] ?? (0, 0)
            counts[entry.bucket] = (known.count + 1, known.bytes + entry.size)
        }
        return StoreKind.allCases.compactMap { kind in
            kind.bucket.flatMap { counts[$0] }.map { (kind, $0.count, $0.bytes) }
        }
    }
}

extension StoreEntry {
    /// - Returns: Whether it was removed; what is in use stays.
    fileprivate func remove(from store: Store, _ containers: ContainerStore) throws -> Bool {
        guard bucket == .containers else { return try store.remove(self) }
        guard let container = try? containers.find(String(decoding: name, as: UTF8.self)) else { return false }
        return (try? containers.remove(container)) != nil
    }
}
