internal import ContentStore
internal import FileSystem
internal import Glibc
internal import OCI
public import SystemPackage

/// Writes one layer in a single pass: tar, digest and index at once.
///
/// Entries must come in ascending order of their paths and each path once, which makes the bytes depend on
/// nothing but the entries.
public final class LayerWriter {
    /// Where the content of a file comes from.
    public enum Content {
        case none
        case bytes([UInt8])
        /// `entry.size` bytes that start at `offset` of an open file; `path` is for messages.
        case file(descriptor: Int32, offset: Int64, path: FilePath)
    }

    private let layers: LayerStore
    private let sink: BlobSink
    private let tar: TarWriter
    private var entries: [LayerEntry] = []

    init(_ layers: LayerStore) throws {
        self.layers = layers
        sink = try BlobSink(layers.store.blobs)
        tar = TarWriter(sink: sink)
    }

    /// The number of entries so far.
    public var count: Int { entries.count }

    /// Adds an entry; the digest of its content is computed unless it comes with one.
    ///
    /// - Throws: `LayerError.reservedName`, `.shortContent`, `SystemError`.
    public func append(_ entry: LayerEntry, content: Content = .none) throws {
        var entry = entry
        guard !entry.path.name.starts(with: Array(".wh.".utf8)) else { throw LayerError.reservedName(entry.path) }
        if let last = entries.last { precondition(last.path < entry.path, "layer entries must be sorted by path") }
        try tar.writeHeader(entry)
        if entry.kind == .regular {
            entry.contentOffset = tar.position
            var hasher = SHA256Hasher()
            let isKnown = entry.contentDigest != nil
            switch content {
            case .none:
                break
            case .bytes(let bytes):
                if !isKnown { hasher.update(bytes) }
                try bytes.withUnsafeBytes { try tar.write($0) }
            case .file(let descriptor, let offset, let path):
                try tar.copy(descriptor: descriptor, offset: offset, size: entry.size, path: path) {
                    if !isKnown { hasher.update($0) }
                }
            }
            try tar.finishContent()
            if !isKnown { entry.contentDigest = hasher.finish() }
        }
        entries.append(entry)
    }

    /// Ends the layer and stores it with its index; nothing may be added after it.
    public func finish() throws -> Layer {
        try tar.finish()
        let size = tar.position
        let diffID = try sink.commit()
        try layers.save(LayerIndex(entries: entries, diffID: diffID, tarSize: size))
        return Layer(diffID: diffID, tarSize: size)
    }
}
