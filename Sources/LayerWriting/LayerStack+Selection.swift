public import BuildContext
import ContentStore
import FileSystem
public import Layers
public import OCI
public import Tar

/// The files of a stage or image as a source of copies.
extension LayerStack {
    /// What a source text selects: one path, which need not be there, or for a wildcard any number of them, sorted.
    ///
    /// Of a wildcard below a directory that is not there it is the path of that directory. Links before the first wildcard
    /// are followed, those that a wildcard matches are not descended into (BuildKit).
    public func select(_ text: [UInt8]) throws -> [PathInRoot] {
        guard PathPattern.hasWildcards(text[...]) else { return [PathInRoot(text)] }
        var components: [ArraySlice<UInt8>] = []
        for component in text.split(separator: UInt8(ascii: "/")) where !component.elementsEqual(".".utf8) {
            if component.elementsEqual("..".utf8) { _ = components.popLast() } else { components.append(component) }
        }
        let literal = components.prefix { !PathPattern.hasWildcards($0) }
        let start = literal.reduce(PathInRoot.root) { $0.appending($1) }
        let (resolved, node) = try view.resolve(start)
        guard start.isRoot || node != nil else { return [start] }
        guard node.map({ $0.entry.kind == .directory }) ?? true else { return [] }
        var candidates = [(path: start, resolved: resolved)]
        for (position, component) in components.enumerated().dropFirst(literal.count) {
            let pattern = try PathPattern(Array(component), dialect: .path)
            let isLast = position == components.count - 1
            candidates = candidates.flatMap { candidate in
                view.names(in: candidate.resolved).compactMap { name in
                    guard pattern.matches(name) else { return nil }
                    let found = (path: candidate.path.appending(name), resolved: candidate.resolved.appending(name))
                    return isLast || view.node(at: found.resolved)?.entry.kind == .directory ? found : nil
                }
            }
        }
        return candidates.map(\.path)
    }

    /// Everything that copying a path takes, owners and modes kept; `nil` when nothing is there.
    ///
    /// - Parameter excluding: Patterns relative to the path; for a file they are matched with its name.
    public func root(_ path: PathInRoot, excluding: [IgnoreFile]) throws -> CopyRoot? {
        let (resolved, node) = try view.resolve(path)
        guard let node else { return nil }
        guard node.entry.kind == .directory else {
            let name = Array(path.name)
            let items = try excluding.contains { $0.ignores(name) } ? [] : [item(node, path: PathInRoot(name))]
            return CopyRoot(name: name, isDirectory: false, items: .list(items))
        }
        var items: [CopyItem] = []
        var filter = PathFilter(excluding)
        /// Excluded directories on the way that an exception may yet need.
        var waiting: [CopyItem] = []
        try view.walk(resolved) { node in
            guard node.entry.path != resolved else { return true }
            let start = resolved.isRoot ? 0 : resolved.bytes.count + 1
            let relative = PathInRoot(Array(node.entry.path.bytes[start...]))
            while let last = waiting.last, !relative.isWithin(last.entry.path) { waiting.removeLast() }
            switch filter.verdict(for: relative.bytes, isDirectory: node.entry.kind == .directory) {
            case .ignored: return false
            case .onlyWithContents:
                waiting.append(try item(node, path: relative))
            case .taken:
                items += waiting
                waiting.removeAll()
                items.append(try item(node, path: relative))
            }
            return true
        }
        return CopyRoot(name: Array(path.name), isDirectory: true, items: .list(items))
    }

    private func item(_ node: MergedView.Node, path: PathInRoot) throws -> CopyItem {
        var entry = node.entry
        var item = CopyItem(entry: entry)
        if entry.isFile {
            guard let file = view.file(of: node) else {
                throw LayerError.unsafeMember("\(entry.path)", reason: "it links to a file that does not exist")
            }
            entry = file.entry
            item.identity = .layer(file.layer, file.entry.path)
            item.content = .layer(self, file.layer)
        }
        entry.path = path
        entry.isOpaque = false
        entry.isImplied = false
        item.entry = entry
        return item
    }

    /// The digest of everything about copied roots that counts for the cache: all but their times.
    public static func fingerprint(_ roots: [CopyRoot]) -> Digest {
        var hasher = SHA256Hasher()
        for root in roots {
            guard case .list(let items) = root.items else { continue }
            hasher.update("root \(root.isDirectory ? "directory" : "file") \(items.count)\n")
            for item in items {
                let entry = item.entry
                hasher.update("\(entry.path.bytes.count) \(entry.linkTarget.count) ")
                hasher.update(entry.path.bytes)
                hasher.update(entry.linkTarget.isEmpty || entry.kind == .regular ? [] : entry.linkTarget)
                hasher.update(
                    " \(entry.kind.rawValue) \(entry.permissions) \(entry.userID) \(entry.groupID) \(entry.size)"
                        + " \(entry.deviceMajor) \(entry.deviceMinor) \(entry.contentDigest?.hex ?? "-")"
                )
                for attribute in entry.extendedAttributes {
                    hasher.update(" \(attribute.name.utf8.count) \(attribute.value.count) \(attribute.name)")
                    hasher.update(attribute.value)
                }
                hasher.update("\n")
            }
        }
        return hasher.finish()
    }
}
