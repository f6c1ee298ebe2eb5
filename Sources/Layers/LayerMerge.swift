/// Goes through several layers' indexes at once, in the order of paths, and shows what they amount to.
///
/// Each layer has a place in its sorted index, and the layers are kept in a heap by the path that comes next in them:
/// an entry costs the logarithm of the number of layers, however many of these there are and however deep it lies.
struct LayerMerge {
    private struct Cursor {
        let layer: Int
        var position: Int
        let end: Int
        var entry: LayerEntry

        /// By path; for one path the upper layer first.
        static func < (left: Cursor, right: Cursor) -> Bool {
            let (leftPath, rightPath) = (left.entry.path.bytes, right.entry.path.bytes)
            return leftPath.withUnsafeBytes { left in
                rightPath.withUnsafeBytes { right -> Bool? in
                    left.count == right.count && PathInRoot.commonPrefix(left, right) == left.count
                        ? nil : PathInRoot.isOrderedBefore(left, right)
                }
            } ?? (left.layer > right.layer)
        }
    }

    /// A directory that the walk is in.
    private struct Frame {
        let path: PathInRoot
        /// The lowest layer that is not hidden below it.
        let lowest: Int
    }

    private let layers: [LayerIndex]
    private var heap: [Cursor] = []
    /// The cursors that stand at the current path; the heap has all others.
    private var current: [Cursor] = []
    private var frames: [Frame]
    private var skipsSubtree = false

    /// - Parameter directory: One that exists and is not hidden by a file.
    init(_ layers: [LayerIndex], below directory: PathInRoot) {
        self.layers = layers
        var lowest = 0
        for (layer, index) in layers.enumerated().reversed() {
            let range = index.positions(below: directory)
            if !range.isEmpty {
                heap.append(
                    Cursor(
                        layer: layer,
                        position: range.lowerBound,
                        end: range.upperBound,
                        entry: index[range.lowerBound]
                    )
                )
            }
            let (position, isPresent) = index.position(of: directory)
            if (isPresent && index[position].hidesBelow) || index.hides(directory, position: position) {
                lowest = layer
                break
            }
        }
        frames = [Frame(path: directory, lowest: lowest)]
        for position in stride(from: heap.count / 2 - 1, through: 0, by: -1) { siftDown(position) }
    }

    /// The next path that exists; a directory's contents come after it.
    mutating func next() -> MergedView.Node? {
        while true {
            advance()
            guard let path = heap.first?.entry.path else { return nil }
            while frames.count > 1, let frame = frames.last, !path.isWithin(frame.path) { frames.removeLast() }
            let lowest = frames.last?.lowest ?? 0
            var choice = NodeChoice()
            var (isDecided, lowestBelow) = (false, lowest)
            while let cursor = heap.first, cursor.entry.path == path {
                if cursor.layer >= lowest {
                    if !isDecided { isDecided = choice.isDecided(by: cursor.entry, inLayer: cursor.layer) }
                    if cursor.entry.hidesBelow { lowestBelow = max(lowestBelow, cursor.layer) }
                }
                current.append(popFirst())
            }
            guard let node = choice.node else {
                skipsSubtree = true
                continue
            }
            if node.entry.kind == .directory { frames.append(Frame(path: path, lowest: lowestBelow)) }
            return node
        }
    }

    /// Leaves out what is below the path that came last.
    mutating func skipSubtree() { skipsSubtree = true }

    /// Moves the cursors at the current path on.
    private mutating func advance() {
        for var cursor in current {
            let index = layers[cursor.layer]
            cursor.position = skipsSubtree ? index.end(ofSubtreeAt: cursor.position) : cursor.position + 1
            guard cursor.position < cursor.end else { continue }
            cursor.entry = index[cursor.position]
            heap.append(cursor)
            siftUp(heap.count - 1)
        }
        current.removeAll(keepingCapacity: true)
        skipsSubtree = false
    }

    private mutating func popFirst() -> Cursor {
        heap.swapAt(0, heap.count - 1)
        let first = heap.removeLast()
        siftDown(0)
        return first
    }

    private mutating func siftUp(_ start: Int) {
        var position = start
        while position > 0, heap[position] < heap[(position - 1) / 2] {
            heap.swapAt(position, (position - 1) / 2)
            position = (position - 1) / 2
        }
    }

    private mutating func siftDown(_ start: Int) {
        var position = start
        while true {
            var least = position
            for child in [2 * position + 1, 2 * position + 2] where child < heap.count && heap[child] < heap[least] {
                least = child
            }
            if least == position { return }
            heap.swapAt(position, least)
            position = least
        }
    }
}

extension LayerEntry {
    /// Whether it removes what the layers below have below its path.
    fileprivate var hidesBelow: Bool { kind != .directory || isOpaque }
}
