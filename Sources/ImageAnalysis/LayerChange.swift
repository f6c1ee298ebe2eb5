public import Tar

/// What one layer does to one path of the layers below it.
public struct LayerChange: Sendable {
    /// How the path was before and after.
    public enum Kind: Sendable, Hashable {
        case added
        /// What differs; nothing for a file that is written again as it was.
        case changed([FileAttribute])
        case removed
    }

    public let kind: Kind
    /// What is there with the layer; for a path that it removes, what was there.
    ///
    /// A further name of a file has the attributes of that file.
    public let entry: LayerEntry

    public var path: PathInRoot { entry.path }
}

/// The content of a file that is part of an image and cannot be seen: a layer above removed or replaced it.
public struct HiddenFile: Sendable, Hashable {
    public let path: PathInRoot
    /// In bytes.
    public let size: Int64
    /// The layer that has the content, counted from the lowest, which is 0.
    public let layer: Int
    /// The layer that took the last of its names away.
    public let hidingLayer: Int
}

/// One line of the tree of what a layer does: a path, and what is done at and below it.
public struct ChangeRow: Sendable {
    public let path: PathInRoot
    /// Components of the path, from 1.
    public let depth: Int
    /// What is done to the path itself; `nil` for a directory in which only something else changes.
    public fileprivate(set) var kind: LayerChange.Kind?
    public fileprivate(set) var isDirectory = true
    /// How many paths are added, changed and removed, this one included; directories do not count.
    public fileprivate(set) var (added, changed, removed) = (0, 0, 0)
    /// The bytes of content that the layer has here.
    public fileprivate(set) var bytes: Int64 = 0
    /// The bytes of content of layers that are hidden by what is done here.
    public fileprivate(set) var hiddenBytes: Int64 = 0

    fileprivate init(path: PathInRoot, depth: Int) {
        self.path = path
        self.depth = depth
    }

    /// The tree of a layer's changes as rows, parents first, with what lies deeper counted in its parents.
    ///
    /// - Parameters:
    ///   - changes: In the order of their paths.
    ///   - hidden: The bytes that each of the paths hides.
    ///   - depth: The number of levels that have rows.
    static func rows(_ changes: [LayerChange], hidden: [PathInRoot: Int64], depth: Int) -> [ChangeRow] {
        var rows: [ChangeRow] = []
        /// The rows of the directories that the walk is in.
        var open: [Int] = []
        for change in changes {
            while let last = open.last, !change.path.isWithin(rows[last].path) { open.removeLast() }
            let components = change.path.components
            for level in open.count..<max(min(components.count, depth), open.count) {
                let path = PathInRoot(Array(components[...level].joined(separator: [UInt8(ascii: "/")])))
                open.append(rows.count)
                rows.append(ChangeRow(path: path, depth: level + 1))
            }
            let isDirectory = change.entry.kind == .directory
            for row in open {
                if rows[row].path == change.path {
                    rows[row].kind = change.kind
                    rows[row].isDirectory = isDirectory
                }
                rows[row].count(change, hidden[change.path] ?? 0)
            }
        }
        return rows
    }

    private mutating func count(_ change: LayerChange, _ hidden: Int64) {
        hiddenBytes = hiddenBytes.addingReportingOverflow(hidden).partialValue
        guard change.entry.kind != .directory else { return }
        switch change.kind {
        case .added: added += 1
        case .changed: changed += 1
        case .removed: removed += 1
        }
        if change.kind != .removed, change.entry.kind == .regular {
            bytes = bytes.addingReportingOverflow(change.entry.size).partialValue
        }
    }
}
