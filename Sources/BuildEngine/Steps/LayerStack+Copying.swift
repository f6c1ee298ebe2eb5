import BuildContext
import ContentStore
import FileSystem
import Layers
import OCI
import Reporting

/// The files of a stage or image as a source of copies.
extension LayerStack {
    /// What a source text selects: one path, or for a wildcard any number of them, sorted.
    ///
    /// - Returns: `nil` when a plain source is not there.
    func select(_ source: String) throws -> [PathInRoot]? {
        let text = Array(source.utf8)
        guard PathPattern.hasWildcards(text) else {
            let path = PathInRoot(text)
            return try view.resolve(path).node == nil ? nil : [path]
        }
        var candidates: [PathInRoot] = [.root]
        for component in text.split(separator: UInt8(ascii: "/")) where !component.elementsEqual([UInt8(ascii: ".")]) {
            if component.elementsEqual([UInt8(ascii: "."), UInt8(ascii: ".")]) {
                candidates = candidates.map(\.parent)
                continue
            }
            let pattern = try PathPattern(Array(component), dialect: .path)
            candidates = try candidates.flatMap { candidate in
                let directory = try view.resolve(candidate).path
                return view.names(in: directory).filter { pattern.matches($0) }.map { candidate.appending($0) }
            }
        }
        return try candidates.filter { try view.resolve($0).node != nil }
    }

    /// Everything that copying a path takes, owners and modes kept.
    func root(_ path: PathInRoot, excluding: IgnoreFile, range: SourceRange) throws -> CopyRoot {
        let (resolved, node) = try view.resolve(path)
        guard let node, node.entry.kind == .directory else {
            let items = try node.map { [try item($0, path: PathInRoot(Array(path.name)))] } ?? []
            return CopyRoot(name: Array(path.name), isDirectory: false, items: .list(items), range: range)
        }
        var items: [CopyItem] = []
        try view.walk(resolved) { node in
            guard node.entry.path != resolved else { return true }
            let start = resolved.isRoot ? 0 : resolved.bytes.count + 1
            let relative = PathInRoot(Array(node.entry.path.bytes[start...]))
            if excluding.decision(for: relative.bytes)?.isIgnored ?? false {
                return excluding.rules.contains(where: \.isException)
            }
            items.append(try item(node, path: relative))
            return true
        }
        return CopyRoot(name: Array(path.name), isDirectory: true, items: .list(items), range: range)
    }

    private func item(_ node: MergedView.Node, path: PathInRoot) throws -> CopyItem {
        var entry = node.entry
        var item = CopyItem(entry: entry)
        if entry.isFile {
            guard let file = view.file(of: node) else {
                throw LayerError.unsafeMember("\(entry.path)", reason: "it links to a file that is not there")
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
    static func fingerprint(_ roots: [CopyRoot]) -> Digest {
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
