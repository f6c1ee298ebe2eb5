internal import ContentStore
internal import FileSystem
internal import Glibc
internal import Layers
public import OCI
internal import SystemPackage

/// What `prune` removed, or would remove.
public struct PruneResult: Sendable, Hashable {
    /// The images without a name that are gone.
    public var images: [Digest] = []
    /// The number of blobs, layer indexes and temporary files that are gone.
    public var files = 0
    /// Bytes that are free again; blobs that have a further hard link outside the store free nothing.
    public var reclaimedBytes: Int64 = 0
}

extension ImageStore {
    /// Removes all content that nothing needs, alone on the store: it waits for builds that run.
    ///
    /// What is kept: the documents and layers of every image, and `keeping`. Snapshots, cache records and file
    /// fingerprints are of other parts, which drop their own.
    ///
    /// - Parameters:
    ///   - danglingImages: Whether images without a name go too.
    ///   - keeping: Digests of further blobs and diff IDs of further layers, such as results in the build cache.
    ///   - dryRun: Whether to remove nothing and only tell.
    /// - Throws: `SystemError`.
    public func prune(
        danglingImages: Bool,
        keeping: Set<Digest> = [],
        dryRun: Bool = false
    ) throws -> PruneResult {
        let lock = try store.lock(.exclusive)
        defer { withExtendedLifetime(lock) {} }
        let namesLock = try namesLock()
        defer { withExtendedLifetime(namesLock) {} }
        var pruning = Pruning(isDryRun: dryRun)
        var kept = keeping
        var named = Set(try allNames().map(\.id))
        for index in named.compactMap({ self.index($0) }) {
            kept.insert(index.descriptor.digest)
            named.formUnion(index.images.map(\.id))
            // Their records may name other manifests by now.
            for image in index.images { kept.formUnion(roots(of: image)) }
        }
        var lost = 0
        for id in try imageIDs() {
            let image = record(id)
            if image == nil || (danglingImages && !named.contains(id)) {
                if image != nil { pruning.result.images.append(id) }
                if image == nil, named.contains(id) { lost += 1 }
                try pruning.remove(recordPath(id))
            } else if let image {
                kept.formUnion(roots(of: image))
            }
        }
        pruning.result.images.sort()
        try pruneLayers(&pruning, &kept)
        for name in try FileOperations.names(in: store[.blobs]) where !isKept(name, kept) {
            try pruning.remove(child(.blobs, name))
        }
        try pruneTemporaryFiles(&pruning)
        try pruneOldFormats(&pruning)
        if lost > 0, !dryRun { try LayoutIndex(self).rebuild() }
        return pruning.result
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
                try pruning.remove(path)
                continue
            }
            // Contents of sparse files are blobs of their own.
            for position in 0..<index.count {
                let entry = index[position]
                if entry.isFile, entry.contentOffset == nil, let digest = entry.contentDigest { kept.insert(digest) }
            }
        }
    }

    private func pruneTemporaryFiles(_ pruning: inout Pruning) throws {
        for name in try FileOperations.names(in: store[.temporary]) {
            let path = child(.temporary, name)
            // Whoever works with it holds a lock on it (`TemporaryFile`, `TemporaryDirectory`): containers run for days.
            guard let kind = FileStatus.ifPresent(path)?.kind, kind == .regular || kind == .directory else {
                try pruning.remove(path)
                continue
            }
            guard let lock = try? FileLock.tryAcquire(path, .exclusive) else { continue }
            defer { withExtendedLifetime(lock) {} }
            try pruning.remove(path)
        }
    }

    /// Directories of formats that this version does not know, such as `layers-v0`.
    private func pruneOldFormats(_ pruning: inout Pruning) throws {
        let known = Set(Store.Bucket.allCases.map { Array($0.rawValue.utf8) })
        for name in try FileOperations.names(in: store.root) where !known.contains(name) {
            let parts = String(decoding: name, as: UTF8.self).split(separator: "-")
            guard parts.count == 2, parts[1].first == "v", Int(parts[1].dropFirst()) != nil,
                Store.Bucket.allCases.contains(where: { $0.rawValue.hasPrefix("\(parts[0])-v") })
            else { continue }
            try pruning.remove(store.root.appending(String(decoding: name, as: UTF8.self)))
        }
    }

    private func isKept(_ name: [UInt8], _ kept: Set<Digest>) -> Bool {
        Digest(hex: String(decoding: name, as: UTF8.self)).map(kept.contains) ?? false
    }

    private func child(_ bucket: Store.Bucket, _ name: [UInt8]) -> FilePath {
        FilePath(
            platformString: Array(store[bucket].string.utf8.map { CChar(bitPattern: $0) }) + [0x2F]
                + name.map { CChar(bitPattern: $0) } + [0]
        )
    }
}

/// Removes files, or only counts them.
private struct Pruning {
    let isDryRun: Bool
    var result = PruneResult()

    init(isDryRun: Bool) { self.isDryRun = isDryRun }

    mutating func remove(_ path: FilePath) throws {
        guard let status = FileStatus.ifPresent(path) else { return }
        result.files += 1
        if status.kind == .regular, status.linkCount == 1 {
            result.reclaimedBytes = result.reclaimedBytes.addingReportingOverflow(status.size).partialValue
        }
        if !isDryRun { try FileOperations.removeTree(path) }
    }
}
