public import Tar

/// The filesystem of an image as its layers' indexes show it, without unpacking anything.
///
/// Look-ups go from the top layer down and stop at the first that decides: an entry, a whiteout, an opaque directory
/// or a file in place of a parent (layer.md, "Applying Changesets").
public struct MergedView: Sendable {
    /// A path that exists: its entry and the layer, counted from the lowest, that holds it.
    public struct Node: Sendable {
        public let entry: LayerEntry
        public let layer: Int
    }

    /// Lowest first.
    public let layers: [LayerIndex]

    public init(layers: [LayerIndex]) {
        self.layers = layers
    }

    /// What is at exactly this path; no symbolic link is followed.
    ///
    /// The root always exists.
    public func node(at path: PathInRoot) -> Node? {
        node(at: path, below: layers.count)
    }

    /// The same with only so many of the layers, counted from the lowest.
    private func node(at path: PathInRoot, below limit: Int) -> Node? {
        var choice = NodeChoice()
        for (position, layer) in layers[..<limit].enumerated().reversed() {
            let (place, isPresent) = layer.position(of: path)
            if isPresent, choice.isDecided(by: layer[place], inLayer: position) { return choice.node }
            if layer.hides(path, position: place) { break }
        }
        return choice.node ?? (path.isRoot ? Node(entry: .directory(.root), layer: 0) : nil)
    }

    /// The file that a name stands for: a further name leads to it, also to a layer below, which some builders write.
    ///
    /// - Returns: `nil` for a broken link, and for anything but a file.
    public func file(of node: Node) -> Node? {
        file(of: node.entry, inLayer: node.layer)
    }

    /// The same for an entry of one of the layers, counted from the lowest.
    public func file(of entry: LayerEntry, inLayer layer: Int) -> Node? {
        var node = Node(entry: entry, layer: layer)
        // The bound ends cycles within a layer.
        for _ in 0..<256 {
            guard node.entry.kind == .hardLink else { return node.entry.kind == .regular ? node : nil }
            let target = PathInRoot(node.entry.linkTarget)
            if target != node.entry.path, let own = layers[node.layer].entry(at: target), own.isFile {
                node = Node(entry: own, layer: node.layer)
            } else if let below = self.node(at: target, below: node.layer), !below.entry.path.isRoot {
                node = below
            } else {
                return nil
            }
        }
        return nil
    }

    /// The names in a directory, sorted; empty for anything else.
    public func names(in directory: PathInRoot) -> [[UInt8]] {
        var names: [[UInt8]] = []
        walk(directory) { node in
            if node.entry.path == directory { return true }
            names.append(Array(node.entry.path.name))
            return false
        }
        return names
    }

    /// Visits a path and everything below it, parents first, names in byte order.
    ///
    /// - Parameter body: Returns whether to go into a directory.
    public func walk(_ path: PathInRoot, _ body: (Node) throws -> Bool) rethrows {
        guard var node = node(at: path) else { return }
        if node.entry.path != path {
            var entry = node.entry
            entry.path = path
            node = Node(entry: entry, layer: node.layer)
        }
        guard try body(node), node.entry.kind == .directory else { return }
        var merge = LayerMerge(layers, below: path)
        while let node = merge.next() {
            if try !body(node) { merge.skipSubtree() }
        }
    }

    /// Visits every path that any of the layers lists, in the order of paths, with all that they say of it.
    ///
    /// - Parameter body: Given the nodes of one path, the lowest layer first.
    public func walkLayers(_ body: (PathInRoot, [Node]) throws -> Void) rethrows {
        var cursors = LayerCursors(layers)
        for (layer, index) in layers.enumerated() { cursors.add(layer: layer, 0..<index.count) }
        while let path = cursors.next() {
            try body(path, cursors.current.reversed().map { Node(entry: $0.entry, layer: $0.layer) })
        }
    }

    /// The paths that exist with what is there, the root left out, in the order in which `walk` visits them.
    public func nodes() -> some Sequence<Node> {
        sequence(state: LayerMerge(layers, below: .root)) { $0.next() }
    }

    /// Where a path leads when symbolic links are followed inside the root.
    ///
    /// - Parameter followingLast: Whether a link as the last component is followed.
    /// - Returns: The path without links, and what is there; what does not exist is taken as it is written.
    /// - Throws: `LayerError.linkLoop`, and `.notADirectory` when a file stands where a directory must.
    public func resolve(_ path: PathInRoot, followingLast: Bool = true) throws(LayerError) -> (
        path: PathInRoot, node: Node?
    ) {
        let resolved = try MergedView.resolve(path, followingLast: followingLast) { self.node(at: $0)?.entry }
        return (resolved, node(at: resolved))
    }

    /// The same for any filesystem that can tell what is at a path; the root need not be told.
    public static func resolve(
        _ path: PathInRoot,
        followingLast: Bool = true,
        lookUp: (PathInRoot) -> LayerEntry?
    ) throws(LayerError) -> PathInRoot {
        var current = PathInRoot.root
        /// `nil` below something that does not exist.
        var kind: LayerEntry.Kind? = .directory
        var rest = Array(path.components.reversed())
        var links = 0
        while let component = rest.popLast() {
            if component.elementsEqual([UInt8(ascii: ".")]) { continue }
            if component.elementsEqual([UInt8(ascii: "."), UInt8(ascii: ".")]) {
                current = current.parent
                kind = current.isRoot ? .directory : lookUp(current)?.kind
                continue
            }
            if let kind, kind != .directory { throw .notADirectory(current) }
            let next = current.appending(component)
            let child = kind == nil ? nil : lookUp(next)
            guard let child, child.kind == .symbolicLink, followingLast || !rest.isEmpty else {
                current = next
                kind = child?.kind
                continue
            }
            links += 1
            guard links <= 255 else { throw .linkLoop(path) }
            if child.linkTarget.first == UInt8(ascii: "/") {
                current = .root
                kind = .directory
            }
            rest += child.linkTarget.split(separator: UInt8(ascii: "/")).reversed()
        }
        return current
    }
}

/// Which of several layers' entries of one path counts; given from the top layer down.
struct NodeChoice {
    /// What counts if no further layer says anything.
    private(set) var node: MergedView.Node?

    /// - Returns: Whether the layers below do not matter any more.
    mutating func isDecided(by entry: LayerEntry, inLayer layer: Int) -> Bool {
        if entry.kind == .whiteout { return true }
        // A directory that an upper layer only implies has the attributes of the one below it, but replaces a file.
        if node == nil || (!entry.isImplied && entry.kind == .directory) {
            node = MergedView.Node(entry: entry, layer: layer)
        }
        return !entry.isImplied
    }
}
