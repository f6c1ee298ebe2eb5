public import ContentStore
internal import FileSystem
internal import Glibc
internal import OCI
internal import Synchronization
internal import SystemPackage

/// Layers on disk: their blobs, and beside each its index.
///
/// Every index can be made again from its blob, so a missing or damaged one costs time and nothing else.
public final class LayerStore: Sendable {
    public let store: Store
    private let indexes = Mutex<[Digest: LayerIndex]>([:])

    public init(_ store: Store) {
        self.store = store
    }

    private func indexPath(_ diffID: Digest) -> FilePath { store[.layers].appending(diffID.hex) }

    /// Starts a layer of our own.
    ///
    /// - Parameters:
    ///   - expectedCount: The number of entries, where it is known.
    ///   - inBackground: Whether the tar is hashed and written on a thread of its own, for whoever has as much work with
    ///     the entries.
    ///   - isForLater: Whether nobody is expected to read it soon. A base is, by the first `RUN` on it.
    ///   - progress: Told now and then how many bytes a large layer has so far, on any thread.
    public func writer(
        expectedCount: Int = 0,
        inBackground: Bool = false,
        isForLater: Bool = true,
        progress: (@Sendable (Int64) -> Void)? = nil
    ) throws -> LayerWriter {
        let sink = try BlobSink(store.blobs, isForLater: isForLater, progress: progress)
        return LayerWriter(self, sink, expectedCount: expectedCount, inBackground: inBackground)
    }

    /// Whether the layer's content is there and may be trusted, without reading it unless a power loss may have torn it.
    public func isAvailable(_ layer: Layer) -> Bool {
        guard store.blobs.size(layer.blob.digest) == layer.blob.size else { return false }
        guard let boot = LayerIndex.bootID(path: indexPath(layer.diffID)) else { return (try? index(of: layer)) != nil }
        return boot.isTrusted && isUntouched(layer) || verifyAgain(layer)
    }

    /// Whether nothing has written to the blob since its index was made.
    private func isUntouched(_ layer: Layer) -> Bool {
        guard let blob = FileStatus.ifPresent(store.blobs.path(layer.blob.digest)),
            let index = FileStatus.ifPresent(indexPath(layer.diffID))
        else { return false }
        return blob.modified <= index.modified
    }

    /// What the layer holds; made from the blob where it is not known yet.
    ///
    /// - Throws: `LayerError.missing`, `.damaged`, `.unsafeMember`, `.unreadable`, or `SystemError`.
    public func index(of layer: Layer) throws -> LayerIndex {
        if let known = indexes.withLock({ $0[layer.diffID] }) { return known }
        let index: LayerIndex
        if let stored = LayerIndex(path: indexPath(layer.diffID)), stored.diffID == layer.diffID {
            guard stored.bootID.isTrusted && isUntouched(layer) || verifyAgain(layer) else {
                throw LayerError.damaged(layer.diffID)
            }
            index = stored
        } else {
            index = try makeIndex(layer)
            try save(index)
        }
        indexes.withLock { $0[layer.diffID] = index }
        return index
    }

    func save(_ index: LayerIndex) throws {
        let path = indexPath(index.diffID)
        // An empty layer is made often, and ext4 writes a file that replaces another to the disk at once.
        if index.count > 0 || (try? FileOperations.read(path)) != index.withBytes({ Array($0) }) {
            let file = try TemporaryFile(in: store[.temporary])
            try index.withBytes { try FileOperations.write($0, to: file.descriptor, path: file.path) }
            try file.replace(path)
        }
        indexes.withLock { $0[index.diffID] = index }
    }

    /// The uncompressed tar of a layer, opened for reading.
    ///
    /// A layer that was pulled compressed is decompressed into a blob first; prune may drop it again.
    public func contents(of layer: Layer) throws -> LayerContents {
        let blobs = store.blobs
        if blobs.size(layer.diffID) == nil {
            // Whoever unpacks the layer holds the lock of its diff ID already.
            let lock = try store.lock(key: SHA256Hasher.digest(of: "contents \(layer.diffID)"))
            defer { withExtendedLifetime(lock) {} }
            if blobs.size(layer.diffID) == nil { try decompress(layer) }
        }
        return LayerContents(
            descriptor: try FileOperations.open(blobs.path(layer.diffID), O_RDONLY | O_NOFOLLOW),
            blobs: blobs,
            diffID: layer.diffID
        )
    }

