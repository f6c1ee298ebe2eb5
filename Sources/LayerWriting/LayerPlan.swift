import BuildContext
import FileSystem
public import Layers
public import Tar

/// The layer that a step will write: paths collected in any order, on top of what is there already.
///
/// A tree of names, since a step may bring a hundred thousand files: what is to be written of each is looked up in
/// its source only when its turn comes.
public struct LayerPlan {
    /// What is put at a path.
    private enum Payload {
        /// The position in `directories`.
        case directory(Int32)
        /// An item of one of the sources.
        case item(source: Int32, CopyRoot.Reference)
    }

    private struct Node {
        /// Where the name stands in `names`.
        let name: Range<UInt32>
        var kind: LayerEntry.Kind
        /// A directory in place of something that replaced a directory: it has nothing of the first one.
        var isOpaque = false
        /// Whether the image so far has a directory here whose contents show through.
        var showsView: Bool
        var payload: Payload
        /// Positions of nodes in the order of their names.
        var children: [Int32] = []
    }

    private struct Source {
        let root: CopyRoot
        let change: AttributeChange
    }

    /// The image so far.
    let view: MergedView
    /// What directories that must be made get.
    public var newDirectory: (PathInRoot) -> LayerEntry
    /// Seconds since 1970 that nothing may be newer than.
    let latestTime: Int64?
    /// The root of the tree is the root of the filesystem, which is not written.
    private var nodes: [Node]
    private var names: [UInt8] = []
    private var directories: [LayerEntry] = []
    private var sources: [Source] = []
    /// The directory that was added to last: files of one directory follow each other.
    private var lastParent: (path: PathInRoot, node: Int) = (.root, 0)

    public init(view: MergedView, latestTime: Int64?, newDirectory: @escaping (PathInRoot) -> LayerEntry) {
        self.view = view
        self.latestTime = latestTime
        self.newDirectory = newDirectory
        nodes = [
            Node(name: 0..<0, kind: .directory, showsView: !view.layers.isEmpty, payload: .directory(-1))
        ]
    }

    /// The number of paths.
    public var count: Int { nodes.count - 1 }

    // MARK: Looking up

    /// What is at a path, counting what is planned.
    public func entry(at path: PathInRoot) -> LayerEntry? {
        let (node, rest) = deepest(on: path)
        if rest.isEmpty { return path.isRoot ? view.node(at: path)?.entry : entry(of: node) }
        return nodes[node].showsView ? view.node(at: path)?.entry : nil
    }

    /// Where a path leads inside the image, links followed.
    public func resolve(_ path: PathInRoot) throws(Conflict) -> PathInRoot {
        do {
            return try MergedView.resolve(path) { entry(at: $0) }
        } catch {
            throw .layer(error)
        }
    }

    /// Where a path below a directory leads if that directory is the root, links followed.
    private func resolve(_ path: PathInRoot, below directory: PathInRoot) throws(Conflict) -> PathInRoot {
        do {
            let resolved = try MergedView.resolve(path) { entry(at: directory.joiningCleaned($0.bytes)) }
            return directory.joiningCleaned(resolved.bytes)
        } catch {
            throw .layer(error)
        }
    }

    /// Whether there is a directory at a path, links followed.
    public func isDirectory(_ path: PathInRoot) -> Bool {
        guard let resolved = try? resolve(path) else { return false }
        return resolved.isRoot || entry(at: resolved)?.kind == .directory
    }

    /// The planned node that leads furthest towards a path, and what is left of the path below it.
    private func deepest(on path: PathInRoot) -> (node: Int, rest: ArraySlice<UInt8>) {
        var node = 0
        var rest = path.bytes[...]
        // What is added next mostly lies below what was added to last, however deep that is.
        if !lastParent.path.isRoot, path.isWithin(lastParent.path) {
            node = lastParent.node
            rest = rest[Swift.min(lastParent.path.bytes.count + 1, rest.endIndex)...]
        }
        while !rest.isEmpty {
            let end = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
            guard case .found(let position) = slot(of: rest[..<end], in: node) else { break }
            node = Int(nodes[node].children[position])
            rest = rest[Swift.min(end + 1, rest.endIndex)...]
        }
        return (node, rest)
    }

    private enum Slot {
        case found(Int)
        case missing(Int)
    }

