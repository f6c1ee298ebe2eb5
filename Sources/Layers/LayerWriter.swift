internal import ContentStore
internal import FileSystem
internal import Glibc
internal import OCI
public import SystemPackage
public import Tar

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
    private let background: BackgroundSink?
    private let tar: TarWriter
    private var index: LayerIndexEncoder
    private var lastPath: PathInRoot?
    /// The positions of hard links, which get their attributes at the end.
    private var hardLinks: [Int] = []

    init(_ layers: LayerStore, _ sink: BlobSink, expectedCount: Int, inBackground: Bool) {
        self.layers = layers
        index = LayerIndexEncoder(capacity: expectedCount)
        self.sink = sink
        background = inBackground ? BackgroundSink(sink) : nil
        tar = TarWriter(sink: background ?? sink)
    }

    /// The number of entries so far.
    public var count: Int { index.count }

    /// Adds an entry; the digest of its content is computed unless it comes with one.
    ///
    /// - Throws: `LayerError.reservedName`, `.shortContent`, `SystemError`.
    public func append(_ entry: LayerEntry, content: Content = .none) throws {
        var entry = entry
        try LayerWriter.check(entry)
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
        list(entry)
    }

    /// Adds members that were put together elsewhere.
    public func append(_ part: LayerPart) throws {
        let start = tar.position
        try tar.write(part.tar)
        for member in part.members {
            switch member {
            case .entry(var entry):
                try LayerWriter.check(entry)
                if let offset = entry.contentOffset { entry.contentOffset = start + offset }
                list(entry)
            case .slice(let slice, let offset):
                let last = slice.positions.upperBound - 1
                prepare(for: slice.index[slice.positions.lowerBound].path)
                index.append(slice, distance: start + offset - slice.bytes.lowerBound)
                lastPath = slice.index[last].path
            }
        }
    }

    private static func check(_ entry: LayerEntry) throws {
        guard !entry.path.name.starts(with: ".wh.".utf8) else { throw LayerError.reservedName(entry.path) }
        if entry.kind == .characterDevice, entry.deviceMajor == 0, entry.deviceMinor == 0 {
            throw LayerError.unsafeMember("\(entry.path)", reason: LayerError.whiteoutDevice)
        }
    }

    private func prepare(for path: PathInRoot) {
        if let lastPath { precondition(lastPath < path, "layer entries must be sorted by path") }
        if !(lastPath?.isSibling(of: path) ?? false) { listParents(of: path) }
    }

    private func list(_ entry: LayerEntry) {
        prepare(for: entry.path)
        if entry.kind == .hardLink { hardLinks.append(index.count) }
        index.append(entry)
        lastPath = entry.path
    }

    /// Adds the directories above an entry that were not listed; what was is above the entry before this one, or is it.
    private func listParents(of path: PathInRoot) {
        let parent = path.parent
        guard !parent.isRoot, !(lastPath?.isWithin(parent) ?? false) else { return }
        listParents(of: parent)
        var directory = LayerEntry.directory(parent)
        directory.isImplied = true
        index.append(directory)
        lastPath = parent
    }

    /// Ends the layer and stores it with its index; nothing may be added after it.
    public func finish() throws -> Layer {
        try tar.finish()
        try background?.finish()
        let size = tar.position
        let diffID = try sink.commit()
        for position in hardLinks { index.resolveHardLink(at: position) }
        try layers.save(LayerIndex(index, diffID: diffID, tarSize: size))
        return Layer(diffID: diffID, tarSize: size)
    }
}

/// Some members of a layer, put together by any thread: their blocks and what the index says of them.
public final class LayerPart {
    /// What stands in the tar, in its order, which is that of the paths.
    enum Member {
        /// Its content's offset counts from the start of the part, and is negative for one that began in a part before.
        case entry(LayerEntry)
        /// Where the slice begins, counted from the start of the part.
        case slice(LayerSlice, offset: Int64)
    }

    public let tar: TarBuffer
    private(set) var members: [Member] = []

    /// - Parameter capacity: In bytes of tar; it grows where that is not enough.
    public init(capacity: Int) {
        tar = TarBuffer(capacity: capacity)
    }

    /// Lists an entry that was appended to the tar.
    ///
    /// The offset of its content counts from the start of the part, and is negative if it began in a part before.
    public func list(_ entry: LayerEntry) { members.append(.entry(entry)) }

    /// Lists entries whose members the caller fills in at once, all bytes of them.
    public func append(_ slice: LayerSlice) -> UnsafeMutableRawBufferPointer {
        members.append(.slice(slice, offset: Int64(tar.count)))
        return tar.append(slice.bytes.count)
    }

    /// Forgets everything and keeps the memory.
    public func removeAll() {
        tar.removeAll()
        members.removeAll(keepingCapacity: true)
    }
}
