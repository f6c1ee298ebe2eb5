internal import BuildCache
internal import BuildRecords
internal import ContainerNetworks
internal import Containers
internal import ContentStore
internal import FileSystem
internal import Formatting
internal import Images
internal import Layers
internal import OCI
public import Reporting
internal import SystemPackage

/// What `prune` is asked to leave.
public struct PruneLimits: Sendable {
    /// Whether everything goes that can be made again.
    public var removesAll = false
    /// What was used since stays, in nanoseconds since 1970.
    public var usedBefore: Int64?
    /// So many bytes of the store may stay.
    public var storage: Int64?
    /// So many bytes of its filesystem should be free.
    public var free: Int64?
    /// Only images with such labels go, and nothing that has none; `nil` for all.
    public var acceptsLabels: (@Sendable ([String: String]) -> Bool)?

    public init() {}

    /// Whether what can be made again goes only as far as a limit asks for it.
    fileprivate var isBudget: Bool { storage != nil || free != nil }
    fileprivate var concernsCache: Bool { removesAll || usedBefore != nil || isBudget }

    /// The time so long ago, in nanoseconds since 1970; days (`7d`) are understood too.
    ///
    /// - Throws: `UserError` of the option, with the status for wrong use.
    public static func time(ago text: String, _ option: String) throws(UserError) -> Int64 {
        guard let age = GoDuration.age(text) else {
            throw UserError(
                "\(option): invalid duration `\(text)`: expected, for example, 24h or 7d",
                status: .usage
            )
        }
        return WallClock.now - age
    }
}

/// What of the store goes by itself: results of steps, unpacked layers, caches, and records.
struct PruneSelection {
    let entries: [StoreEntry]
    /// The containers among them, which failed steps have left.
    let containers: Set<ContainerID>
    /// The diff IDs of the layers of results that stay.
    let keptLayers: Set<Digest>

    /// A result of a step that is whole.
    private struct Result {
        let entry: StoreEntry
        let layer: Digest?
    }

    /// - Throws: `SystemError`.
    init(_ limits: PruneLimits, _ images: ImageStore) throws {
        let store = images.store
        let (cache, records) = (StepCache(store), BuildRecordStore(store))
        var (chosen, results): ([StoreEntry], [Result]) = ([], [])
        let lastUses = limits.concernsCache ? records.lastUses : [:]
        for entry in try store.entries(of: .cache) {
            // A missing layer is a miss, and so is a damaged record.
            guard let key = Digest(hex: String(decoding: entry.name, as: UTF8.self)),
                let record = cache.record(ofKey: key),
                record.layer.map({ store.blobs.size($0.diffID) != nil }) ?? true
            else {
                chosen.append(entry)
                continue
            }
            var entry = entry
            entry.lastUsed = max(entry.lastUsed, lastUses[key] ?? 0)
            results.append(Result(entry: entry, layer: record.layer?.diffID))
        }
        var forgotten: Set<[UInt8]> = []
        for entry in try store.entries(of: .builds) {
            let id = BuildRecord.ID(parsing: String(decoding: entry.name, as: UTF8.self))
            let isDamaged = id.flatMap { records.record($0) } == nil
            let isOld = limits.usedBefore.map { (id?.nanoseconds ?? 0) < $0 } ?? limits.removesAll
            // They take up next to nothing, and tell why.
            if isDamaged || (isOld && !limits.isBudget) {
                chosen.append(entry)
                forgotten.insert(entry.name)
            }
        }
        let remembered = Set(try FileOperations.names(in: store[.builds])).subtracting(forgotten)
        // What a running build writes has no record yet.
        let today = try PruneLimits.time(ago: "24h", "")
        chosen += try store.entries(of: .logs).filter { entry in
            !remembered.contains(entry.name)
                && (limits.removesAll || forgotten.contains(entry.name) || entry.lastUsed < today)
        }
        let failed = try PruneSelection.failedSteps(limits, images)
        chosen += failed
        containers = Set(failed.compactMap { ContainerID(String(decoding: $0.name, as: UTF8.self)) })
        if limits.concernsCache {
            let others = try [.snapshots, .mounts, .sources, .fingerprints].flatMap { try store.entries(of: $0) }
            let candidates = (results.map { $0 } + others.map { Result(entry: $0, layer: nil) })
                .filter { result in limits.usedBefore.map { result.entry.lastUsed < $0 } ?? true }
                .sorted { ($0.entry.lastUsed, $1.entry.path.string) < ($1.entry.lastUsed, $0.entry.path.string) }
            let dropped =
                limits.isBudget
                ? try PruneSelection.leastRecentlyUsed(candidates, of: results, limits, chosen, containers, images)
                : candidates
            chosen += dropped.map(\.entry)
        }
        let gone = Set(chosen.map(\.path))
        entries = chosen
        keptLayers = Set(results.lazy.filter { !gone.contains($0.entry.path) }.compactMap(\.layer))
    }

    /// The containers that failed steps have left and that do not run.
    private static func failedSteps(_ limits: PruneLimits, _ images: ImageStore) throws -> [StoreEntry] {
        let failed = try ContainerStore(images.layers).failedSteps().filter { !$0.state.isRunning }
        guard !failed.isEmpty else { return [] }
        let names = Set(failed.map { Array("\($0.id)".utf8) })
        return try images.store.entries(of: .containers).filter { entry in
            names.contains(entry.name) && limits.usedBefore.map { entry.lastUsed < $0 } ?? true
        }
    }

    /// As many of the candidates, first ones first, as have to go for the budgets.
    private static func leastRecentlyUsed(
        _ candidates: [Result],
        of results: [Result],
        _ limits: PruneLimits,
        _ chosen: [StoreEntry],
        _ containers: Set<ContainerID>,
        _ images: ImageStore
    ) throws -> [Result] {
        let store = images.store
        // What goes in any case.
        var freed = chosen.reduce(0) { $0 + $1.size }
        freed += try images.prune(
            danglingImages: true,
            before: limits.usedBefore ?? .max,
            keeping: Set(results.compactMap(\.layer)).union(
                try ContainerStore(images.layers).layersInUse(except: containers).map(\.diffID)
            ),
            dryRun: true
        ).reclaimedBytes
        let storage = limits.storage.map { DiskUsage.of(store.root).total - $0 } ?? 0
        let excess = max(storage, try limits.free.map { $0 - (try DiskUsage.free(at: store.root)) } ?? 0)
        let inUse = try images.contentInUse(dangling: limits.usedBefore != nil)
        var users: [Digest: Int] = [:]
        for layer in results.compactMap(\.layer) { users[layer, default: 0] += 1 }
        var dropped: [Result] = []
        for candidate in candidates {
            guard freed < excess else { break }
            dropped.append(candidate)
            freed += candidate.entry.size
            guard let layer = candidate.layer, let count = users[layer] else { continue }
            users[layer] = count - 1
            guard count == 1, !inUse.contains(layer) else { continue }
            freed += DiskUsage.of(store.blobs.path(layer)).freed
            freed += DiskUsage.of(store[.layers].appending(layer.hex)).freed
        }
        return dropped
    }
}
