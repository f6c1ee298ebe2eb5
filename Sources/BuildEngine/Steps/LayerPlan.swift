import ContentStore
import FileSystem
import Glibc
import Layers
import OCI
import Reporting
import SystemPackage

/// The layer that a step will write: paths collected in any order, on top of what is there already.
struct LayerPlan {
    private struct Planned {
        var entry: LayerEntry
        var content: CopyItem.Content = .none
        var identity: CopyItem.Identity?
    }

    /// Why something cannot be put where the instruction says.
    enum Conflict: Error {
        case fileOverDirectory(PathInRoot)
        case directoryOverFile(PathInRoot)
        case whiteoutName(PathInRoot)
        case layer(LayerError)
    }

    /// The image so far.
    let view: MergedView
    /// What directories that must be made get.
    let newDirectory: (PathInRoot) -> LayerEntry
    /// Seconds since 1970 that nothing may be newer than.
    let latestTime: Int64?
    private var planned: [PathInRoot: Planned] = [:]

    init(view: MergedView, latestTime: Int64?, newDirectory: @escaping (PathInRoot) -> LayerEntry) {
        self.view = view
        self.latestTime = latestTime
        self.newDirectory = newDirectory
    }

    /// What is at a path, counting what is planned.
    func entry(at path: PathInRoot) -> LayerEntry? {
        if let own = planned[path] { return own.entry }
        let isHidden = path.ancestors.contains { ancestor in
            planned[ancestor].map { $0.entry.kind != .directory || $0.entry.isOpaque } ?? false
        }
        return isHidden ? nil : view.node(at: path)?.entry
    }

    /// Where a path leads inside the image, links followed.
    func resolve(_ path: PathInRoot, followingLast: Bool = true) throws(Conflict) -> PathInRoot {
        do {
            return try MergedView.resolve(path, followingLast: followingLast) { entry(at: $0) }
        } catch {
            throw .layer(error)
        }
    }

    /// Whether there is a directory at a path, links followed.
    func isDirectory(_ path: PathInRoot) -> Bool {
        guard let resolved = try? resolve(path) else { return false }
        return resolved.isRoot || entry(at: resolved)?.kind == .directory
    }

    /// Makes sure that a directory and its parents are there, with their own attributes where they exist.
    ///
    /// `path` must be free of links.
    mutating func addDirectories(_ path: PathInRoot) throws(Conflict) {
        // A planned directory has all its parents planned.
        if planned[path]?.entry.kind == .directory { return }
        for directory in path.ancestors + (path.isRoot ? [] : [path]) where planned[directory] == nil {
            if directory.name.starts(with: Array(".wh.".utf8)) { throw .whiteoutName(directory) }
            if let existing = entry(at: directory) {
                guard existing.kind == .directory else { throw .directoryOverFile(directory) }
                var kept = existing
                kept.path = directory
                kept.isOpaque = false
                kept.isImplied = false
                planned[directory] = Planned(entry: kept)
            } else {
                planned[directory] = Planned(entry: newDirectory(directory))
            }
        }
        for directory in path.ancestors + [path] {
            if let own = planned[directory], own.entry.kind != .directory { throw .directoryOverFile(directory) }
        }
    }

    /// Puts an item at a path, whose parents must be free of links.
    ///
    /// - Parameter replacing: Whether what is in the way makes room, as with archives.
    mutating func add(_ item: CopyItem, at path: PathInRoot, replacing: Bool = false) throws(Conflict) {
        if path.name.starts(with: Array(".wh.".utf8)) { throw .whiteoutName(path) }
        try addDirectories(path.parent)
        let isDirectory = item.entry.kind == .directory
        if let existing = entry(at: path), (existing.kind == .directory) != isDirectory {
            guard replacing else {
                throw isDirectory ? .directoryOverFile(path) : .fileOverDirectory(path)
            }
            if existing.kind == .directory {
                for below in planned.keys where below != path && below.isWithin(path) { planned[below] = nil }
            }
        }
        var entry = item.entry
        entry.path = path
        // A directory in place of what replaced a directory has nothing of the first one.
        if isDirectory, let own = planned[path], own.entry.kind != .directory || own.entry.isOpaque,
            view.node(at: path)?.entry.kind == .directory
        {
            entry.isOpaque = true
        }
        planned[path] = Planned(entry: entry, content: item.content, identity: item.identity)
    }

    /// Writes the layer, sorted, with further names of one file as hard links.
    func write(to writer: LayerWriter) throws {
        var firstNames: [CopyItem.Identity: PathInRoot] = [:]
        for (_, item) in planned.sorted(by: { $0.key < $1.key }) {
            var entry = item.entry
            if let latestTime { entry.modified = min(entry.modified, latestTime) }
            if let identity = item.identity {
                if let first = firstNames[identity] {
                    entry.kind = .hardLink
                    entry.linkTarget = first.bytes
                    entry.contentDigest = nil
                    try writer.append(entry)
                    continue
                }
                firstNames[identity] = entry.path
            }
            try LayerPlan.append(entry, item.content, to: writer)
        }
    }

    private static func append(_ entry: LayerEntry, _ content: CopyItem.Content, to writer: LayerWriter) throws {
        switch content {
        case .none:
            try writer.append(entry)
        case .bytes(let bytes):
            try writer.append(entry, content: .bytes(bytes))
        case .layer(let files, let position):
            let place = try files.contents(ofLayer: position).place(of: entry)
            let path = FilePath("layer \(files.layers[position].diffID)")
            try writer.append(entry, content: .file(descriptor: place.descriptor, offset: place.offset, path: path))
        case .temporary(let file, let offset):
            try writer.append(entry, content: .file(descriptor: file.descriptor, offset: offset, path: file.path))
        case .context(let path, let expected):
            // The digest is of what was read before, so the file must be the same before and after it is read now.
            let descriptor = try FileOperations.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
            defer { close(descriptor) }
            guard try FileStatus.of(descriptor: descriptor, path: path).isSameContent(as: expected) else {
                throw ChangedWhileCopied(path: path)
            }
            try writer.append(entry, content: .file(descriptor: descriptor, offset: 0, path: path))
            guard try FileStatus.of(descriptor: descriptor, path: path).isSameContent(as: expected) else {
                throw ChangedWhileCopied(path: path)
            }
        }
    }
}
