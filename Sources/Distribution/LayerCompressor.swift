internal import CCompression
internal import ContentStore
internal import FileSystem
internal import Glibc
internal import Layers
internal import OCI
internal import SystemPackage
internal import Tar
internal import Threads

/// Compresses layers of the store, each once for each way of doing it.
struct LayerCompressor {
    private let layers: LayerStore
    private let compression: LayerCompression
    /// Whether what came compressed in another way is compressed anew.
    private let isForced: Bool

    /// What is read at once for zstd, so much that all processors have several jobs.
    private static let batchSize = 8 << 20

    init(_ layers: LayerStore, _ compression: LayerCompression, isForced: Bool = false) {
        self.layers = layers
        self.compression = compression
        self.isForced = isForced
    }

    /// The blob that stands for a layer, as far as that is known without compressing it.
    func known(_ layer: Layer, in format: ImageFormat) -> Descriptor? {
        guard needsCompressing(layer) else { return descriptor(layer.blob, format) }
        guard compression != .uncompressed,
            let bytes = try? FileOperations.readRegular(recordPath(layer), limit: 1 << 10)
        else { return nil }
        let words = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        guard words.count == 4, words[0] == LayerCompressor.header, let digest = Digest(hex: words[1]),
            let size = Int64(words[2]), size > 0
        else { return nil }
        return descriptor(Descriptor(mediaType: mediaType, digest: digest, size: size), format)
    }

    /// Compresses a layer, unless the blob is there.
    ///
    /// - Parameter growing: Gets the blob while it is written; abandoned where nothing is written or that fails.
    func compressed(_ layer: Layer, in format: ImageFormat, to growing: GrowingFile? = nil) async throws -> Descriptor {
        defer { growing?.abandon() }
        let store = layers.store
        let lock = try await store.waitForLock(key: SHA256Hasher.digest(of: recordPath(layer).string))
        defer { withExtendedLifetime(lock) {} }
        if let known = known(layer, in: format), store.blobs.size(known.digest) == known.size { return known }
        let contents = try layers.contents(of: layer)
        guard compression != .uncompressed else {
            let size = store.blobs.size(layer.diffID) ?? 0
            return descriptor(Descriptor(mediaType: .layer, digest: layer.diffID, size: size), format)
        }
        // What is sent at the same time is read at once.
        let sink = try BlobSink(store.blobs, isForLater: growing == nil)
        try growing?.begin(sink.path)
        let output: any ByteSink = growing.map { GrowingSink(sink, $0) } ?? sink
        let path = FilePath("layer \(layer.diffID)")
        switch compression {
        case .gzip(let level): try GzipBlocks(level: level).compress(contents.descriptor, path: path, to: output)
        case .zstd(let level): try zstd(contents, layer, level, output)
        case .uncompressed: break
        }
        let size = sink.count
        let digest = try sink.commit()
        growing?.finish()
        let blob = Descriptor(mediaType: mediaType, digest: digest, size: size)
        try remember(layer, as: blob)
        return descriptor(blob, format)
    }

    /// Keeps in mind which blob stands for a layer, if that is compressed in this way.
    func remember(_ layer: Layer, as blob: Descriptor) throws {
        guard blob.mediaType == mediaType else { return }
        try FileOperations.writeAtomically(
            Array("\(LayerCompressor.header)\n\(blob.digest.hex)\n\(blob.size)\n".utf8),
            to: recordPath(layer),
            temporary: layers.store[.temporary]
        )
    }

    private static let header = "swiftbuild-compressed 1"

    private func recordPath(_ layer: Layer) -> FilePath {
        layers.store[.compressed].appending("\(layer.diffID.hex)-\(compression.name)")
    }

    private func needsCompressing(_ layer: Layer) -> Bool {
        if [.layer, .dockerLayer].contains(layer.blob.mediaType) { return compression != .uncompressed }
        // What came compressed stays as it came, unless it is to have another form.
        return isForced && !layer.blob.mediaType.isForeignLayer && layer.blob.mediaType.form(in: .oci) != mediaType
    }

    private var mediaType: MediaType {
        switch compression {
        case .gzip: .layerGzip
        case .zstd: .layerZstd
        case .uncompressed: .layer
        }
    }

    private func descriptor(_ blob: Descriptor, _ format: ImageFormat) -> Descriptor {
        var blob = blob
        blob.mediaType = blob.mediaType.form(in: format)
        return blob
    }

    private func zstd(_ contents: LayerContents, _ layer: Layer, _ level: Int, _ sink: any ByteSink) throws {
        guard let context = ZSTD_createCCtx() else { preconditionFailure("zstd needs memory") }
        defer { ZSTD_freeCCtx(context) }
        ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, Int32(level))
        ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)
        // With one worker or more the bytes do not depend on how many there are.
        ZSTD_CCtx_setParameter(context, ZSTD_c_nbWorkers, Int32(WorkerGroup.processorCount))
        ZSTD_CCtx_setParameter(context, ZSTD_c_jobSize, 4 << 20)
        let space = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
        defer { space.deallocate() }
        try read(contents, layer) { bytes, isLast in
            var input = ZSTD_inBuffer(src: bytes.baseAddress, size: bytes.count, pos: 0)
            while true {
                var output = ZSTD_outBuffer(dst: space.baseAddress, size: space.count, pos: 0)
                let rest = ZSTD_compressStream2(context, &output, &input, isLast ? ZSTD_e_end : ZSTD_e_continue)
                guard ZSTD_isError(rest) == 0 else { throw LayerError.damaged(layer.diffID) }
                try sink.write(UnsafeRawBufferPointer(rebasing: space[..<output.pos]))
                if isLast ? rest == 0 : input.pos == input.size { break }
            }
        }
    }

    /// Reads a layer's tar in large pieces.
    private func read(
        _ contents: LayerContents,
        _ layer: Layer,
        _ take: (UnsafeRawBufferPointer, _ isLast: Bool) throws -> Void
    ) throws {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: LayerCompressor.batchSize, alignment: 4096)
        defer { buffer.deallocate() }
        var offset: Int64 = 0
        while true {
            try Task.checkCancellation()
            let count = try FileOperations.read(
                buffer,
                from: contents.descriptor,
                at: offset,
                path: FilePath("layer \(layer.diffID)")
            )
            offset += Int64(count)
            try take(UnsafeRawBufferPointer(rebasing: buffer[..<count]), count < buffer.count)
            if count < buffer.count { return }
        }
    }
}

/// Tells who reads a blob while it is written how far it is.
private final class GrowingSink: ByteSink {
    private let sink: BlobSink
    private let file: GrowingFile

    init(_ sink: BlobSink, _ file: GrowingFile) {
        self.sink = sink
        self.file = file
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        try sink.write(bytes)
        file.grew(to: sink.count)
    }
}
