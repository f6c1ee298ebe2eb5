internal import FileSystem
public import SystemPackage
internal import Tar

/// What a tree looked like before a process ran in it.
public struct TreeState: Sendable {
    /// What tells whether a file is another one or has changed.
    struct File: Sendable {
        let kind: FileStatus.Kind
        let permissions: UInt16
        let userID: UInt32
        let groupID: UInt32
        let inode: UInt64
        let changed: Int64
        let size: Int64

        init(_ status: FileStatus) {
            (kind, permissions, userID, groupID) = (status.kind, status.permissions, status.userID, status.groupID)
            (inode, changed, size) = (status.inode, status.changed, status.size)
        }

        /// Every change of a file sets its change time, which no program can set back.
        func isUnchanged(since before: File) -> Bool {
            changed == before.changed && size == before.size && isSame(as: before)
        }

        /// Whether what a layer says of a directory, but for its attributes, is the same: its change time also moves when
        /// only the names in it change.
        func isSameDirectory(as before: File) -> Bool { kind == .directory && isSame(as: before) }

        private func isSame(as before: File) -> Bool {
            inode == before.inode && kind == before.kind && permissions == before.permissions
                && (userID, groupID) == (before.userID, before.groupID)
        }
    }

    struct Directory: Sendable {
        /// The directory itself, with the mode that it has while it is read.
        let status: File
        let attributes: [ExtendedAttribute]
        let names: DirectoryNames
        /// One for each name; `nil` for a socket, which is in no layer.
        let files: [File?]
    }

    let directories: [PathInRoot: Directory]
    /// When the first of them was looked at, in nanoseconds since 1970.
    let begun: Int64

    /// Looks at every file below a directory, on all processors.
    ///
    /// - Parameter earlier: What was seen before of the same tree; it makes this faster.
    /// - Throws: `SystemError`.
    public init(of root: FilePath, since earlier: TreeState? = nil) throws {
        begun = WallClock.now
        directories = try TreeScan.directories(below: root, since: earlier)
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
        for (path, directory) in directories {
            guard let old = before.directories[path] else {
                for case (let position, _?) in directory.files.enumerated() {
                    result.note(path.appending(directory.names[position]), except: untouched)
                }
                continue
            }
            directory.forEachPair(with: old) { position, oldPosition in
                let file = position.flatMap { directory.files[$0] }
                let oldFile = oldPosition.flatMap { old.files[$0] }
                if let file, let oldFile, file.isUnchanged(since: oldFile) { return }
                if let position, let file {
                    let name = path.appending(directory.names[position])
                    if let oldFile, file.isSameDirectory(as: oldFile),
                        directories[name]?.attributes == before.directories[name]?.attributes
                    {
                        return
                    }
                    result.note(name, except: untouched)
                } else if let oldPosition, oldFile != nil {
                    result.removed.append(path.appending(old.names[oldPosition]))
                }
            }
        }
        result.removed.sort()
        return result
    }
}

extension TreeState.Directory {
    /// Calls `body` with the positions of each name that is in one of the directories, or in both.
    fileprivate func forEachPair(with old: TreeState.Directory, _ body: (Int?, Int?) -> Void) {
        var (here, there) = (0, 0)
        while here < files.count || there < old.files.count {
            let order: Int32 =
                here == files.count ? 1 : there == old.files.count ? -1 : names.order(here, old.names, there)
            body(order <= 0 ? here : nil, order >= 0 ? there : nil)
            if order <= 0 { here += 1 }
            if order >= 0 { there += 1 }
        }
    }
}

extension TreeState.Difference {
    fileprivate mutating func note(_ path: PathInRoot, except untouched: Set<PathInRoot>) {
        guard !untouched.contains(path) else { return }
        changed.insert(path)
        parents.formUnion(path.ancestors)
    }
}
