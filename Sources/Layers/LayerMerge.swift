public import Tar

/// Goes through several layers' indexes at once, in the order of paths, and shows what they amount to.
struct LayerMerge {
    /// A directory that the walk is in.
    private struct Frame {
        let path: PathInRoot
        /// The lowest layer that is not hidden below it.
        let lowest: Int
    }

    private var cursors: LayerCursors
    private var frames: [Frame]
    private var skipsSubtree = false

    /// - Parameter directory: One that exists and is not hidden by a file.
    init(_ layers: [LayerIndex], below directory: PathInRoot) {
        cursors = LayerCursors(layers)
        var lowest = 0
        for (layer, index) in layers.enumerated().reversed() {
            cursors.add(layer: layer, index.positions(below: directory))
            let (position, isPresent) = index.position(of: directory)
            if (isPresent && index[position].hidesBelow) || index.hides(directory, position: position) {
                lowest = layer
                break
            }
        }
        frames = [Frame(path: directory, lowest: lowest)]
    }

    /// The next path that exists; a directory's contents come after it.
    mutating func next() -> MergedView.Node? {
        while let path = cursors.next(skippingSubtree: skipsSubtree) {
            skipsSubtree = false
            while frames.count > 1, let frame = frames.last, !path.isWithin(frame.path) { frames.removeLast() }
            let lowest = frames.last?.lowest ?? 0
            var choice = NodeChoice()
            var (isDecided, lowestBelow) = (false, lowest)
            for cursor in cursors.current where cursor.layer >= lowest {
                if !isDecided { isDecided = choice.isDecided(by: cursor.entry, inLayer: cursor.layer) }
                if cursor.entry.hidesBelow { lowestBelow = max(lowestBelow, cursor.layer) }
            }
            guard let node = choice.node else {
                skipsSubtree = true
                continue
            }
            // A layer may list something below a file.
            skipsSubtree = node.entry.kind != .directory
            if !skipsSubtree { frames.append(Frame(path: path, lowest: lowestBelow)) }
            return node
        }
        return nil
    }

    /// Leaves out what is below the path that came last.
    mutating func skipSubtree() { skipsSubtree = true }
}

extension LayerEntry {
    /// Whether it removes what the layers below have below its path.
    public var hidesBelow: Bool { kind != .directory || isOpaque }
}