    /// Where a name is among the children of a node, or where it would be.
    private func slot(of name: ArraySlice<UInt8>, in node: Int) -> Slot {
        let count = nodes[node].children.count
        // Sources come in the order of their names, so most are new and belong at the end.
        guard let last = nodes[node].children.last else { return .missing(0) }
        if isName(of: last, before: name) { return .missing(count) }
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if isName(of: nodes[node].children[middle], before: name) { low = middle + 1 } else { high = middle }
        }
        let isThere = low < count && self.name(of: Int(nodes[node].children[low])).elementsEqual(name)
        return isThere ? .found(low) : .missing(low)
    }

    private func isName(of node: Int32, before name: ArraySlice<UInt8>) -> Bool {
        self.name(of: Int(node)).lexicographicallyPrecedes(name)
    }

    private func name(of node: Int) -> ArraySlice<UInt8> {
        names[Int(nodes[node].name.lowerBound)..<Int(nodes[node].name.upperBound)]
    }

    private func entry(of node: Int) -> LayerEntry {
        switch nodes[node].payload {
        case .directory(let position): return directories[Int(position)]
        case .item: return item(of: node).entry
        }
    }

    private func item(of node: Int) -> CopyItem {
        switch nodes[node].payload {
        case .directory(let position): return CopyItem(entry: directories[Int(position)])
        case .item(let source, let reference):
            let source = sources[Int(source)]
            var item = source.root.item(reference)
            source.change.apply(to: &item.entry, withPermissions: !source.root.isArchive)
            item.entry.isOpaque = nodes[node].isOpaque
            return item
        }
    }
}

// MARK: - Adding

extension LayerPlan {
    /// Puts a source at a destination: a directory's contents into it, a file there or, into a directory, under its name.
    ///
    /// - Parameter isDirectory: Whether the destination is a directory even where none is there yet.
    public mutating func copy(
        _ root: CopyRoot,
        _ change: AttributeChange,
        to destination: PathInRoot,
        isDirectory: Bool
    ) throws(Conflict) {
        var target = try resolve(destination)
        if !root.isDirectory, isDirectory || self.isDirectory(target) {
            try addDirectories(target)
            guard !root.name.isEmpty else { throw .nameless(target) }
            target = target.appending(root.name)
            // What is there under the file's name is replaced, even a link.
            if let existing = entry(at: target), existing.kind == .directory { throw .fileOverDirectory(target) }
        } else if root.isDirectory {
            try addDirectories(target)
        }
        let source = use(root, change)
        try root.forEach { (path, kind, reference) throws(Conflict) in
            try add(reference, kind, of: source, at: root.isDirectory ? target.joiningCleaned(path) : target)
        }
    }

    /// Puts the members of an archive below a directory, which must be free of links; they replace what is in their way.
    public mutating func unpack(_ archive: CopyRoot, _ change: AttributeChange, into target: PathInRoot)
        throws(Conflict)
    {
        let source = use(archive, change)
        try archive.forEach { (path, kind, reference) throws(Conflict) in
            guard !path.isEmpty else { return }
            let member = PathInRoot(path)
            // A member below a link is unpacked where the link leads when the destination is the root (BuildKit unpacks in
            // a chroot): no archive reaches what is beside its destination.
            let directory = try resolve(member.parent, below: target)
            try add(reference, kind, of: source, at: directory.appending(member.name), replacing: true)
        }
    }

    /// Takes in a source, whose items `add` then refers to.
    private mutating func use(_ root: CopyRoot, _ change: AttributeChange) -> Int32 {
        sources.append(Source(root: root, change: change))
        // Growing step by step would touch twice the memory.
        nodes.reserveCapacity(nodes.count + root.count + 64)
        return Int32(sources.count - 1)
    }

    /// Makes sure that a directory and its parents are there, with their own attributes where they exist.
    ///
    /// `path` must be free of links.
    public mutating func addDirectories(_ path: PathInRoot) throws(Conflict) {
        _ = try directory(path)
    }

    /// The node of a directory, made with its parents if need be.
    private mutating func directory(_ path: PathInRoot) throws(Conflict) -> Int {
        if lastParent.path == path { return lastParent.node }
        var (node, rest) = deepest(on: path)
        guard nodes[node].kind == .directory else {
            throw .directoryOverFile(PathInRoot(path.bytes.dropLast(rest.count)))
        }
        while !rest.isEmpty {
            let end = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
            let below = PathInRoot(path.bytes[..<end])
            let name = rest[..<end]
            if name.starts(with: ".wh.".utf8) { throw .whiteoutName(below) }
            let existing = nodes[node].showsView ? view.node(at: below)?.entry : nil
            if let existing, existing.kind != .directory { throw .directoryOverFile(below) }
            var entry = existing ?? newDirectory(below)
            entry.path = below
            entry.isOpaque = false
            entry.isImplied = false
            directories.append(entry)
            node = insert(
                name,
                .directory,
                .directory(Int32(directories.count - 1)),
                showsView: existing != nil,
                in: node
            )
            rest = rest[Swift.min(end + 1, rest.endIndex)...]
        }
        lastParent = (path, node)
        return node
    }

