internal import OCI
internal import Tar

/// The metadata of a layer as an EROFS filesystem: everything but contents, which stay in the layer's tar.
///
/// A layer that was removed from is what overlayfs takes for that: devices 0:0, and `trusted.overlay.opaque`.
struct ErofsImage {
    private var nodes: [ErofsNode] = []
    /// By the node of each directory, in the order in which they were found.
    private var children: [(node: Int, parent: Int, names: [ErofsDirectory.Name])] = []
    /// The directories from the root down to the one added to last, by their places in `children`.
    private var open: [(path: PathInRoot, place: Int)] = []
    /// Files with further names.
    private var files: [PathInRoot: Int] = [:]
    private var links: [(link: LayerEntry, place: Int, name: Int)] = []
    private let tar: ErofsTar

    /// - Parameter entries: Parents first and sorted by path, as in a `LayerIndex`; directories that are implied have the
    ///   attributes that count.
    /// - Returns: `nil` where some of it cannot be expressed: contents that do not lie in the tar in one piece, links
    ///   to files of other layers, access lists.
    init?(_ entries: [LayerEntry], in tar: ErofsTar) {
        guard tar.size / Int64(ErofsFormat.blockSize) < Int64(ErofsFormat.noBlock) else { return nil }
        self.tar = tar
        let targets = Set(entries.lazy.filter { $0.kind == .hardLink }.map { PathInRoot($0.linkTarget) })
        let root = entries.first.flatMap { $0.path.isRoot ? $0 : nil }
        guard addDirectory(root ?? .directory(.root)) != nil else { return nil }
        for entry in entries.dropFirst(root == nil ? 0 : 1) {
            guard add(entry, isTarget: targets.contains(entry.path)) else { return nil }
        }
        guard resolveLinks() else { return nil }
        for directory in children where directory.node != directory.parent {
            nodes[directory.parent].linkCount += 1
        }
    }

    private mutating func addDirectory(_ entry: LayerEntry) -> Int? {
        guard entry.kind == .directory, var node = ErofsNode(entry, in: tar) else { return nil }
        node.linkCount = 2
        let number = nodes.count
        nodes.append(node)
        open.append((entry.path, children.count))
        children.append((number, open.dropLast().last.map { children[$0.place].node } ?? number, []))
        return number
    }

    private mutating func add(_ entry: LayerEntry, isTarget: Bool) -> Bool {
        while let last = open.last, last.path.isRoot ? false : !entry.path.isWithin(last.path) { open.removeLast() }
        let name = entry.path.name
        guard let directory = open.last, entry.path.parent == directory.path,
            (1...ErofsFormat.longestName).contains(name.count)
        else { return false }
        let number: Int
        if entry.kind == .directory {
            guard let added = addDirectory(entry) else { return false }
            number = added
        } else if entry.kind == .hardLink {
            // The file may come later: its place is found out in the end.
            guard entry.contentDigest != nil else { return false }
            links.append((entry, directory.place, children[directory.place].names.count))
            number = 0
        } else {
            guard let node = ErofsNode(entry, in: tar) else { return false }
            number = nodes.count
            nodes.append(node)
            if isTarget, entry.kind == .regular { files[entry.path] = number }
        }
        let type = entry.kind == .hardLink ? 1 : nodes[number].type
        children[directory.place].names.append(.init(bytes: Array(name), type: type, node: number))
        return true
    }

    private mutating func resolveLinks() -> Bool {
        for (link, place, name) in links {
            let target = PathInRoot(link.linkTarget)
            let number: Int
            if let known = files[target] {
                nodes[known].linkCount += 1
                number = known
            } else {
                // What it is a link to was replaced by something else.
                guard let node = ErofsNode(link, in: tar) else { return false }
                number = nodes.count
                nodes.append(node)
                files[target] = number
            }
            let bytes = children[place].names[name].bytes
            children[place].names[name] = .init(bytes: bytes, type: 1, node: number)
        }
        return true
    }

    /// The whole file; its beginning is not part of the image.
    ///
    /// - Parameter name: Tells one image from another.
    func encoded(name: Digest) -> [UInt8] {
        var nodes = nodes
        var end = ErofsFormat.firstInode
        for position in nodes.indices {
            end = ErofsFormat.roundedUp(end, to: ErofsFormat.slotSize)
            let length = nodes[position].length
            if nodes[position].isInline, end % ErofsFormat.blockSize + length > ErofsFormat.blockSize {
                end = ErofsFormat.roundedUp(end, to: ErofsFormat.blockSize)
            }
            nodes[position].place = end
            end += length
        }
        end = ErofsFormat.roundedUp(end, to: ErofsFormat.blockSize)
        let directories = children.map { ErofsDirectory($0.names, node: $0.node, parent: $0.parent) }
        for (directory, content) in zip(children, directories) {
            nodes[directory.node].size = Int64(content.size)
            nodes[directory.node].blocks = end
            end = ErofsFormat.roundedUp(end + content.size, to: ErofsFormat.blockSize)
        }
        for position in nodes.indices {
            guard case .link(let target) = nodes[position].content, !nodes[position].isInline else { continue }
            nodes[position].blocks = end
            end = ErofsFormat.roundedUp(end + target.count, to: ErofsFormat.blockSize)
        }
        var image = ErofsBytes(count: end)
        writeSuperblock(to: &image, name)
        for node in nodes { node.write(to: &image) }
        for (directory, content) in zip(children, directories) {
            content.write(to: &image, at: nodes[directory.node].blocks) { nodes[$0].number }
        }
        return image.bytes
    }

    private func writeSuperblock(to image: inout ErofsBytes, _ name: Digest) {
        let start = ErofsFormat.superblock
        let blocks = { (bytes: Int64) in UInt32(bytes / Int64(ErofsFormat.blockSize)) }
        image.store(ErofsFormat.magic, at: start)
        image.store(ErofsFormat.compatible, at: start + 8)
        image.store(UInt8(ErofsFormat.blockBits), at: start + 12)
        image.store(UInt16(ErofsFormat.firstInode / ErofsFormat.slotSize), at: start + 14)
        image.store(UInt64(nodes.count), at: start + 16)
        image.store(blocks(Int64(image.bytes.count)), at: start + 36)
        image.store(Array(name.bytes.prefix(ErofsFormat.identifier.count)), at: ErofsFormat.identifier.lowerBound)
        image.store(ErofsFormat.incompatible, at: start + 80)
        // One device besides, by its place in units of its size.
        image.store(UInt16(1), at: start + 86)
        image.store(UInt16(ErofsFormat.deviceSlot / ErofsFormat.deviceSlotSize), at: start + 88)
        image.store(blocks(tar.size), at: ErofsFormat.deviceSlot + 64)
    }
}
