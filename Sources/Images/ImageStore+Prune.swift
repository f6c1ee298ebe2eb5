public import ContentStore
internal import FileSystem
internal import Glibc
internal import Layers
public import OCI
internal import SystemPackage
internal import Tar

/// What `prune` removed, or would remove.
public struct PruneResult: Sendable, Hashable {
    /// The images without a name that are gone.
    public var images: [Digest] = []
    /// The number of blobs, layer indexes and temporary files that are gone.
    public var files = 0
    /// Bytes on the disk that are free again, by kind; blobs that have a further hard link outside the store free
    /// nothing, and documents of images count as images.
    public var reclaimed: [Store.Bucket: Int64] = [:]
    /// All of them.
    public var reclaimedBytes: Int64 { reclaimed.values.reduce(0, +) }
}

extension ImageStore {
    /// Removes all content that nothing needs, alone on the store: it waits for builds that run, unless it only tells.
    ///
    /// What is kept: the documents and layers of every image, and `keeping`. Snapshots, cache records and file
    /// fingerprints are of other parts, which drop their own.
    ///
    /// - Parameters:
    ///   - danglingImages: Whether images without a name go too.
    ///   - time: If it is given, only those of them that were stored before, in nanoseconds since 1970.
    ///   - keeping: Digests of further blobs and diff IDs of further layers, such as results in the build cache.
    ///   - dryRun: Whether to remove nothing and only tell.
    ///   - isSelected: Which of the images without a name go.
    /// - Throws: `SystemError`.
    public func prune(
        danglingImages: Bool,
        before time: Int64 = .max,
        keeping: Set<Digest> = [],
        dryRun: Bool = false,
        where isSelected: (StoredImage) -> Bool = { _ in true }
    ) throws -> PruneResult {
        let lock = try store.lock(dryRun ? .shared : .exclusive)
        defer { withExtendedLifetime(lock) {} }
        let namesLock = dryRun ? nil : try namesLock()
        defer { withExtendedLifetime(namesLock) {} }
        var pruning = Pruning(isDryRun: dryRun)
        var kept = keeping
        let named = try namedContent(&kept)
        var documents: Set<Digest> = []
        var lost = 0
        for id in try imageIDs() {
            let image = record(id)
            let isDangling = danglingImages && !named.contains(id) && isStored(id, before: time)
            if image.map({ isDangling && isSelected($0) }) ?? true {
                if let image {
                    pruning.result.images.append(id)
                    documents.formUnion([image.id, image.manifest.digest])
                }
                if image == nil, named.contains(id) { lost += 1 }
                if !dryRun, image != nil { note("delete", id) }
                try pruning.remove(recordPath(id), .images)
            } else if let image {
                kept.formUnion(roots(of: image))
            }
        }
        pruning.result.images.sort()
        try pruneLayers(&pruning, &kept)
        for name in try FileOperations.names(in: store[.blobs]) where !isKept(name, kept) {
            try pruning.remove(child(.blobs, name), isKept(name, documents) ? .images : .blobs)
        }
        try pruneTemporaryFiles(&pruning)
        try pruneOldFormats(&pruning)
        if lost > 0, !dryRun { try LayoutIndex(self).rebuild() }
        return pruning.result
    }

    private func isStored(_ id: Digest, before time: Int64) -> Bool {
        FileStatus.ifPresent(recordPath(id)).map { $0.modified < time } ?? true
    }

    /// Everything that images need: their documents, and the layers as they are and as they were sent.
    ///
    /// - Parameter dangling: Whether images without a name count.
    public func contentInUse(dangling: Bool) throws -> Set<Digest> {
        var result: Set<Digest> = []
        let named = try namedContent(&result)
        for image in try imageIDs().filter({ dangling || named.contains($0) }).compactMap({ record($0) }) {
            result.formUnion(roots(of: image))
        }
        return result
    }

    /// The IDs of all images that have a name, or are of an index that has one.
    ///
    /// - Parameter kept: Gets what those indexes need.
    private func namedContent(_ kept: inout Set<Digest>) throws -> Set<Digest> {
        let names = try allNames()
        // The index that a name with a digest was pulled by tells that the image has it.
        kept.formUnion(names.compactMap(\.name.reference.digest))
        var named = Set(names.map(\.id))
        for index in named.compactMap({ self.index($0) }) {
            kept.insert(index.descriptor.digest)
            named.formUnion(index.images.map(\.id))
            // Their records may name other manifests by now.
            for image in index.images { kept.formUnion(roots(of: image)) }
        }
        return named
    }

