internal import Layers
internal import Tar

/// Goes through all paths of an image once, and for each through the layers from the lowest up, as if they were applied.
struct LayerReplay {
    /// A content of a file by its place.
    private struct Place: Hashable {
        let layer: Int
        let path: PathInRoot
    }

    /// A path that others may lie below.
    private struct Frame {
        let path: PathInRoot
        /// The layers that take away what lower ones have below the path, ascending.
        let hidingLayers: [Int]
    }

    private let view: MergedView
    private var frames: [Frame] = []
    /// By layer.
    private(set) var changes: [[LayerChange]]
    private var hidden: [HiddenFile] = []
    /// Until when files have further names: a layer, or the number of layers where one is left in the end.
    private var lastNames: [Place: Int] = [:]
    /// For the score: over all paths, the least and the sum of the sizes that layers have for it.
    private(set) var (leastBytes, allBytes) = (Int64(0), Int64(0))

    init(_ view: MergedView) {
        self.view = view
        changes = view.layers.map { _ in [] }
        view.walkLayers { path, nodes in
            if !path.isRoot { visit(path, nodes) }
        }
    }

    /// The contents that cannot be seen, in the order of their paths.
    var hiddenFiles: [HiddenFile] {
        hidden.compactMap { file in
            guard let end = lastNames[Place(layer: file.layer, path: file.path)], end > file.hidingLayer else {
                return file
            }
            guard end < view.layers.count else { return nil }
            return HiddenFile(path: file.path, size: file.size, layer: file.layer, hidingLayer: end)
        }
    }

    private mutating func visit(_ path: PathInRoot, _ nodes: [MergedView.Node]) {
        while let frame = frames.last, !path.isWithin(frame.path) { frames.removeLast() }
        let hiding = frames.last?.hidingLayers ?? []
        var current: MergedView.Node?
        var sizes: [Int64] = []
        var rest = nodes[...]
        for layer in Set(hiding + nodes.map(\.layer)).sorted() {
            let before = current
            if hiding.contains(layer) { current = nil }
            if let own = rest.first, own.layer == layer {
                rest.removeFirst()
                current = own.applied(to: current)
                sizes.append(own.entry.kind == .regular ? own.entry.size : 0)
            } else if before != nil {
                sizes.append(0)
            }
            record(before, current, layer)
        }
        if let current, current.entry.kind == .hardLink { note(current, until: view.layers.count) }
        if let least = sizes.min() {
            leastBytes = leastBytes.addingReportingOverflow(least).partialValue
            for size in sizes { allBytes = allBytes.addingReportingOverflow(size).partialValue }
        }
        let ownHiding = nodes.filter(\.entry.hidesBelow).map(\.layer)
        frames.append(
            Frame(path: path, hidingLayers: ownHiding.isEmpty ? hiding : Set(hiding + ownHiding).sorted())
        )
    }

    private mutating func record(_ before: MergedView.Node?, _ after: MergedView.Node?, _ layer: Int) {
        // Nothing of this layer touches the path, or it names a directory only because of what is in it.
        if let before, let after, before.layer == after.layer { return }
        if let before {
            if before.entry.kind == .regular { hide(before, by: layer) }
            if before.entry.kind == .hardLink { note(before, until: layer) }
        }
        switch (before, after) {
        case (nil, nil): break
        case (nil, let after?): add(.added, after, layer)
        case (let before?, nil): add(.removed, before, layer)
        case (let before?, let after?):
            let differences = FileAttribute.differences(view.withAttributes(before), view.withAttributes(after))
            // Directories are listed for what is in them.
            if differences.isEmpty, after.entry.kind == .directory { return }
            add(.changed(differences), after, layer)
        }
    }

    private mutating func add(_ kind: LayerChange.Kind, _ node: MergedView.Node, _ layer: Int) {
        var entry = view.withAttributes(node)
        // A further name has no content of its own.
        entry.kind = node.entry.kind
        changes[layer].append(LayerChange(kind: kind, entry: entry))
    }

    private mutating func hide(_ node: MergedView.Node, by layer: Int) {
        hidden.append(
            HiddenFile(path: node.entry.path, size: node.entry.size, layer: node.layer, hidingLayer: layer)
        )
    }

    /// Remembers that a file has another name until a layer takes it away.
    private mutating func note(_ link: MergedView.Node, until layer: Int) {
        guard let file = view.file(of: link) else { return }
        let place = Place(layer: file.layer, path: file.entry.path)
        lastNames[place] = max(lastNames[place] ?? 0, layer)
    }
}

extension MergedView.Node {
    /// What is at the path once this entry of a layer is applied to what the layers below have there.
    fileprivate func applied(to below: MergedView.Node?) -> MergedView.Node? {
        if entry.kind == .whiteout { return nil }
        return entry.isImplied && below?.entry.kind == .directory ? below : self
    }
}
