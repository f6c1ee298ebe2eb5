internal import ContentStore
internal import FileSystem
public import OCI
internal import Synchronization
public import SystemPackage
public import Tar

/// The list of what one layer holds, sorted by path, in the form in which it lies on disk.
///
/// Nothing is parsed on opening: look-ups are binary searches in the mapped file. Layout, little-endian:
/// a header of `headerSize` bytes, `count` records of `recordSize` bytes, then the bytes of paths, link targets and
/// extended attributes that the records point to.
public final class LayerIndex: Sendable {
    static let headerSize = 96
    static let recordSize = 104
    private static let magic: UInt64 = 0x3178_6469_7265_796c  // "lyeridx1"

    private enum Backing: @unchecked Sendable {
        case mapped(MappedFile)
        case bytes([UInt8])
    }

    private let backing: Backing
    public let diffID: Digest
    /// The number of entries.
    public let count: Int
    /// The bytes of all files, hard links counted once: what users call the layer's size.
    public let fileBytes: Int64
    /// The length of the uncompressed tar.
    public let tarSize: Int64
    /// The boot during which the layer was written without being synced; zero once it is known to be on disk.
    let bootID: BootID
    /// What `hides` finds out when it is first asked.
    let hiding = Mutex<[Int]?>(nil)

    /// Serialises entries, which may come in any order; of several with one path the last counts.
    public convenience init(entries: [LayerEntry], diffID: Digest, tarSize: Int64) {
        self.init(encoding: LayerIndex.normalised(entries), diffID: diffID, tarSize: tarSize, bootID: .current)
    }

    /// The same index, marked as being safely on disk.
    func markedDurable() -> LayerIndex {
        LayerIndex(encoding: (0..<count).map { self[$0] }, diffID: diffID, tarSize: tarSize, bootID: .durable)
    }

    private convenience init(encoding entries: [LayerEntry], diffID: Digest, tarSize: Int64, bootID: BootID) {
        var encoder = LayerIndexEncoder(capacity: entries.count)
        for entry in entries { encoder.append(entry) }
        self.init(encoder, diffID: diffID, tarSize: tarSize, bootID: bootID)
    }

    /// The index of entries that were appended in ascending order of their paths, parents included.
    init(_ encoder: consuming LayerIndexEncoder, diffID: Digest, tarSize: Int64, bootID: BootID = .current) {
        self.diffID = diffID
        self.tarSize = tarSize
        self.bootID = bootID
        fileBytes = encoder.fileBytes
        count = encoder.count
        backing = .bytes(encoder.finish(magic: LayerIndex.magic, diffID: diffID, tarSize: tarSize, bootID: bootID))
    }

    /// Opens an index file; `nil` when it is missing, of another format, or damaged.
    public convenience init?(path: FilePath) {
        guard let file = try? MappedFile(path), let header = Header(file.bytes) else { return nil }
        self.init(header, .mapped(file))
    }

    /// Takes the bytes of an index file for whole, with the mark and the checksum that it would have.
    package convenience init?(completing content: [UInt8]) {
        guard content.count >= LayerIndex.headerSize else { return nil }
        var bytes = content
        withUnsafeBytes(of: LayerIndex.magic.littleEndian) { bytes.replaceSubrange(0..<8, with: $0) }
        let checksum = bytes.withUnsafeBytes { LayerIndex.checksum($0) }
        withUnsafeBytes(of: checksum.littleEndian) { bytes.replaceSubrange(88..<96, with: $0) }
        self.init(reading: bytes)
    }

    /// Takes the bytes of an index file; `nil` for another format, or damaged ones.
    convenience init?(reading bytes: [UInt8]) {
        guard let header = bytes.withUnsafeBytes({ Header($0) }) else { return nil }
        self.init(header, .bytes(bytes))
    }

    /// What the first bytes of an index file say.
    private struct Header {
        let count: Int
        let fileBytes: Int64
        let tarSize: Int64
        let diffID: Digest
        let bootID: BootID

        /// `nil` for a file of another format, or a damaged one.
        init?(_ bytes: UnsafeRawBufferPointer) {
            guard bytes.count >= LayerIndex.headerSize, bytes.loadUnaligned(as: UInt64.self) == LayerIndex.magic else {
                return nil
            }
            count = Int(bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
            guard count <= (bytes.count - LayerIndex.headerSize) / LayerIndex.recordSize,
                bytes.loadUnaligned(fromByteOffset: 88, as: UInt64.self) == LayerIndex.checksum(bytes)
            else { return nil }
            fileBytes = bytes.loadUnaligned(fromByteOffset: 16, as: Int64.self)
            tarSize = bytes.loadUnaligned(fromByteOffset: 24, as: Int64.self)
            diffID = Digest(rawBytes: UnsafeRawBufferPointer(rebasing: bytes[32..<64]))
            bootID = BootID(bytes: UnsafeRawBufferPointer(rebasing: bytes[64..<80]))
        }
    }

    private init(_ header: Header, _ backing: Backing) {
        self.backing = backing
        count = header.count
        fileBytes = header.fileBytes
        tarSize = header.tarSize
        diffID = header.diffID
        bootID = header.bootID
    }

    /// When an index was written, read from its header alone; `nil` when there is no index.
    static func bootID(path: FilePath) -> BootID? {
        guard let header = try? FileOperations.readPrefix(path, count: headerSize), header.count == headerSize else {
            return nil
        }
        return header.withUnsafeBytes { bytes in
            bytes.loadUnaligned(as: UInt64.self) == magic
                ? BootID(bytes: UnsafeRawBufferPointer(rebasing: bytes[64..<80])) : nil
        }
    }

