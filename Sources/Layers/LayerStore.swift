public import ContentStore
internal import FileSystem
internal import Glibc
internal import OCI
internal import Synchronization
internal import SystemPackage
public import Tar

/// Layers on disk: their blobs, and beside each its index.
///
/// Every index can be made again from its blob, so a missing or damaged one costs time and nothing else.
public final class LayerStore: Sendable {
    public let store: Store
    private let indexes = Mutex<[Digest: LayerIndex]>([:])
    let claims = Mutex(Claims())

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
    ///   - isForLater: Whether it is unlikely to be read soon. A base is likely to be, by the first `RUN` on it.
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
            guard store.blobs.size(layer.blob.digest) != nil else { throw LayerError.missing(layer.diffID) }
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

    /// What a layer holds, as far as that is known, whether or not the layer itself is here: by itself, or by what others say.
    public func knownIndex(of layer: Layer) -> LayerIndex? {
        provenIndex(of: layer.diffID) ?? claims.withLock { $0.indexes[layer.diffID] }
    }

    /// The index of a layer that was here once.
    func provenIndex(of diffID: Digest) -> LayerIndex? {
        if let known = indexes.withLock({ $0[diffID] }) { return known }
        return LayerIndex(path: indexPath(diffID)).flatMap { $0.diffID == diffID ? $0 : nil }
    }

    func save(_ index: LayerIndex) throws {
        let path = indexPath(index.diffID)
        // An empty layer is made often, and ext4 writes a file that replaces another to the disk at once.
        if index.count > 0 || (try? FileOperations.readRegular(path)) != index.withBytes({ Array($0) }) {
            try index.write(to: path, temporary: store[.temporary])
        }
        indexes.withLock { $0[index.diffID] = index }
        settleClaims(index)
    }

    /// The uncompressed tar of a layer, opened for reading.
    ///
    /// A layer that was pulled compressed is decompressed into a blob first; prune may drop it again.
    public func contents(of layer: Layer) throws -> LayerContents {
        let blobs = store.blobs
        if blobs.size(layer.diffID) == nil {
            // The process that unpacks the layer holds the lock of its diff ID already.
            let lock = try store.lock(key: SHA256Hasher.digest(of: "contents \(layer.diffID)"))
            defer { withExtendedLifetime(lock) {} }
            if blobs.size(layer.diffID) == nil { try decompress(layer) }
        }
        return LayerContents(
            try OwnedDescriptor(regularFile: blobs.path(layer.diffID)),
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
        let count = try withExtendedLifetime(contents) {
            try bytes.withUnsafeMutableBytes {
                try FileOperations.read($0, from: descriptor, at: offset, path: store.blobs.path(layer.diffID))
            }
        }
        guard count == bytes.count else { throw LayerError.damaged(layer.diffID) }
        return bytes
    }

    private func decompress(_ layer: Layer) throws {
        let blob = try openBlob(layer)
        let source = try DecompressingSource(DescriptorSource(descriptor: blob.rawValue), name: "\(layer.blob.digest)")
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

    private func openBlob(_ layer: Layer) throws -> OwnedDescriptor {
        do {
            return try OwnedDescriptor(regularFile: store.blobs.path(layer.blob.digest))
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
        let blob = try openBlob(layer)
        let name = "\(layer.blob.digest)"
        let hashing = HashingSource(try DecompressingSource(DescriptorSource(descriptor: blob.rawValue), name: name))
        let reader = try ArchiveReader(plain: hashing, name: name)
        var indexer = LayerIndexer(blobs: store.blobs)
        while let entry = try reader.next() {
            try indexer.add(entry, reader)
        }
        guard try hashing.finish() == layer.diffID else { throw LayerError.damaged(layer.diffID) }
        let index = LayerIndex(entries: indexer.entries, diffID: layer.diffID, tarSize: hashing.count)
        if let path = index.pathBelowFile {
            throw LayerError.unsafeMember("\(path)", reason: "it lies below something that is not a directory")
        }
        return index
    }

    /// Makes sure that what the layers of an image have in common is there: files that hard links of one lead to in
    /// those below.
    ///
    /// - Throws: `LayerError.unsafeMember`, and what `index(of:)` throws.
    public func checkLinks(of layers: [Layer]) throws {
        let view = MergedView(layers: try layers.map(index))
        for (position, index) in view.layers.enumerated() where index.dependsOnLayersBelow {
            for place in 0..<index.count {
                let entry = index[place]
                guard entry.kind == .hardLink, entry.contentDigest == nil else { continue }
                guard view.file(of: entry, inLayer: position) != nil else {
                    throw LayerError.unsafeMember("\(entry.path)", reason: "it links to a file that does not exist")
                }
            }
        }
    }

    private func verifyAgain(_ layer: Layer) -> Bool {
        guard store.blobs.verify(layer.blob.digest), let index = LayerIndex(path: indexPath(layer.diffID)) else {
            return false
        }
        if let blob = try? openBlob(layer) { fdatasync(blob.rawValue) }
        try? save(index.markedDurable())
        return true
    }
}

/// The open uncompressed tar of one layer.
public final class LayerContents: Sendable {
    private let tar: OwnedDescriptor
    /// The tar, open for reading as long as this value lives.
    public var descriptor: Int32 { tar.rawValue }
    private let blobs: BlobStore
    private let diffID: Digest
    /// Contents that lie outside the tar, opened when they are first asked for.
    private let others = Mutex<[Digest: OpenFile]>([:])

    init(_ tar: consuming OwnedDescriptor, blobs: BlobStore, diffID: Digest) {
        self.tar = tar
        self.blobs = blobs
        self.diffID = diffID
    }

    /// Where a file's content lies: an open descriptor, valid while this value lives, and the offset in it.
    public func place(of entry: LayerEntry) throws -> (descriptor: Int32, offset: Int64) {
        if let offset = entry.contentOffset { return (descriptor, offset) }
        guard let digest = entry.contentDigest else { throw LayerError.damaged(diffID) }
        let other = try others.withLock { opened in
            if let known = opened[digest] { return known }
            let file = OpenFile(try OwnedDescriptor(regularFile: blobs.path(digest)))
            opened[digest] = file
            return file
        }
        return (other.descriptor, 0)
    }
}
