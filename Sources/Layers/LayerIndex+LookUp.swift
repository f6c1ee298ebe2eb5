internal import OCI
internal import Synchronization
public import Tar

/// Finding entries, without decoding those that are passed by.
extension LayerIndex {
    /// The position of a path, or of where it would stand.
    func position(of path: PathInRoot) -> (position: Int, isPresent: Bool) {
        withBytes { bytes in
            path.bytes.withUnsafeBytes { wanted in
                let position = lowerBound(bytes) { PathInRoot.isOrderedBefore($0, wanted) }
                guard position < count else { return (position, false) }
                let found = LayerIndexEncoder.path(bytes, position: position)
                return (
                    position, found.count == wanted.count && PathInRoot.commonPrefix(found, wanted) == wanted.count
                )
            }
        }
    }

    /// The entry for exactly this path.
    public func entry(at path: PathInRoot) -> LayerEntry? {
        let (position, isPresent) = position(of: path)
        return isPresent ? self[position] : nil
    }

    /// The positions of what lies below a path, itself not included.
    func positions(below path: PathInRoot) -> Range<Int> {
        let (position, isPresent) = position(of: path)
        let start = isPresent ? position + 1 : position
        return withBytes { bytes in
            path.bytes.withUnsafeBytes { start..<end(bytes, of: $0, from: start) }
        }
    }

    /// The position behind an entry and everything below it.
    func end(ofSubtreeAt position: Int) -> Int {
        withBytes { end($0, of: LayerIndexEncoder.path($0, position: position), from: position + 1) }
    }

    private func end(_ bytes: UnsafeRawBufferPointer, of path: UnsafeRawBufferPointer, from start: Int) -> Int {
        func isWithin(_ position: Int) -> Bool {
            PathInRoot.isWithin(LayerIndexEncoder.path(bytes, position: position), path)
        }
        // Most entries are files, with nothing below them.
        guard start < count, isWithin(start) else { return start }
        return lowerBound(bytes, from: start + 1) { PathInRoot.isWithin($0, path) }
    }

    /// Whether this layer removes what the layers below it have at a path, by what it says about a parent.
    ///
    /// The cost does not depend on the path's depth, unlike looking for each parent.
    ///
    /// - Parameter position: That of the path in this layer, or where it would stand.
    func hides(_ path: PathInRoot, position: Int) -> Bool {
        guard !path.isRoot, position > 0 else { return false }
        return withBytes { bytes in
            path.bytes.withUnsafeBytes { wanted in
                // All parents of the path stand before it, with nothing but their contents between.
                let before = LayerIndexEncoder.path(bytes, position: position - 1)
                if PathInRoot.isWithin(wanted, before),
                    LayerIndexEncoder.hidesBelow(bytes, position: position - 1)
                {
                    return true
                }
                let hiding = hidingPositions(bytes)
                var wanted = wanted
                var high = hiding.count
                while high > 0 {
                    // The last one that stands before the path; if it is not a parent, a parent holds both.
                    high = LayerIndex.lowerBound(0, high) {
                        let candidate = LayerIndexEncoder.path(bytes, position: hiding[$0])
                        return PathInRoot.isOrderedBefore(candidate, wanted) || candidate.elementsEqual(wanted)
                    }
                    guard high > 0 else { return false }
                    let candidate = LayerIndexEncoder.path(bytes, position: hiding[high - 1])
                    if hiding[high - 1] < position, PathInRoot.isWithin(wanted, candidate) { return true }
                    wanted = PathInRoot.commonParent(wanted, candidate)
                    high -= 1
                }
                return false
            }
        }
    }

    /// The entries that hide and have something below them in this layer: few, if any.
    private func hidingPositions(_ bytes: UnsafeRawBufferPointer) -> [Int] {
        hiding.withLock { known in
            if let known { return known }
            let found = (0..<count).filter { position in
                LayerIndexEncoder.hidesBelow(bytes, position: position) && position + 1 < count
                    && PathInRoot.isWithin(
                        LayerIndexEncoder.path(bytes, position: position + 1),
                        LayerIndexEncoder.path(bytes, position: position)
                    )
            }
            known = found
            return found
        }
    }

    /// Whether the entry at a position, which may be behind the last one, has this path.
    func isPath(_ path: PathInRoot, at position: Int) -> Bool {
        position < count
            && withBytes { LayerIndexEncoder.path($0, position: position).elementsEqual(path.bytes) }
    }

    /// Whether the entry at a position says what this one does, whose path it has; contents are not compared.
    ///
    /// Never so for what the tar of the layer does not hold by itself: links to other entries, directories that are
    /// not listed, and what has extended attributes or hides layers below.
    func isSame(_ entry: LayerEntry, at position: Int) -> Bool {
        withBytes { LayerIndexEncoder.isSame($0, position: position, entry) }
    }

    /// What is in the file at a position, and where in the tar; `nil` for what has no content there.
    func content(at position: Int) -> (offset: Int64, size: Int64, digest: Digest)? {
        withBytes { LayerIndexEncoder.content($0, position: position) }
    }

    /// The first position, not before `start`, whose path does not satisfy `isBefore`.
    private func lowerBound(
        _ bytes: UnsafeRawBufferPointer,
        from start: Int = 0,
        _ isBefore: (UnsafeRawBufferPointer) -> Bool
    ) -> Int {
        LayerIndex.lowerBound(start, count) { isBefore(LayerIndexEncoder.path(bytes, position: $0)) }
    }

    private static func lowerBound(_ start: Int, _ end: Int, _ isBefore: (Int) -> Bool) -> Int {
        var (low, high) = (start, end)
        while low < high {
            let middle = (low + high) / 2
            if isBefore(middle) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
