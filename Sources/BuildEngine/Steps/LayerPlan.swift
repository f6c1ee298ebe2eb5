import BuildContext
import FileSystem
import Layers

/// The layer that a step will write: paths collected in any order, on top of what is there already.
///
/// A tree of names, since a step may bring a hundred thousand files: what is to be written of each is looked up in
/// its source only when its turn comes.
struct LayerPlan {
    /// Why something cannot be put where the instruction says.
    enum Conflict: Error {
        case fileOverDirectory(PathInRoot)
        case directoryOverFile(PathInRoot)
        case whiteoutName(PathInRoot)
        /// What goes into a directory has no name there.
        case nameless(PathInRoot)
        case layer(LayerError)
    }

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
    var newDirectory: (PathInRoot) -> LayerEntry
    /// Seconds since 1970 that nothing may be newer than.
    let latestTime: Int64?
    /// The root of the tree is the root of the filesystem, which is not written.
    private var nodes: [Node]
    private var names: [UInt8] = []
    private var directories: [LayerEntry] = []
    private var sources: [Source] = []
    /// The directory that was added to last: files of one directory follow each other.
    private var lastParent: (path: PathInRoot, node: Int) = (.root, 0)

    init(view: MergedView, latestTime: Int64?, newDirectory: @escaping (PathInRoot) -> LayerEntry) {
        self.view = view
        self.latestTime = latestTime
        self.newDirectory = newDirectory
        nodes = [
            Node(name: 0..<0, kind: .directory, showsView: !view.layers.isEmpty, payload: .directory(-1))
        ]
    }

    /// The number of paths.
    var count: Int { nodes.count - 1 }

    // MARK: Looking up

    /// What is at a path, counting what is planned.
    func entry(at path: PathInRoot) -> LayerEntry? {
        let (node, rest) = deepest(on: path)
        if rest.isEmpty { return path.isRoot ? view.node(at: path)?.entry : entry(of: node) }
        return nodes[node].showsView ? view.node(at: path)?.entry : nil
    }

    /// Where a path leads inside the image, links followed.
    func resolve(_ path: PathInRoot, followingLast: Bool = true) throws(Conflict) -> PathInRoot {
        do {
            return try MergedView.resolve(path, followingLast: followingLast) { entry(at: $0) }
        } catch {
            throw .layer(error)
        }
    }

    /// Where a path below a directory leads if that directory is the root, links followed.
    func resolve(_ path: PathInRoot, below directory: PathInRoot) throws(Conflict) -> PathInRoot {
        do {
            let resolved = try MergedView.resolve(path) { entry(at: directory.joiningCleaned($0.bytes)) }
            return directory.joiningCleaned(resolved.bytes)
        } catch {
            throw .layer(error)
        }
    }

    /// Whether there is a directory at a path, links followed.
    func isDirectory(_ path: PathInRoot) -> Bool {
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
            guard case .found(let position) = place(of: rest[..<end], in: node) else { break }
            node = Int(nodes[node].children[position])
            rest = rest[Swift.min(end + 1, rest.endIndex)...]
        }
        return (node, rest)
    }

    private enum Place {
        case found(Int)
        case missing(Int)
    }

    /// Where a name is among the children of a node, or where it would be.
    private func place(of name: ArraySlice<UInt8>, in node: Int) -> Place {
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
            source.change.apply(to: &item.entry, withMode: !source.root.isArchive)
            item.entry.isOpaque = nodes[node].isOpaque
            return item
        }
    }
}

// MARK: - Adding

extension LayerPlan {
    /// Takes in a source, whose items `add` then refers to.
    mutating func use(_ root: CopyRoot, _ change: AttributeChange) -> Int32 {
        sources.append(Source(root: root, change: change))
        // Growing step by step would touch twice the memory.
        nodes.reserveCapacity(nodes.count + root.count + 64)
        return Int32(sources.count - 1)
    }

    /// Makes sure that a directory and its parents are there, with their own attributes where they exist.
    ///
    /// `path` must be free of links.
    mutating func addDirectories(_ path: PathInRoot) throws(Conflict) {
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
    mutating func add(
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
        switch place(of: name, in: parent) {
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
        let place =
            position
            ?? {
                if case .missing(let place) = self.place(of: name, in: parent) { return place }
                return nodes[parent].children.count
            }()
        nodes[parent].children.insert(Int32(node), at: place)
        return node
    }
}

// MARK: - Writing

extension LayerPlan: Sequence {
    /// The items in the order in which a layer has them, with their paths in the image.
    ///
    /// Of several names of one file the first has the content, and the others are hard links to it.
    struct Iterator: IteratorProtocol {
        private let plan: LayerPlan
        /// The directories down to the current one: node, next child, and length of the path.
        private var open: [(node: Int, next: Int, length: Int)] = [(0, 0, 0)]
        private var path: [UInt8] = []
        private var firstNames: [CopyItem.Identity: PathInRoot] = [:]

        fileprivate init(_ plan: LayerPlan) { self.plan = plan }

        mutating func next() -> CopyItem? {
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

    func makeIterator() -> Iterator { Iterator(self) }
}
