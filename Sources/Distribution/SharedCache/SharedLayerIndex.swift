internal import BuildCache
internal import CCompression
internal import ContentStore
internal import FileSystem
internal import Layers
internal import OCI
internal import SystemPackage
internal import Tar

/// What a layer holds, as it travels beside the layer: compressed with zstd.
enum SharedLayerIndex {
    static let mediaType = MediaType(rawValue: "application/vnd.swiftbuild.layer.index.v1+zstd")
    static let artifactType = MediaType(rawValue: "application/vnd.swiftbuild.layer.index.v1")

    /// Enough for half a million paths.
    private static let limit: Int64 = 32 << 20
    private static let plainLimit = 128 << 20

    /// Whether a part of a manifest is one.
    static func isOne(_ blob: Descriptor) -> Bool { blob.mediaType == mediaType && (1...limit).contains(blob.size) }

    /// What that of a layer is found by which is no step's.
    static func key(_ diffID: Digest) -> Digest { StepKey([NamedInput("layer index", diffID.hex)]).digest }

    static func manifest(_ blob: Descriptor) -> Manifest {
        var manifest = Manifest(config: CacheEntry.emptyDescriptor, layers: [blob])
        manifest.artifactType = artifactType
        return manifest
    }

    /// What a manifest refers to, which may be anything.
    static func blob(_ manifest: [UInt8]) -> Descriptor? {
        guard let manifest = try? CanonicalJSON.decode(Manifest.self, from: manifest),
            manifest.artifactType == artifactType
        else { return nil }
        return manifest.layers.first(where: isOne)
    }

    /// Makes a blob of the index of a layer that is in the store; the same one for the same layer.
    ///
    /// - Throws: What `LayerStore.index(of:)` throws.
    static func write(_ layer: Layer, _ layers: LayerStore) throws -> Descriptor {
        let plain = try layers.exportedIndex(of: layer)
        var compressed = [UInt8](repeating: 0, count: ZSTD_compressBound(plain.count))
        let count = ZSTD_compress(&compressed, compressed.count, plain, plain.count, 3)
        guard ZSTD_isError(count) == 0 else { throw LayerError.damaged(layer.diffID) }
        compressed.removeLast(compressed.count - count)
        return Descriptor(
            mediaType: mediaType,
            digest: try layers.store.blobs.write(compressed),
            size: Int64(compressed.count)
        )
    }

    /// The index of a blob that is in the store, decompressed.
    ///
    /// - Throws: `LayerError.unreadable`, `SystemError`.
    static func read(_ blob: Descriptor, _ blobs: BlobStore) throws -> [UInt8] {
        let file = try OwnedDescriptor(regularFile: blobs.path(blob.digest))
        let name = "\(blob.digest)"
        let source = try DecompressingSource(DescriptorSource(descriptor: file.rawValue), name: name)
        var result: [UInt8] = []
        while true {
            let piece = try source.next()
            if piece.isEmpty { return result }
            guard result.count + piece.count <= plainLimit else {
                throw LayerError.unreadable(name, reason: "it is too large")
            }
            result += piece
        }
    }
}
