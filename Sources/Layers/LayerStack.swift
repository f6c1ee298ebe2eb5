internal import Synchronization

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

    /// The open content of one of the layers, counted from the lowest.
    public func contents(ofLayer position: Int) throws -> LayerContents {
        try opened.withLock { opened in
            if let known = opened[position] { return known }
            let contents = try store.contents(of: layers[position])
            opened[position] = contents
            return contents
        }
    }

    /// Reads a small file, links followed inside the image; `nil` when there is none.
    ///
    /// - Parameter limit: In bytes; a longer file is cut.
    public func read(_ path: String, limit: Int64) throws -> [UInt8]? {
        guard let node = try? view.resolve(PathInRoot(path)).node, node.entry.isFile else { return nil }
        return try store.read(node.entry, in: layers[node.layer], limit: limit)
    }

    /// The image's users and groups.
    public func users() throws -> UserDatabase {
        UserDatabase(
            passwd: try read("etc/passwd", limit: UserDatabase.fileLimit) ?? [],
            group: try read("etc/group", limit: UserDatabase.fileLimit) ?? [])
    }
}