    /// The bytes to write to disk.
    func withBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        switch backing {
        case .mapped(let file): try body(file.bytes)
        case .bytes(let bytes): try bytes.withUnsafeBytes(body)
        }
    }

    /// Writes the index file.
    ///
    /// - Parameter temporary: A directory of the same filesystem.
    package func write(to path: FilePath, temporary: FilePath) throws {
        let file = try TemporaryFile(in: temporary)
        try withBytes { try FileOperations.write($0, to: file.descriptor, path: file.path) }
        try file.replace(path)
    }

    /// The entry at a position of the sorted list.
    public subscript(position: Int) -> LayerEntry {
        precondition(position >= 0 && position < count, "no such layer entry")
        return withBytes { LayerIndexEncoder.decode($0, position: position) }
    }

    /// Whether the layers below decide some of what is in this one: the attributes of directories that the tar does not
    /// list, and the content of hard links to files that it does not hold.
    public var dependsOnLayersBelow: Bool {
        withBytes { bytes in (0..<count).contains { LayerIndexEncoder.dependsOnLayersBelow(bytes, position: $0) } }
    }

    /// Sorts, drops all but the last entry of each path, adds the parents that are not listed, and gives hard links
    /// the attributes and content of their targets.
    private static func normalised(_ entries: [LayerEntry]) -> [LayerEntry] {
        var latest: [PathInRoot: Int] = [:]
        latest.reserveCapacity(entries.count)
        var result: [LayerEntry] = []
        result.reserveCapacity(entries.count)
        var isSorted = true
        for entry in entries {
            if let earlier = latest[entry.path] {
                result[earlier] = merged(result[earlier], entry)
            } else {
                if let last = result.last, !(last.path < entry.path) { isSorted = false }
                latest[entry.path] = result.count
                result.append(entry)
            }
        }
        let listed = result.count
        for position in 0..<listed {
            if result[position].kind == .hardLink { resolveHardLink(&result, position, latest) }
            var parent = result[position].path.parent
            while !parent.isRoot, latest[parent] == nil {
                latest[parent] = result.count
                var directory = LayerEntry.directory(parent)
                directory.isImplied = true
                result.append(directory)
                parent = parent.parent
            }
        }
        if !isSorted || result.count != listed { result.sort { $0.path < $1.path } }
        openWhiteouts(&result)
        return result
    }

    /// Makes directories of whiteouts that have something below them in the same layer, of which they hide nothing
    /// (layer.md, "Whiteouts": they only apply to what the layers below have).
    private static func openWhiteouts(_ entries: inout [LayerEntry]) {
        var open: [Int] = []
        for position in entries.indices {
            while let last = open.last, !entries[position].path.isWithin(entries[last].path) { open.removeLast() }
            if entries[position].kind == .whiteout {
                open.append(position)
            } else if !entries[position].isImplied {
                for whiteout in open {
                    entries[whiteout] = .directory(entries[whiteout].path)
                    entries[whiteout].isOpaque = true
                    entries[whiteout].isImplied = true
                }
                open.removeAll()
            }
        }
        // What goes with its directory need not be removed once more.
        var whiteout: PathInRoot?
        entries.removeAll { entry in
            if let whiteout, entry.path.isWithin(whiteout) { return true }
            whiteout = entry.kind == .whiteout ? entry.path : nil
            return false
        }
    }

    /// What two entries of one path amount to: the later one, but a whiteout beside a directory makes it opaque.
    private static func merged(_ earlier: LayerEntry, _ later: LayerEntry) -> LayerEntry {
        var (entry, other) = (later, earlier)
        if entry.kind == .whiteout, other.kind != .whiteout { swap(&entry, &other) }
        // An opaque marker knows nothing of the directory's attributes, whichever of the two comes first.
        if entry.isImplied, other.kind == .directory { swap(&entry, &other) }
        if entry.kind == .directory, other.kind == .whiteout || other.isOpaque { entry.isOpaque = true }
        return entry
    }

    private static func resolveHardLink(_ entries: inout [LayerEntry], _ position: Int, _ places: [PathInRoot: Int]) {
        var target = position
        // Links to links are legal in tar; the bound ends cycles.
        for _ in 0..<16 where entries[target].kind == .hardLink {
            guard let next = places[PathInRoot(entries[target].linkTarget)] else { return }
            target = next
        }
        if [.symbolicLink, .fifo, .characterDevice, .blockDevice].contains(entries[target].kind) {
            // Another one of its kind is as good: what links of these have in common, nothing can change but `chmod`.
            var copy = entries[target]
            copy.path = entries[position].path
            entries[position] = copy
        }
        guard entries[target].kind == .regular else { return }
        var link = entries[target]
        link.path = entries[position].path
        link.kind = .hardLink
        link.linkTarget = entries[target].path.bytes
        entries[position] = link
    }

    /// A quick check against torn and flipped bytes, not against an attacker: a process that may write here owns the store.
    static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
        var sum: UInt64 = 0x9E37_79B9_7F4A_7C15 ^ UInt64(bytes.count)
        var position = 0
        while position + 8 <= bytes.count {
            // The checksum's own place counts as zero.
            let word = position == 88 ? 0 : bytes.loadUnaligned(fromByteOffset: position, as: UInt64.self)
            sum = (sum ^ word) &* 0xFF51_AFD7_ED55_8CCD
            sum ^= sum >> 32
            position += 8
        }
        while position < bytes.count {
            sum = (sum ^ UInt64(bytes[position])) &* 0xFF51_AFD7_ED55_8CCD
            position += 1
        }
        return sum
    }
}
