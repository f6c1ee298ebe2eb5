internal import ContentStore
internal import FileSystem
internal import Glibc
internal import Layers
internal import OCI
internal import SystemPackage
internal import Tar

/// In what a cache directory differs from its state when it was shared.
struct DirectoryChanges {
    /// The paths that are new or other than they were.
    private(set) var changed: Set<PathInRoot> = []
    /// The paths that are gone, without what lies below one that is; sorted.
    private(set) var removed: [PathInRoot] = []
    /// The directory itself, if its attributes are other ones.
    private(set) var root: LayerEntry?
    /// About as many bytes as a tar of everything would have.
    private(set) var size: Int64 = 0

    var isEmpty: Bool { changed.isEmpty && removed.isEmpty && root == nil }

    /// Compares; reads only files that were changed since, as far as what the filesystem says of them is the same.
    ///
    /// - Parameter state: `nil` where everything counts as new.
    init(of directory: FilePath, since state: SharedDirectoryState?) throws {
        var known: [PathInRoot: LayerEntry] = [:]
        if let index = state?.index {
            for position in 0..<index.count {
                known[index[position].path] = DirectoryChanges.comparable(index[position])
            }
        }
        root = try DirectoryChanges.root(of: directory)
        if known.removeValue(forKey: .root) == root { root = nil }
        var directories: Set<PathInRoot> = [.root]
        var reader = TreeReader(root: directory, whiteouts: .none)
        try reader.read { entry, source in
            size += 512 + (entry.size + 511) / 512 * 512
            if entry.kind == .directory { directories.insert(entry.path) }
            let old = known.removeValue(forKey: entry.path)
            if try old.map({ try isChanged(entry, source, since: $0, state?.time ?? 0) }) ?? true {
                changed.insert(entry.path)
            }
            return true
        }
        // What was in a directory that is gone or is a file now goes with it.
        removed = known.keys.filter { directories.contains($0.parent) }.sorted()
    }

    private func isChanged(
        _ entry: LayerEntry,
        _ source: TreeReader.Source,
        since old: LayerEntry,
        _ time: Int64
    ) throws -> Bool {
        if entry.kind == .hardLink, old.kind == .hardLink, entry.linkTarget == old.linkTarget {
            // It leads to the file as its own layer has it.
            return changed.contains(PathInRoot(entry.linkTarget))
        }
        var before = old
        before.contentDigest = nil
        guard entry == before else { return true }
        guard entry.kind == .regular, source.status.changed >= time else { return false }
        return try DirectoryChanges.digest(of: source) != old.contentDigest
    }

    /// An entry as a directory on disk has it.
    private static func comparable(_ entry: LayerEntry) -> LayerEntry {
        var entry = entry
        (entry.contentOffset, entry.isOpaque, entry.isImplied) = (nil, false, false)
        return entry
    }

    private static func root(of directory: FilePath) throws -> LayerEntry {
        let status = try FileStatus.of(directory)
        return LayerEntry(
            path: .root,
            kind: .directory,
            permissions: status.permissions,
            userID: geteuid() == 0 ? status.userID : 0,
            groupID: geteuid() == 0 ? status.groupID : 0,
            modified: status.modifiedSeconds
        )
    }

    private static func digest(of source: TreeReader.Source) throws -> Digest {
        let file = try source.open()
        var hasher = SHA256Hasher()
        var offset: Int64 = 0
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 4096)
        defer { buffer.deallocate() }
        while true {
            let count = try FileOperations.read(buffer, from: file.rawValue, at: offset, path: source.path)
            if count == 0 { return hasher.finish() }
            hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            offset += Int64(count)
        }
    }
}
