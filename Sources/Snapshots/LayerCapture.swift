internal import FileSystem
internal import Glibc
public import Layers
public import SystemPackage
public import Tar

/// Makes a layer of what a process wrote.
public struct LayerCapture: Sendable {
    /// Seconds since 1970 that no file may be newer than.
    public var latestTime: Int64?

    public init(latestTime: Int64? = nil) {
        self.latestTime = latestTime
    }

    /// Writes the layer that an overlay's upper directory stands for; directories that only differ in their time count
    /// as unchanged.
    ///
    /// - Parameter below: The filesystem below, which tells the true owners where an ordinary user cannot set them.
    /// - Throws: `SystemError`, `LayerError.shortContent`, `.reservedName`.
    public func layer(of workspace: Workspace, below: MergedView?, in layers: LayerStore) throws -> Layer {
        var reader = TreeReader(root: workspace.upper, whiteouts: .overlay)
        var directories = DirectoriesBelow(workspace.lower, below: workspace.upper)
        var region = OpaqueRegion()
        return try write(&reader, below: below, in: layers) { entry, source in
            // A directory is in the upper one already when something in it was looked for a place to be mounted on.
            region.contains(entry) || entry.kind != .directory || !directories.hasEqual(entry, source.status)
        }
    }

    /// Writes the layer of what is kept of processes, which may still run.
    public func layer(of files: WrittenFiles, in layers: LayerStore) throws -> Layer {
        var removed: [PathInRoot] = []
        if !files.isOverlay {
            var seen: Set<PathInRoot> = []
            var reader = TreeReader(root: files.root, whiteouts: .none, readsFiles: false)
            try reader.read { entry, _ in
                seen.insert(entry.path)
                return true
            }
            removed = files.missing(seen)
        }
        var reader = TreeReader(root: files.root, whiteouts: files.isOverlay ? .overlay : .none)
        var region = OpaqueRegion()
        return try write(&reader, below: files.below, in: layers, whiteouts: removed) { entry, source in
            entry.kind == .whiteout || region.contains(entry) || files.isChanged(entry, source)
        }
    }

    /// Writes the layer of a directory that a process changed in place, against its state before.
    ///
    /// - Parameter untouched: What was somewhere else while the process ran.
    public func layer(
        ofChanged root: FilePath,
        since before: TreeState,
        untouched: Set<PathInRoot> = [],
        below: MergedView?,
        in layers: LayerStore
    ) throws -> Layer {
        var reader = TreeReader(root: root, whiteouts: .none)
        let removed = try before.removed(now: root)
        return try write(&reader, below: below, in: layers, whiteouts: removed) { entry, source in
            !untouched.contains(entry.path) && !before.isUnchanged(entry, source.status)
        }
    }

    private func write(
        _ reader: inout TreeReader,
        below: MergedView?,
        in layers: LayerStore,
        whiteouts: [PathInRoot] = [],
        isChanged: (LayerEntry, TreeReader.Source) -> Bool
    ) throws -> Layer {
        let writer = try layers.writer(inBackground: true)
        let ownership = Ownership(below: below)
        var pending = whiteouts[...]
        // Directories that are unchanged themselves are written only when something in them is.
        var parents: [LayerEntry] = []
        func append(_ entry: LayerEntry, _ content: LayerWriter.Content = .none) throws {
            while let next = pending.first, next < entry.path {
                pending = pending.dropFirst()
                try writer.append(LayerEntry(path: next, kind: .whiteout, permissions: 0))
            }
            try writer.append(entry, content: content)
        }
        try reader.read { found, source in
            var entry = ownership.corrected(found)
            if let latestTime { entry.modified = min(entry.modified, latestTime) }
            while let last = parents.last, !entry.path.isWithin(last.path) { parents.removeLast() }
            guard isChanged(found, source) else {
                if entry.kind == .directory { parents.append(entry) }
                return true
            }
            for parent in parents { try append(parent) }
            parents = []
            guard entry.kind == .regular else {
                try append(entry)
                return true
            }
            let file = try source.open()
            try append(entry, .file(descriptor: file.rawValue, offset: 0, path: source.path))
            return true
        }
        for path in pending { try writer.append(LayerEntry(path: path, kind: .whiteout, permissions: 0)) }
        return try writer.finish()
    }
}

/// Who owns files that an ordinary user's process wrote: on disk they are all the user's.
public struct Ownership: Sendable {
    private let below: MergedView?
    private let user = geteuid()

    /// - Parameter below: The files before.
    public init(below: MergedView?) { self.below = below }

    /// Inside, the user was root; a file that was another's before and was only changed stays that other's.
    public func corrected(_ entry: LayerEntry) -> LayerEntry {
        // Those of files and directories are recorded beside them.
        guard user != 0, entry.kind == .symbolicLink || entry.kind == .fifo else { return entry }
        var entry = entry
        let known = below?.node(at: entry.path)?.entry
        entry.userID = entry.userID == user ? known?.userID ?? 0 : entry.userID
        entry.groupID = entry.groupID == getegid() ? known?.groupID ?? 0 : entry.groupID
        return entry
    }
}

/// What a tree looked like before a process ran in it.
public struct TreeState: Sendable {
    private struct Attributes: Sendable, Equatable {
        let inode: UInt64
        let changed: Int64
        let size: Int64
        let isDirectory: Bool
        /// Of a directory, whose change time also moves when only its names change.
        var directory: LayerEntry?
    }

    private var files: [PathInRoot: Attributes] = [:]

    /// Looks at every file below a directory.
    public init(of root: FilePath) throws {
        // A change of mode would change the time that is looked at.
        var reader = TreeReader(root: root, whiteouts: .none, readsFiles: false)
        var files: [PathInRoot: Attributes] = [:]
        try reader.read { entry, source in
            files[entry.path] = TreeState.attributes(source.status)
            if entry.kind == .directory { files[entry.path]?.directory = entry }
            return true
        }
        self.files = files
    }

    /// Every change of a file sets its change time, which no program can set back.
    fileprivate func isUnchanged(_ entry: LayerEntry, _ status: FileStatus) -> Bool {
        guard let known = files[entry.path] else { return false }
        guard let before = known.directory, entry.kind == .directory else {
            return known == TreeState.attributes(status)
        }
        return known.inode == status.inode && before.permissions == entry.permissions
            && (before.userID, before.groupID) == (entry.userID, entry.groupID)
            && before.extendedAttributes == entry.extendedAttributes
    }

    /// The removed paths, without what lies below a removed path, sorted.
    fileprivate func removed(now root: FilePath) throws -> [PathInRoot] {
        let now = try TreeState(of: root)
        let gone = Set(files.keys.filter { now.files[$0] == nil })
        // What was in a directory that is a file now goes with the directory.
        return gone.filter { path in path.parent.isRoot || now.files[path.parent]?.isDirectory ?? false }.sorted()
    }

    private static func attributes(_ status: FileStatus) -> Attributes {
        Attributes(
            inode: status.inode,
            changed: status.changed,
            size: status.size,
            isDirectory: status.kind == .directory
        )
    }
}
