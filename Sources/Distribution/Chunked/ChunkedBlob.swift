internal import OCI

/// What goes with a layer's blob that has a table of contents.
struct ChunkedBlob {
    /// Where the tar is another one than the layer's.
    var diffID: Digest?
    var annotations: [String: String]
    var frames: [FrameTable.Frame]

    init(_ written: EStargz.Written) {
        diffID = written.diffID
        frames = written.frames
        annotations = [
            ChunkAnnotations.estargzTable: "\(written.tableDigest)",
            ChunkAnnotations.estargzSize: String(written.size),
        ]
    }

    init(_ written: ZstdChunked.Written) {
        let (table, split) = (written.table, written.tarSplit)
        frames = written.frames
        annotations = [
            ChunkAnnotations.zstdTable: "\(table.offset):\(table.count):\(table.size):1",
            ChunkAnnotations.zstdTableDigest: "\(written.tableDigest)",
            ChunkAnnotations.zstdTarSplit: "\(split.offset):\(split.count):\(split.size)",
        ]
    }
}

/// The annotations of a layer's descriptor by which readers find its table of contents, and believe it.
enum ChunkAnnotations {
    static let estargzTable = "containerd.io/snapshot/stargz/toc.digest"
    static let estargzSize = "io.containers.estargz.uncompressed-size"
    static let zstdTable = "io.github.containers.zstd-chunked.manifest-position"
    static let zstdTableDigest = "io.github.containers.zstd-chunked.manifest-checksum"
    static let zstdTarSplit = "io.github.containers.zstd-chunked.tarsplit-position"

    private static let all: Set = [estargzTable, estargzSize, zstdTable, zstdTableDigest, zstdTarSplit]

    static func isEStargz(_ blob: Descriptor) -> Bool { blob.annotations?[estargzTable] != nil }

    /// Whether a blob says that it has the table of contents of a form.
    static func isIn(_ blob: Descriptor, _ compression: LayerCompression) -> Bool {
        blob.annotations?[compression.changesLayers ? estargzTable : zstdTableDigest] != nil
    }

    /// Those of these that a blob has.
    static func of(_ blob: Descriptor) -> [String: String]? {
        let found = blob.annotations?.filter { all.contains($0.key) } ?? [:]
        return found.isEmpty ? nil : found
    }
}
