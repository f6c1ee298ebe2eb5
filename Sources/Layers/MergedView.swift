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
        var implied: Node?
        for (position, layer) in layers.enumerated().reversed() {
            if let entry = layer.entry(at: path) {
                if entry.kind == .whiteout { return implied }
                if !entry.isImplied {
                    // A directory that an upper layer only implies replaces a file below it.
                    return entry.kind == .directory
                        ? Node(entry: entry, layer: position) : implied ?? Node(entry: entry, layer: position)
                }
                implied = implied ?? Node(entry: entry, layer: position)
            }
            if MergedView.hidesBelow(path, in: layer) { break }
        }
        return implied ?? (path.isRoot ? Node(entry: .directory(.root), layer: 0) : nil)
    }

    /// The file that a name stands for: a further name leads to it, also to a layer below, which some builders write.
    ///
    /// - Returns: `nil` for a link that leads nowhere, and for what is no file.
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
            } else if node.layer > 0, let below = MergedView(layers: Array(layers[..<node.layer])).node(at: target) {
                node = below
            } else {
                return nil
            }
        }
        return nil
    }

    /// Whether a layer removes what the layers below it have at a path, by what it says about a parent.
    private static func hidesBelow(_ path: PathInRoot, in layer: LayerIndex) -> Bool {
        (path.isRoot ? [] : [.root] + path.ancestors).contains { parent in
            guard let entry = layer.entry(at: parent) else { return false }
            return entry.kind != .directory || entry.isOpaque
        }
    }

    /// The names in a directory, sorted; empty for anything else.
    public func names(in directory: PathInRoot) -> [[UInt8]] {
        var present: Set<[UInt8]> = []
        var hidden: Set<[UInt8]> = []
        for layer in layers.reversed() {
            for (name, kind) in layer.children(of: directory) {
                if kind == .whiteout {
                    if !present.contains(name) { hidden.insert(name) }
                } else if !hidden.contains(name) {
                    present.insert(name)
                }
            }
            if let own = layer.entry(at: directory), own.kind != .directory || own.isOpaque { break }
            if MergedView.hidesBelow(directory, in: layer) { break }
        }
        return present.sorted { $0.lexicographicallyPrecedes($1) }
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
        // Not recursive: a layer from elsewhere may be two thousand directories deep, and a thread's stack is not.
        var waiting = names(in: path).reversed().map { path.appending($0) }
        while let next = waiting.popLast() {
            guard let node = self.node(at: next), try body(node), node.entry.kind == .directory else { continue }
            waiting += names(in: next).reversed().map { next.appending($0) }
        }
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

extension LayerIndex {
    /// The names directly below a directory with what they are.
    fileprivate func children(of directory: PathInRoot) -> [(name: [UInt8], kind: LayerEntry.Kind)] {
        var result: [(name: [UInt8], kind: LayerEntry.Kind)] = []
        let range = subtree(of: directory)
        var position = range.lowerBound
        while position < range.upperBound {
            let entry = self[position]
            if entry.path == directory {
                position += 1
                continue
            }
            result.append((Array(entry.path.name), entry.kind))
            // A crafted layer may have paths below a file too; they are no children of this directory.
            position = max(subtree(of: entry.path).upperBound, position + 1)
        }
        return result
    }
}
