internal import Containers
internal import ContentStore
internal import FileSystem
public import Images
internal import Layers
internal import OCI
internal import SystemPackage

/// What images, containers, volumes and the build cache take up, as `docker system df` has it: `StoreUsage` in four rows,
/// with how many of each are in use.
public struct SystemUsage {
    public struct Row {
        /// Docker's word for it.
        public let kind: String
        public let total: Int
        /// How many of them containers use; of containers, how many run.
        public let active: Int
        /// Bytes on the disk.
        public let size: Int64
        /// What removing those not in use would free of them.
        public let reclaimable: Int64
    }

    public let rows: [Row]

    /// - Throws: `SystemError`.
    public init(_ images: ImageStore) throws {
        let store = images.store
        let sizes = Dictionary(uniqueKeysWithValues: try StoreUsage(images).rows.map { ($0.kind, $0) })
        func size(_ kind: StoreKind) -> Int64 { sizes[kind]?.size ?? 0 }
        let containers = try ContainerStore(images.layers).all()
        let listed = try images.list()
        let documents = Set(listed.flatMap { [$0.image.id, $0.image.manifest.digest] })
        func size(_ layers: some Sequence<Digest>) -> Int64 {
            var usage = DiskUsage()
            for layer in layers {
                usage.add(store.blobs.path(layer))
                usage.add(store[.layers].appending(layer.hex))
            }
            return usage.total
        }
        let layers = try images.contentInUse(dangling: true).subtracting(documents)
        let used = Set(containers.flatMap { $0.record.layers.map(\.diffID) })
        let usedImages = Set(containers.compactMap(\.record.imageID))
        let ofImages = size(layers)
        let stopped = containers.filter { !$0.state.isRunning }
        let volumes = try VolumeStore(images.layers).all()
        let usedVolumes = Set(containers.flatMap(\.record.volumes))
        let unused = volumes.filter { !usedVolumes.contains($0.name) }
        let cache: [StoreKind] = [
            .stepResults, .snapshots, .mountedLayers, .cacheMounts, .sources, .fingerprints, .builds, .logs,
        ]
        let ofCache = cache.reduce(0) { $0 + size($1) } + max(0, size(.layers) - ofImages)
        rows = [
            Row(
                kind: "Images",
                total: listed.count,
                active: listed.count { usedImages.contains($0.image.id) },
                size: size(.images) + ofImages,
                reclaimable: size(layers.subtracting(used))
            ),
            Row(
                kind: "Containers",
                total: containers.count,
                active: containers.count - stopped.count,
                size: size(.containers),
                reclaimable: stopped.reduce(0) { $0 + DiskUsage.of($1.directory).total }
            ),
            Row(
                kind: "Local Volumes",
                total: volumes.count,
                active: volumes.count - unused.count,
                size: size(.volumes),
                reclaimable: unused.reduce(0) { $0 + DiskUsage.of($1.files.removingLastComponent()).total }
            ),
            Row(
                kind: "Build Cache",
                total: sizes[.stepResults]?.count ?? 0,
                active: 0,
                size: ofCache,
                reclaimable: ofCache
            ),
        ]
    }
}
