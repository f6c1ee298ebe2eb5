public import OCI
internal import Synchronization
public import Tar

/// The files of an image or stage: its layers, the view they merge into, and their contents.
public final class LayerStack: Sendable {
    /// Lowest first.
    public let layers: [Layer]
    public let view: MergedView
    private let store: LayerStore
    /// Opened when the first file of a layer is read: for a cached step nothing is, and nothing is decompressed.
    private let opened = Mutex<[Int: LayerContents]>([:])

    /// Opens the indexes of the layers.
    ///
    /// - Throws: What `LayerStore.index(of:)` throws.
    public init(_ layers: [Layer], in store: LayerStore) throws {
        self.layers = layers
        self.store = store
        view = MergedView(layers: try layers.map { try store.index(of: $0) })
    }

    /// The files by what is known of the layers, whose contents may be elsewhere; `nil` where that is not enough.
    public init?(known layers: [Layer], in store: LayerStore) {
        self.layers = layers
        self.store = store
        let indexes = layers.compactMap { store.knownIndex(of: $0) }
        guard indexes.count == layers.count else { return nil }
        view = MergedView(layers: indexes)
    }

    /// The open content of one of the layers, counted from the lowest.
    public func contents(ofLayer position: Int) throws -> LayerContents {
        try opened.withLock { opened in
            if let known = opened[position] { return known }
            let contents = try store.contents(of: layers[position])
            opened[position] = contents
            return contents
        }
    }

    /// Visits a directory and every path below it as one finished filesystem, parents first, sorted.
    ///
    /// Paths are relative to the directory, whose own is the root. The first name of a file in this order is the file, further names are hard links to it: the layer's own choice
    /// of the first name may have been removed by a layer above.
    ///
    /// - Parameters:
    ///   - directory: A path without symbolic links.
    ///   - body: Given where a file's content lies; the descriptor is open as long as this value lives.
    public func walk(
        _ directory: PathInRoot = .root,
        _ body: (LayerEntry, _ content: (descriptor: Int32, offset: Int64)?) throws -> Void
    ) throws {
        struct Identity: Hashable {
            let layer: Int
            let path: PathInRoot
        }
        var firstNames: [Identity: PathInRoot] = [:]
        let prefix = directory.isRoot ? 0 : directory.bytes.count + 1
        try view.walk(directory) { node in
            var entry = node.entry
            if prefix > 0 { entry.path = PathInRoot(Array(entry.path.bytes.dropFirst(prefix))) }
            entry.isOpaque = false
            entry.isImplied = false
            guard entry.isFile else {
                try body(entry, nil)
                return true
            }
            guard let file = view.file(of: node) else { return false }
            let identity = Identity(layer: file.layer, path: file.entry.path)
            let path = entry.path
            entry = file.entry
            entry.path = path
            if let first = firstNames[identity] {
                entry.kind = .hardLink
                entry.linkTarget = first.bytes
                try body(entry, nil)
                return false
            }
            firstNames[identity] = path
            entry.kind = .regular
            entry.linkTarget = []
            try body(entry, try contents(ofLayer: file.layer).place(of: file.entry))
            return false
        }
    }

    /// Reads a small file, links followed inside the image; `nil` when there is none.
    ///
    /// - Parameter limit: In bytes; a longer file is cut.
    public func read(_ path: String, limit: Int64) throws -> [UInt8]? {
        guard let node = try? view.resolve(PathInRoot(path)).node else { return nil }
        return try read(node, limit: limit)
    }

    /// Reads a small file; `nil` for what is none.
    ///
    /// - Parameter limit: In bytes; a longer file is cut.
    public func read(_ node: MergedView.Node, limit: Int64) throws -> [UInt8]? {
        guard let file = view.file(of: node) else { return nil }
        return try store.read(file.entry, in: layers[file.layer], limit: limit)
    }

    /// The image's users and groups.
    public func users() throws -> UserDatabase {
        UserDatabase(
            passwd: try read("etc/passwd", limit: UserDatabase.fileLimit) ?? [],
            group: try read("etc/group", limit: UserDatabase.fileLimit) ?? []
        )
    }
}
