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
        return record(layer).map { descriptor($0.descriptor(mediaType), format) }
    }

    private func record(_ layer: Layer) -> CompressedRecord? {
        compression == .uncompressed ? nil : CompressedRecord(recordPath(layer))
    }

    /// The diff ID of a layer in the form in which it was sent.
    ///
    /// - Parameter blob: What was sent for it.
    /// - Throws: `LayerError.damaged` where nothing tells that any more.
    func diffID(of layer: Layer, sentAs blob: Descriptor) throws -> Digest {
        guard compression.changesLayers, blob.digest != layer.blob.digest else { return layer.diffID }
        if let record = record(layer), record.digest == blob.digest { return record.diffID ?? layer.diffID }
        guard !ChunkAnnotations.isEStargz(blob) else { throw LayerError.damaged(layer.diffID) }
        return layer.diffID
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
        let chunks = try chunked(contents, layer, path, output)
        if chunks == nil {
            switch compression {
            case .gzip(let level), .estargz(let level):
                try GzipBlocks(level: level).compress(contents.descriptor, path: path, to: output)
            case .zstd(let level), .zstdChunked(let level): try zstd(contents, layer, level, output)
            case .uncompressed: break
            }
        }
        let size = sink.count
        let digest = try sink.commit()
        growing?.finish()
        var record = CompressedRecord(digest: digest, size: size)
        if let chunks, let form = compression.chunked {
            (record.diffID, record.annotations) = (chunks.diffID, chunks.annotations)
            let table = FrameTable(blob: digest, frames: chunks.frames)
            try table.write(to: FrameTable.path(recordPath(layer)), form, temporary: store[.temporary])
        }
        try write(record, layer)
        return descriptor(record.descriptor(mediaType), format)
    }

    /// Keeps in mind which blob stands for a layer, if that is compressed in this way.
    func remember(_ layer: Layer, as blob: Descriptor) throws {
        guard blob.mediaType == mediaType else { return }
        try write(CompressedRecord(digest: blob.digest, size: blob.size), layer)
    }

    private func write(_ record: CompressedRecord, _ layer: Layer) throws {
        let path = recordPath(layer)
        try FileOperations.writeAtomically(Array(record.text.utf8), to: path, temporary: layers.store[.temporary])
    }

    private func recordPath(_ layer: Layer) -> FilePath {
        layers.store[.compressed].appending("\(layer.diffID.hex)-\(compression.name)")
    }

    private func needsCompressing(_ layer: Layer) -> Bool {
        if [.layer, .dockerLayer].contains(layer.blob.mediaType) { return compression != .uncompressed }
        // What came compressed stays as it came, unless it is to have another form.
        guard isForced, !layer.blob.mediaType.isForeignLayer else { return false }
        if compression.chunked != nil, !ChunkAnnotations.isIn(layer.blob, compression) { return true }
        return layer.blob.mediaType.form(in: .oci) != mediaType
    }

    private var mediaType: MediaType {
        switch compression {
        case .gzip, .estargz: .layerGzip
        case .zstd, .zstdChunked: .layerZstd
        case .uncompressed: .layer
        }
    }

    private func descriptor(_ blob: Descriptor, _ format: ImageFormat) -> Descriptor {
        var blob = blob
        blob.mediaType = blob.mediaType.form(in: format)
        return blob
    }

    /// Compresses the members of a layer each by itself; `nil` where that is not asked for, or tables of contents cannot say
    /// what the layer has: sparse files, or names that are not text.
    private func chunked(_ contents: LayerContents, _ layer: Layer, _ path: FilePath, _ output: any ByteSink) throws
        -> ChunkedBlob?
    {
        guard let form = compression.chunked else { return nil }
        let members: [TarMember]
        do {
            members = try TarMembers.read(contents.descriptor, path: path)
        } catch is TarMembers.Undescribable { return nil }
        let index = try layers.index(of: layer)
        var digests: [Int64: Digest] = [:]
        for position in 0..<index.count {
            let entry = index[position]
            if entry.kind == .regular, let offset = entry.contentOffset { digests[offset] = entry.contentDigest }
        }
        let blobs = layers.store.blobs
        let writer = ChunkedWriter(
            form: form,
            descriptor: contents.descriptor,
            path: path,
            members: compression.changesLayers ? members.filter { !EStargz.isOwn($0) } : members,
            digests: digests,
            earlier: EarlierFrames(FrameTable.newest(in: layers.store, compression.name, form), in: blobs)
        )
        if compression.changesLayers { return ChunkedBlob(try EStargz.write(writer, to: output)) }
        return ChunkedBlob(try ZstdChunked.write(writer, size: blobs.size(layer.diffID) ?? 0, to: output))
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
