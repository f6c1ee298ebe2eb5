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
    /// - Throws: `SystemError`, `LayerError.shortContent`, `.reservedName`.
    public func layer(of workspace: Workspace, in layers: LayerStore) throws -> Layer {
        var reader = TreeReader(root: workspace.upper, whiteouts: .overlay)
        var directories = DirectoriesBelow(workspace.lower, below: workspace.upper)
        var region = OpaqueRegion()
        return try write(&reader, in: layers) { entry, source in
            // A directory is in the upper one already when something in it was looked for a place to be mounted on.
            region.contains(entry) || entry.kind != .directory || !directories.hasEqual(entry, source.status)
        }
    }

    /// Writes the layer of what is kept of processes, which may still run.
    public func layer(of files: WrittenFiles, in layers: LayerStore) throws -> Layer {
        var removed: [PathInRoot] = []
        if !files.isOverlay {
            var seen: Set<PathInRoot> = []
            var reader = TreeReader(root: files.root, whiteouts: .none, reading: .entries)
            try reader.read { entry, _ in
                seen.insert(entry.path)
                return true
            }
            removed = files.missing(seen)
        }
        var reader = TreeReader(root: files.root, whiteouts: files.isOverlay ? .overlay : .none)
        var region = OpaqueRegion()
        return try write(&reader, in: layers, whiteouts: removed) { entry, source in
            entry.kind == .whiteout || region.contains(entry) || files.isChanged(entry, source)
        }
    }

    /// Writes the layer of a directory that a process changed in place, against its state before.
    ///
    /// - Parameter untouched: What was somewhere else while the process ran.
    /// - Returns: The layer, and the state of the directory now.
    public func layer(
        ofChanged root: FilePath,
        since before: TreeState,
        untouched: Set<PathInRoot> = [],
        in layers: LayerStore
    ) throws -> (layer: Layer, state: TreeState) {
        let now = try TreeState(of: root, since: before)
        let difference = now.difference(since: before, except: untouched)
        var reader = TreeReader(root: root, whiteouts: .none)
        let layer = try write(&reader, in: layers, whiteouts: difference.removed, within: difference.parents) {
            entry,
            _ in
            difference.changed.contains(entry.path)
        }
        // An ordinary user changes modes to read, and that is a change of each such file.
        return (layer, geteuid() == 0 ? now : try TreeState(of: root, since: now))
    }

    /// Writes the layer of what is new in a directory, or gone.
    func layer(of directory: FilePath, _ changes: DirectoryChanges, in layers: LayerStore) throws -> Layer {
        var reader = TreeReader(root: directory, whiteouts: .none)
        return try write(&reader, in: layers, whiteouts: changes.removed, root: changes.root) { entry, _ in
            changes.changed.contains(entry.path)
        }
    }

    private func write(
        _ reader: inout TreeReader,
        in layers: LayerStore,
        whiteouts: [PathInRoot] = [],
        within directories: Set<PathInRoot>? = nil,
        root: LayerEntry? = nil,
        isChanged: (LayerEntry, TreeReader.Source) -> Bool
    ) throws -> Layer {
        let writer = try layers.writer(inBackground: true)
        if let root { try writer.append(root) }
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
            var entry = found
            if let latestTime { entry.modified = min(entry.modified, latestTime) }
            while let last = parents.last, !entry.path.isWithin(last.path) { parents.removeLast() }
            guard isChanged(found, source) else {
                if entry.kind == .directory { parents.append(entry) }
                return directories?.contains(entry.path) ?? true
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
