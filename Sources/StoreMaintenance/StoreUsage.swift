internal import ContentStore
internal import FileSystem
public import Images
internal import OCI
internal import SystemPackage

/// What the store takes up on the disk, by kind; together as much as du(1) says of its directory.
public struct StoreUsage: Encodable {
    public struct Row: Encodable {
        public let kind: StoreKind
        public internal(set) var count = 0
        /// Bytes on the disk.
        public internal(set) var size: Int64 = 0
        /// What `prune --all` would free of them.
        public internal(set) var reclaimable: Int64 = 0
    }

    public let rows: [Row]
    public let total: Int64
    public let reclaimable: Int64

    /// That of a store that does not exist.
    public init() {
        rows = StoreKind.allCases.map { Row(kind: $0) }
        (total, reclaimable) = (0, 0)
    }

    /// - Throws: `SystemError`.
    public init(_ images: ImageStore) throws {
        let store = images.store
        var rows = Dictionary(uniqueKeysWithValues: StoreKind.allCases.map { ($0, Row(kind: $0)) })
        func add(_ kind: StoreKind, count: Int = 0, size: Int64 = 0, reclaimable: Int64 = 0) {
            rows[kind]?.count += count
            rows[kind]?.size += size
            rows[kind]?.reclaimable += reclaimable
        }
        // Each inode counts where it is seen first.
        var usage = DiskUsage()
        func content(_ bucket: Store.Bucket) throws -> [[UInt8]] { try FileOperations.names(in: store[bucket]) }
        let listed = try images.list()
        let documents = Set(listed.flatMap { [$0.image.id.hex, $0.image.manifest.digest.hex] }.map { Array($0.utf8) })
        for name in try content(.blobs) {
            add(documents.contains(name) ? .images : .layers, size: usage.add(store[.blobs].appending(bytes: name)))
        }
        add(.images, count: listed.count)
        add(.layers, count: try content(.layers).count)
        for (kind, buckets) in [(StoreKind.images, [Store.Bucket.names, .images]), (.layers, [.layers, .compressed])] {
            for bucket in buckets {
                for name in try content(bucket) { add(kind, size: usage.add(store[bucket].appending(bytes: name))) }
            }
        }
        add(.images, size: usage.add(store.root.appending("index.json")))
        for kind in StoreKind.allCases {
            guard let bucket = kind.bucket else { continue }
            for name in try content(bucket) {
                add(kind, count: 1, size: usage.add(store[bucket].appending(bytes: name)))
            }
        }
        let whole = DiskUsage.of(store.root).total
        add(.other, size: max(0, whole - usage.total))

        var limits = PruneLimits()
        limits.removesAll = true
        for entry in try PruneSelection(limits, images).entries {
            if let kind = StoreKind.allCases.first(where: { $0.bucket == entry.bucket }) {
                add(kind, reclaimable: entry.size)
            }
        }
        for (bucket, bytes) in try images.prune(danglingImages: true, dryRun: true).reclaimed {
            let kind = StoreKind.allCases.first { $0.bucket == bucket }
            add(kind ?? (bucket == .images ? .images : .layers), reclaimable: bytes)
        }
        self.rows = StoreKind.allCases.compactMap { rows[$0] }
        total = self.rows.reduce(0) { $0 + $1.size }
        reclaimable = self.rows.reduce(0) { $0 + $1.reclaimable }
    }
}