    /// Everything an image needs; of one whose documents are damaged, what can be known.
    private func roots(of image: StoredImage) -> Set<Digest> {
        var result: Set<Digest> = [image.id, image.manifest.digest]
        if let manifest = try? ManifestDocument.manifest(
            store.blobs.read(image.manifest.digest),
            mediaType: image.manifest.mediaType
        ) {
            result.formUnion(manifest.layers.map(\.digest))
        }
        if let configuration = try? configuration(of: image) { result.formUnion(configuration.rootfs.diffIDs) }
        return result
    }

    private func pruneLayers(_ pruning: inout Pruning, _ kept: inout Set<Digest>) throws {
        for name in try FileOperations.names(in: store[.layers]) {
            let path = child(.layers, name)
            guard isKept(name, kept), let index = LayerIndex(path: path) else {
                try pruning.remove(path, .layers)
                continue
            }
            // Contents of sparse files are blobs of their own.
            for position in 0..<index.count {
                let entry = index[position]
                if entry.isFile, entry.contentOffset == nil, let digest = entry.contentDigest { kept.insert(digest) }
            }
        }
        // Those of layers on certain others have no layer's name, and are made again too.
        for name in try FileOperations.names(in: store[.erofs]) where !isKept(name, kept) {
            try pruning.remove(child(.erofs, name), .erofs)
        }
        // `DIFFID-FORM`, and where their chunks are.
        for name in try FileOperations.names(in: store[.compressed])
        where !isKept(Array(name.prefix { $0 != UInt8(ascii: "-") }), kept) {
            try pruning.remove(child(.compressed, name), .layers)
        }
        for name in try FileOperations.names(in: store[.claims]) where !isKept(name, kept) {
            try pruning.remove(child(.claims, name), .layers)
        }
    }

    private func pruneTemporaryFiles(_ pruning: inout Pruning) throws {
        for name in try FileOperations.names(in: store[.temporary]) {
            let path = child(.temporary, name)
            // Its user holds a lock on it (`TemporaryFile`, `TemporaryDirectory`): containers run for days.
            guard let kind = FileStatus.ifPresent(path)?.kind, kind == .regular || kind == .directory else {
                try pruning.remove(path, .temporary)
                continue
            }
            guard let lock = try? FileLock.tryAcquire(path, .exclusive) else { continue }
            defer { withExtendedLifetime(lock) {} }
            // A cache that a killed build has borrowed.
            if !pruning.isDryRun, (try? DisplacedFiles.restore(in: path)) == nil { continue }
            try pruning.remove(path, .temporary)
        }
    }

    /// Directories of formats that this version does not know, such as `layers-v0`, and `failed-v2`: what failed steps left
    /// is in containers now.
    private func pruneOldFormats(_ pruning: inout Pruning) throws {
        let known = Set(Store.Bucket.allCases.map { Array($0.rawValue.utf8) })
        for name in try FileOperations.names(in: store.root) where !known.contains(name) {
            let parts = String(decoding: name, as: UTF8.self).split(separator: "-")
            guard parts.count == 2, parts[1].first == "v", Int(parts[1].dropFirst()) != nil,
                parts[0] == "failed"
                    || Store.Bucket.allCases.contains(where: { $0.rawValue.hasPrefix("\(parts[0])-v") })
            else { continue }
            try pruning.remove(store.root.appending(String(decoding: name, as: UTF8.self)), .temporary)
        }
    }

    private func isKept(_ name: [UInt8], _ kept: Set<Digest>) -> Bool {
        Digest(hex: String(decoding: name, as: UTF8.self)).map(kept.contains) ?? false
    }

    private func child(_ bucket: Store.Bucket, _ name: [UInt8]) -> FilePath { store[bucket].appending(bytes: name) }
}

/// Removes files, or only counts them.
private struct Pruning {
    let isDryRun: Bool
    var result = PruneResult()

    init(isDryRun: Bool) { self.isDryRun = isDryRun }

    mutating func remove(_ path: FilePath, _ kind: Store.Bucket) throws {
        guard FileStatus.ifPresent(path) != nil else { return }
        result.files += 1
        result.reclaimed[kind, default: 0] += DiskUsage.of(path).freed
        if !isDryRun { try FileOperations.removeTree(path) }
    }
}
