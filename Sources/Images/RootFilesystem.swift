internal import ContentStore
internal import Layers
internal import OCI

/// The files of an image, all layers taken together, without unpacking anything.
final class RootFilesystem {
    /// Where the content of a file lies; the descriptor is open as long as the root filesystem is there.
    struct Content {
        let descriptor: Int32
        let offset: Int64
    }

    private struct FileIdentity: Hashable {
        let layer: Int
        let path: PathInRoot
    }

    private let store: LayerStore
    private let layers: [Layer]
    private let view: MergedView
    private var opened: [Int: LayerContents] = [:]

    init(_ store: LayerStore, layers: [Layer]) throws {
        self.store = store
        self.layers = layers
        view = MergedView(layers: try layers.map { try store.index(of: $0) })
    }

    /// Visits every path below the root and the root itself, parents first, sorted.
    ///
    /// The first name of a file in this order is the file, further names are hard links to it: the layer's own choice
    /// of the first name may have been removed by a layer above.
    func walk(_ body: (LayerEntry, Content?) throws -> Void) throws {
        var firstNames: [FileIdentity: PathInRoot] = [:]
        try view.walk(.root) { node in
            var entry = node.entry
            entry.isOpaque = false
            entry.isImplied = false
            guard entry.isFile else {
                try body(entry, nil)
                return true
            }
            guard let (file, layer) = target(of: entry, in: node.layer) else { return false }
            let identity = FileIdentity(layer: layer, path: file.path)
            let path = entry.path
            entry = file
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
            let place = try contents(of: layer).place(of: entry)
            try body(entry, Content(descriptor: place.descriptor, offset: place.offset))
            return false
        }
    }

    /// The file that a name stands for; `nil` for a link that leads nowhere.
    private func target(of entry: LayerEntry, in layer: Int) -> (LayerEntry, Int)? {
        guard entry.kind == .hardLink else { return (entry, layer) }
        let path = PathInRoot(entry.linkTarget)
        if let file = view.layers[layer].entry(at: path), file.kind == .regular { return (file, layer) }
        // A link to a file of a layer below, which some builders write.
        guard let node = view.node(at: path), node.entry.kind == .regular else { return nil }
        return (node.entry, node.layer)
    }

    private func contents(of layer: Int) throws -> LayerContents {
        if let known = opened[layer] { return known }
        let contents = try store.contents(of: layers[layer])
        opened[layer] = contents
        return contents
    }
}
