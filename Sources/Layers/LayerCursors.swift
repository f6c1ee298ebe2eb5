internal import HeapModule
internal import Tar

/// A place in each of several layers' sorted indexes, moved on together in the order of paths.
///
/// The layers are kept in a heap by the path that comes next in them: an entry costs the logarithm of the number of
/// layers, however many of these there are and however deep it lies.
struct LayerCursors {
    /// What one layer says of the current path.
    struct Cursor: Comparable {
        let layer: Int
        fileprivate var position: Int
        fileprivate let end: Int
        fileprivate(set) var entry: LayerEntry

        /// Only compared with those of other layers.
        static func == (left: Cursor, right: Cursor) -> Bool { left.layer == right.layer }

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

    private let layers: [LayerIndex]
    private var heap: Heap<Cursor> = []
    /// What the layers say of the path that came last, the upper layer first; the heap has all other layers.
    private(set) var current: [Cursor] = []

    /// Starts with nothing; `add` says which layers take part.
    init(_ layers: [LayerIndex]) { self.layers = layers }

    /// Adds the entries of a layer at some positions.
    mutating func add(layer: Int, _ range: Range<Int>) {
        guard !range.isEmpty else { return }
        let entry = layers[layer][range.lowerBound]
        heap.insert(Cursor(layer: layer, position: range.lowerBound, end: range.upperBound, entry: entry))
    }

    /// Goes to the next path.
    ///
    /// - Parameter skipsSubtree: Whether what lies below the path that came last is left out.
    /// - Returns: `nil` at the end.
    mutating func next(skippingSubtree skipsSubtree: Bool = false) -> PathInRoot? {
        for var cursor in current {
            let index = layers[cursor.layer]
            cursor.position = skipsSubtree ? index.end(ofSubtreeAt: cursor.position) : cursor.position + 1
            guard cursor.position < cursor.end else { continue }
            cursor.entry = index[cursor.position]
            heap.insert(cursor)
        }
        current.removeAll(keepingCapacity: true)
        guard let path = heap.min?.entry.path else { return nil }
        while heap.min?.entry.path == path { current.append(heap.removeMin()) }
        return path
    }
}