    /// Reads a small file out of a layer.
    public func read(_ entry: LayerEntry, in layer: Layer, limit: Int64) throws -> [UInt8] {
        let contents = try contents(of: layer)
        let size = min(entry.size, limit)
        let (descriptor, offset) = try contents.place(of: entry)
        var bytes = [UInt8](repeating: 0, count: Int(size))
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeMutableBytes {
                pread(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done, off_t(offset) + off_t(done))
            }
            guard count > 0 else { throw LayerError.damaged(layer.diffID) }
            done += count
        }
        return bytes
    }

    private func decompress(_ layer: Layer) throws {
        let descriptor = try openBlob(layer)
        defer { close(descriptor) }
        let source = try DecompressingSource(DescriptorSource(descriptor: descriptor), name: "\(layer.blob.digest)")
        let sink = try BlobSink(store.blobs)
        while true {
            let bytes = try source.next()
            if bytes.isEmpty { break }
            try sink.write(bytes)
        }
        // Nothing tells later whether a power loss tore it, unlike the blob that it is made of.
        try sink.synchronize()
        do {
            try sink.commit(expecting: layer.diffID)
        } catch is ContentStoreError {
            throw LayerError.damaged(layer.diffID)
        }
    }

    private func openBlob(_ layer: Layer) throws -> Int32 {
        do {
            return try FileOperations.open(store.blobs.path(layer.blob.digest), O_RDONLY | O_NOFOLLOW)
        } catch  where error.errno == .noSuchFileOrDirectory {
            throw LayerError.missing(layer.diffID)
        }
    }

    /// Makes sure that the layer's blob is what its diff ID says, reading it whole, and indexes it.
    ///
    /// An index that is there already says nothing about *this* blob: an image from elsewhere may pair the diff ID of
    /// a layer that is known with a blob of other content.
    ///
    /// - Throws: `LayerError.missing`, `.damaged`, `.unsafeMember`, `.unreadable`, or `SystemError`.
    public func verify(_ layer: Layer) throws {
        guard let size = store.blobs.size(layer.blob.digest) else { throw LayerError.missing(layer.diffID) }
        guard size == layer.blob.size else { throw LayerError.damaged(layer.diffID) }
        try save(try makeIndex(layer))
    }

    /// One pass over the blob: decompress, verify the diff ID, list what is in it.
    private func makeIndex(_ layer: Layer) throws -> LayerIndex {
        let descriptor = try openBlob(layer)
        defer { close(descriptor) }
        let name = "\(layer.blob.digest)"
        let hashing = HashingSource(try DecompressingSource(DescriptorSource(descriptor: descriptor), name: name))
        let reader = try ArchiveReader(source: hashing, name: name, isDecompressed: true)
        var indexer = LayerIndexer(blobs: store.blobs)
        while let entry = try reader.next() {
            try indexer.add(entry, reader)
        }
        guard try hashing.finish() == layer.diffID else { throw LayerError.damaged(layer.diffID) }
        return LayerIndex(entries: indexer.entries, diffID: layer.diffID, tarSize: hashing.count)
    }

    private func verifyAgain(_ layer: Layer) -> Bool {
        guard store.blobs.verify(layer.blob.digest), let index = LayerIndex(path: indexPath(layer.diffID)) else {
            return false
        }
        if let descriptor = try? openBlob(layer) {
            fdatasync(descriptor)
            close(descriptor)
        }
        try? save(index.markedDurable())
        return true
    }
}

/// Turns the members of a layer's tar into index entries (layer.md: whiteouts are names, not types).
private struct LayerIndexer {
    let blobs: BlobStore
    private(set) var entries: [LayerEntry] = []

    private static let prefix = Array(".wh.".utf8)
    private static let opaqueMarker = Array(".wh..wh..opq".utf8)

    init(blobs: BlobStore) { self.blobs = blobs }

    mutating func add(_ member: LayerEntry, _ reader: ArchiveReader) throws {
        var entry = member
        let name = entry.path.name
        if name.starts(with: LayerIndexer.prefix) {
            if name.elementsEqual(LayerIndexer.opaqueMarker) {
                // Its attributes come with the directory's own member, before or after this one, or from below.
                var directory = LayerEntry.directory(entry.path.parent)
                directory.isOpaque = true
                directory.isImplied = true
                entries.append(directory)
            } else if !name.starts(with: Array(".wh..wh.".utf8)), name.count > LayerIndexer.prefix.count {
                let hidden = entry.path.parent.appending(name.dropFirst(LayerIndexer.prefix.count))
                entries.append(LayerEntry(path: hidden, kind: .whiteout, permissions: 0))
            }
            return
        }
        if entry.kind == .regular { try addContent(&entry, reader) }
        entries.append(entry)
    }

    private func addContent(_ entry: inout LayerEntry, _ reader: ArchiveReader) throws {
        var hasher = SHA256Hasher()
        // A sparse file does not lie in the tar in one piece, so its content is kept as a blob of its own.
        let own = reader.isSparse ? try BlobSink(blobs) : nil
        entry.contentOffset = try reader.readContent {
            hasher.update($0)
            try own?.write($0)
        }
        entry.contentDigest = hasher.finish()
        _ = try own?.commit()
    }
}

/// The open uncompressed tar of one layer.
public final class LayerContents: Sendable {
    /// The tar, open for reading as long as this value lives.
    public let descriptor: Int32
    private let blobs: BlobStore
    private let diffID: Digest
    /// Contents that lie outside the tar, opened when they are first asked for.
    private let others = Mutex<[Digest: Int32]>([:])

    init(descriptor: Int32, blobs: BlobStore, diffID: Digest) {
        self.descriptor = descriptor
        self.blobs = blobs
        self.diffID = diffID
    }

    deinit {
        close(descriptor)
        others.withLock { $0.values.forEach { close($0) } }
    }

    /// Where a file's content lies: an open descriptor, valid while this value lives, and the offset in it.
    public func place(of entry: LayerEntry) throws -> (descriptor: Int32, offset: Int64) {
        if let offset = entry.contentOffset { return (descriptor, offset) }
        guard let digest = entry.contentDigest else { throw LayerError.damaged(diffID) }
        let other = try others.withLock { opened in
            if let known = opened[digest] { return known }
            let descriptor = try FileOperations.open(blobs.path(digest), O_RDONLY | O_NOFOLLOW)
            opened[digest] = descriptor
            return descriptor
        }
        return (other, 0)
    }
}
