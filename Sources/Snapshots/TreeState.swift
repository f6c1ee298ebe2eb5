internal import FileSystem
internal import Layers
public import SystemPackage
internal import Tar

/// What a tree looked like before a process ran in it.
public struct TreeState: Sendable {
    private struct File: Sendable {
        let path: PathInRoot
        let inode: UInt64
        let changed: Int64
        let size: Int64
        /// Of a directory, whose change time also moves when only its names change.
        let directory: LayerEntry?

        /// Every change of a file sets its change time, which no program can set back.
        func isUnchanged(since before: File) -> Bool {
            guard inode == before.inode, (directory == nil) == (before.directory == nil) else { return false }
            if changed == before.changed, size == before.size { return true }
            guard let directory, let other = before.directory else { return false }
            return directory.permissions == other.permissions
                && (directory.userID, directory.groupID) == (other.userID, other.groupID)
                && directory.extendedAttributes == other.extendedAttributes
        }
    }

    /// In the order of a layer.
    private var files: [File] = []

    /// Looks at every file below a directory.
    ///
    /// - Throws: `SystemError`.
    public init(of root: FilePath) throws {
        // A change of mode would change the time that is looked at.
        var reader = TreeReader(root: root, whiteouts: .none, reading: .status)
        var files: [File] = []
        try reader.read { entry, source in
            files.append(
                File(
                    path: entry.path,
                    inode: source.status.inode,
                    changed: source.status.changed,
                    size: source.status.size,
                    directory: entry.kind == .directory ? entry : nil
                )
            )
            return true
        }
        self.files = files
    }

    /// In what a tree differs from an earlier state.
    struct Difference {
        /// Sorted, without what lies below a removed path.
        var removed: [PathInRoot] = []
        var changed: Set<PathInRoot> = []
        /// The directories in which something has changed, with those above.
        var parents: Set<PathInRoot> = []
    }

    /// - Parameter untouched: What does not count as changed.
    func difference(since before: TreeState, except untouched: Set<PathInRoot>) -> Difference {
        var result = Difference()
        var (here, there) = (0, 0)
        while here < files.count || there < before.files.count {
            if here < files.count, there < before.files.count, files[here].path == before.files[there].path {
                if !files[here].isUnchanged(since: before.files[there]) {
                    result.note(files[here].path, except: untouched)
                }
                // What was in a directory that is a file now goes with the directory.
                let isReplaced = before.files[there].directory != nil && files[here].directory == nil
                there = isReplaced ? before.end(of: there) : there + 1
                here += 1
            } else if there == before.files.count || here < files.count && files[here].path < before.files[there].path {
                result.note(files[here].path, except: untouched)
                here += 1
            } else {
                result.removed.append(before.files[there].path)
                there = before.end(of: there)
            }
        }
        return result
    }

    /// The position after a file and everything below it.
    private func end(of position: Int) -> Int {
        let path = files[position].path
        return files[(position + 1)...].firstIndex { !$0.path.isWithin(path) } ?? files.count
    }
}

extension TreeState.Difference {
    fileprivate mutating func note(_ path: PathInRoot, except untouched: Set<PathInRoot>) {
        guard !untouched.contains(path) else { return }
        changed.insert(path)
        parents.formUnion(path.ancestors)
    }
}