    /// Puts an item of a source at a path, whose parents must be free of links.
    ///
    /// - Parameter replacing: Whether what is in the way makes room, as with archives.
    private mutating func add(
        _ reference: CopyRoot.Reference,
        _ kind: LayerEntry.Kind,
        of source: Int32,
        at path: PathInRoot,
        replacing: Bool = false
    ) throws(Conflict) {
        let name = path.name
        if name.starts(with: ".wh.".utf8) { throw .whiteoutName(path) }
        let parent = try directory(path.parent)
        let isDirectory = kind == .directory
        let payload = Payload.item(source: source, reference)
        switch slot(of: name, in: parent) {
        case .found(let position):
            let node = Int(nodes[parent].children[position])
            if (nodes[node].kind == .directory) != isDirectory {
                guard replacing else { throw isDirectory ? .directoryOverFile(path) : .fileOverDirectory(path) }
                // What was planned below a directory goes with it, and what an upper one hides stays hidden.
                nodes[node].children = []
                nodes[node].isOpaque = isDirectory && nodes[parent].showsView && hasDirectory(path)
                nodes[node].showsView = false
                lastParent = (.root, 0)
            }
            nodes[node].kind = kind
            nodes[node].payload = payload
        case .missing(let position):
            let existing = nodes[parent].showsView ? view.node(at: path)?.entry.kind : nil
            if let existing, (existing == .directory) != isDirectory, !replacing {
                throw isDirectory ? .directoryOverFile(path) : .fileOverDirectory(path)
            }
            insert(name, kind, payload, showsView: isDirectory && existing == .directory, in: parent, at: position)
        }
    }

    private func hasDirectory(_ path: PathInRoot) -> Bool { view.node(at: path)?.entry.kind == .directory }

    @discardableResult
    private mutating func insert(
        _ name: ArraySlice<UInt8>,
        _ kind: LayerEntry.Kind,
        _ payload: Payload,
        showsView: Bool,
        in parent: Int,
        at position: Int? = nil
    ) -> Int {
        let start = UInt32(names.count)
        names.append(contentsOf: name)
        let node = nodes.count
        nodes.append(
            Node(name: start..<UInt32(names.count), kind: kind, showsView: showsView, payload: payload)
        )
        let position =
            position
            ?? {
                if case .missing(let position) = slot(of: name, in: parent) { return position }
                return nodes[parent].children.count
            }()
        nodes[parent].children.insert(Int32(node), at: position)
        return node
    }
}

// MARK: - Writing

extension LayerPlan: Sequence {
    /// The items in the order in which a layer has them, with their paths in the image.
    ///
    /// Of several names of one file the first has the content, and the others are hard links to it.
    public struct Iterator: IteratorProtocol {
        private let plan: LayerPlan
        /// The directories down to the current one: node, next child, and length of the path.
        private var open: [(node: Int, next: Int, length: Int)] = [(0, 0, 0)]
        private var path: [UInt8] = []
        private var firstNames: [CopyItem.Identity: PathInRoot] = [:]

        fileprivate init(_ plan: LayerPlan) { self.plan = plan }

        public mutating func next() -> CopyItem? {
            while let (parent, next, length) = open.last {
                path.removeSubrange(length...)
                guard next < plan.nodes[parent].children.count else {
                    open.removeLast()
                    continue
                }
                open[open.count - 1].next += 1
                let node = Int(plan.nodes[parent].children[next])
                if !path.isEmpty { path.append(UInt8(ascii: "/")) }
                path.append(contentsOf: plan.name(of: node))
                if plan.nodes[node].kind == .directory { open.append((node, 0, path.count)) }
                return finished(plan.item(of: node))
            }
            return nil
        }

        private mutating func finished(_ item: CopyItem) -> CopyItem {
            var item = item
            item.entry.path = PathInRoot.root.appending(path)
            if let latest = plan.latestTime { item.entry.modified = Swift.min(item.entry.modified, latest) }
            guard let identity = item.identity else { return item }
            guard let first = firstNames[identity] else {
                firstNames[identity] = item.entry.path
                return item
            }
            item.entry.kind = .hardLink
            item.entry.linkTarget = first.bytes
            item.entry.contentDigest = nil
            item.content = .none
            return item
        }
    }

    public func makeIterator() -> Iterator { Iterator(self) }
}

extension PathInRoot {
    /// A path that is clean already, below this one.
    func joiningCleaned(_ path: [UInt8]) -> PathInRoot {
        path.isEmpty ? self : appending(path)
    }
}
