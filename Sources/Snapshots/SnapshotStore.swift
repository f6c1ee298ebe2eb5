internal import ContentStore
public import FileSystem
internal import Glibc
public import Layers
public import OCI
internal import Synchronization
public import SystemPackage
internal import Tar

/// Layers unpacked into directories, for what runs on them; all of it may be dropped at any time.
///
/// A snapshot is what overlayfs takes as one lower directory. It holds one layer, and is named by the layer's diff ID,
/// or by its chain ID where the layers below decide some of what is in it.
public struct SnapshotStore: Sendable {
    public let layers: LayerStore
    /// Layers that are unpacked elsewhere, by their diff IDs: what processes of this program left, not in the store yet.
    public var unpacked: [Digest: Snapshot] = [:]
    /// Whether layers may be mounted in place instead: for `SandboxIsolation.full` only.
    public var mountsLayers = false
    public let mounts = LayerMounts()

    public init(_ layers: LayerStore) {
        self.layers = layers
    }

    private var directory: FilePath { layers.store[.snapshots] }
    /// Where all files are an ordinary user's, they are not those that root of a user namespace works on.
    private func place(_ name: Digest) -> FilePath {
        directory.appending(name.hex + (geteuid() == 0 ? "" : "-recorded"))
    }
    private var temporary: FilePath { layers.store[.temporary] }

    /// One layer as a directory, unpacked or mounted.
    public struct Snapshot: Sendable {
        /// The directory that holds the layer's files.
        public let files: FilePath
        /// Keeps what is not in the store yet from being removed, and what is mounted from going away.
        private let owner: (any AnyObject & Sendable)?

        fileprivate init(files: FilePath, owner: (any AnyObject & Sendable)? = nil) {
            self.files = files
            self.owner = owner
        }

        /// Keeps prune from removing a snapshot of the store as long as the result lives; `nil` for what it leaves alone.
        public func lock() throws(SystemError) -> FileLock? {
            owner == nil ? try FileLock.acquire(files.removingLastComponent(), .shared) : nil
        }
    }

    /// The snapshots of a stack of layers, lowest first, made where they are missing; empty layers have none.
    ///
    /// - Throws: `LayerError` and `SystemError`.
    public func snapshots(of stack: [Layer]) throws -> [Snapshot] {
        var result: [Snapshot] = []
        var indexes: [LayerIndex] = []
        for (position, layer) in stack.enumerated() {
            let index = try layers.index(of: layer)
            guard index.count > 0 else { continue }
            // Overlayfs merges the roots of all its layers, whatever they are marked with.
            if index.entry(at: .root)?.isOpaque ?? false { result = [] }
            if let known = unpacked[layer.diffID] {
                result.append(known)
            } else {
                let name = SnapshotStore.name(of: index, in: stack[...position])
                result.append(try snapshot(named: name, layer, index, below: MergedView(layers: indexes), stack))
            }
            indexes.append(index)
        }
        return result
    }

    /// What the snapshot of a layer on top of others is called.
    private static func name(of index: LayerIndex, in stack: ArraySlice<Layer>) -> Digest {
        guard index.dependsOnLayersBelow,
            let chain = ChainID(stack.map(\.diffID), sha256: { SHA256Hasher.digest(of: $0) })
        else { return index.diffID }
        return chain.digest
    }

    private func snapshot(
        named name: Digest,
        _ layer: Layer,
        _ index: LayerIndex,
        below: MergedView,
        _ stack: [Layer]
    ) throws -> Snapshot {
        let path = place(name)
        if isTrusted(path), !mountsLayers || !LayerMounts.isForced {
            // Prune removes first what was not used for longest.
            FileOperations.touch(path)
            return Snapshot(files: path.appending("fs"))
        }
        if mountsLayers,
            let mount = mounts.mount(
                named: name,
                layer,
                in: layers,
                entries: {
                    let merged = MergedView(layers: below.layers + [index])
                    return (0..<index.count).map { SnapshotStore.entry(at: $0, in: index, merged) }
                }
            )
        {
            return Snapshot(files: mount.root, owner: mount)
        }
        let lock = try layers.store.lock(key: name)
        defer { withExtendedLifetime(lock) {} }
        if isTrusted(path) { return Snapshot(files: path.appending("fs")) }
        try FileOperations.removeTree(path)
        let work = try TemporaryDirectory(in: temporary)
        try unpack(layer, index, below: below, stack, into: work.path.appending("fs"))
        try SnapshotStore.mark(work)
        // The directory is renamed while it is locked: its lock goes with it until this process lets it go.
        try FileOperations.rename(work.path, to: path)
        return Snapshot(files: path.appending("fs"))
    }

    /// A snapshot of an earlier boot may have been torn by a power loss, and one that was copied may have lost owners,
    /// modes and attributes, as by `cp -r`; neither can be verified cheaply.
    private func isTrusted(_ path: FilePath) -> Bool {
        guard let text = try? FileOperations.readRegular(path.appending("boot"), limit: 128) else { return false }
        let words = String(decoding: text, as: UTF8.self).split(separator: " ", maxSplits: 1).map(String.init)
        guard words.count == 2, let boot = BootID(words[0]), let files = FileStatus.ifPresent(path.appending("fs"))
        else { return false }
        return boot.isTrusted && words[1] == SnapshotStore.place(files)
    }

    /// What no copy of a directory has in common with it.
    private static func place(_ files: FileStatus) -> String { "\(files.device) \(files.inode)" }

    /// Says in a directory that is to become a snapshot when that was, and which directory has the files.
    fileprivate static func mark(_ directory: TemporaryDirectory) throws {
        let files = try FileStatus.of(directory.path.appending("fs"))
        let file = try OwnedDescriptor(directory.path.appending("boot"), O_WRONLY | O_CREAT | O_EXCL, 0o644)
        var text = "\(BootID.current) \(place(files))"
        try text.withUTF8 {
            try FileOperations.write(UnsafeRawBufferPointer($0), to: file.rawValue, path: directory.path)
        }
    }

    private func unpack(
        _ layer: Layer,
        _ index: LayerIndex,
        below: MergedView,
        _ stack: [Layer],
        into path: FilePath
    ) throws {
        try FileOperations.createRoot(path)
        try write(layer, index, below: below, stack, with: try TreeWriter(root: path, whiteouts: .overlay))
    }

    /// Makes a directory that has the files of all layers of a stack but the last `count` have those too.
    ///
    /// - Throws: `LayerError` and `SystemError`; the directory has some of the changes then.
    public func update(_ path: FilePath, to stack: [Layer], adding count: Int) throws {
        var indexes = try stack.dropLast(count).map { try layers.index(of: $0) }
        for position in stack.indices.suffix(count) {
            let index = try layers.index(of: stack[position])
            if index.count == 0 { continue }
            if index.entry(at: .root)?.isOpaque ?? false { throw SystemError("update", path, errno: .notSupported) }
            let writer = try TreeWriter(root: path, whiteouts: .removed, existing: .replaced)
            let below = MergedView(layers: indexes)
            try write(stack[position], index, below: below, Array(stack[...position]), with: writer)
            indexes.append(index)
        }
    }

    private func write(
        _ layer: Layer,
        _ index: LayerIndex,
        below: MergedView,
        _ stack: [Layer],
        with writer: TreeWriter
    ) throws {
        let contents = try layers.contents(of: layer)
        let merged = MergedView(layers: below.layers + [index])
        for position in 0..<index.count {
            let entry = SnapshotStore.entry(at: position, in: index, merged)
            if entry.kind == .hardLink, entry.contentDigest == nil {
                try writeLinkBelow(entry, merged, stack, writer)
            } else {
                let place = entry.isFile ? try contents.place(of: entry) : nil
                try writer.write(entry, from: place.map { TreeWriter.Content($0, owner: contents) })
            }
        }
        try writer.finish()
    }

    /// An entry of the topmost layer; a directory that it does not list has the attributes that it has below.
    private static func entry(at position: Int, in index: LayerIndex, _ merged: MergedView) -> LayerEntry {
        let entry = index[position]
        guard entry.isImplied, let known = merged.node(at: entry.path), known.entry.kind == .directory else {
            return entry
        }
        var result = known.entry
        (result.path, result.isOpaque) = (entry.path, entry.isOpaque)
        return result
    }

    /// A hard link to a file of a layer below: overlayfs cannot express it, so the file is copied.
    private func writeLinkBelow(_ entry: LayerEntry, _ merged: MergedView, _ stack: [Layer], _ writer: TreeWriter)
        throws
    {
        guard let target = merged.file(of: entry, inLayer: merged.layers.count - 1) else {
            throw LayerError.unsafeMember("\(entry.path)", reason: "it links to a file that does not exist")
        }
        var copy = target.entry
        copy.path = entry.path
        copy.kind = .regular
        let contents = try layers.contents(of: stack[target.layer])
        try writer.write(copy, from: TreeWriter.Content(try contents.place(of: target.entry), owner: contents))
    }

    /// How many directories one overlay has below at most: `OVL_MAX_STACK`, and before Linux 6.7, where their names have to fit
    /// into the options of mount(2), fewer.
    static let largestOverlay = KernelRelease.current < KernelRelease(6, 7) ? 200 : 500

    /// Whether one overlay can have all layers of a stack below.
    public func fitOverlay(_ stack: [Layer]) throws -> Bool {
        guard stack.count > SnapshotStore.largestOverlay else { return true }
        var names: Set<Digest> = []
        for (position, layer) in stack.enumerated() {
            let index = try layers.index(of: layer)
            if index.count > 0 { names.insert(SnapshotStore.name(of: index, in: stack[...position])) }
        }
        return names.count <= SnapshotStore.largestOverlay
    }

    /// A place for a process to write to, on top of snapshots, lowest first.
    public func workspace(over lower: [Snapshot]) throws -> Workspace {
        let directory = try TemporaryDirectory(in: temporary)
        try FileOperations.createRoot(directory.path.appending("fs"))
        try FileOperations.createRoot(directory.path.appending("work"))
        guard !lower.isEmpty else {
            // Overlayfs wants something below, also where there is nothing: the first process on `scratch`.
            let nothing = directory.path.appending(SnapshotStore.nothing)
            try FileOperations.createRoot(nothing)
            return Workspace(directory: directory, lower: [Snapshot(files: nothing)])
        }
        return Workspace(directory: directory, lower: SnapshotStore.topmost(lower))
    }

    /// A place for a process to write to, on top of layers that prune leaves alone as long as the locks live.
    public func lockedWorkspace(over stack: [Layer]) throws -> (workspace: Workspace, locks: [FileLock]) {
        let lower = try snapshots(of: stack)
        return (try workspace(over: lower), try lower.compactMap { try $0.lock() })
    }

    /// The empty directory below a workspace that has no snapshots.
    fileprivate static let nothing = "nothing"

    /// Each snapshot once: overlayfs refuses a directory that it is given twice (ELOOP), as for two equal layers.
    ///
    /// Only the topmost place of a snapshot counts. There it has all the files, whiteouts and attributes that the lower
    /// places have, so nothing of those shows.
    private static func topmost(_ snapshots: [Snapshot]) -> [Snapshot] {
        var seen: Set<FilePath> = []
        return snapshots.reversed().filter { seen.insert($0.files).inserted }.reversed()
    }

    /// Removes all snapshots on which nothing runs.
    ///
    /// - Returns: How many are gone.
    @discardableResult
    public func prune() throws -> Int {
        try layers.store.entries(of: .snapshots).filter { try layers.store.remove($0) }.count
    }

    /// Keeps the written part of a workspace as the snapshot of the layer that was made of it.
    ///
    /// Only for a workspace on which nothing runs any more; it must not be used afterwards.
    public func adopt(_ workspace: Workspace, as layer: Layer) {
        let path = place(layer.diffID)
        // The holder of the lock unpacks this layer, which is as good.
        guard !isTrusted(path), let lock = try? layers.store.tryLock(key: layer.diffID) else { return }
        defer { _ = lock }
        guard !isTrusted(path) else { return }
        // A snapshot that cannot be kept is made again from its layer when it is needed.
        workspace.settle()
        try? FileOperations.removeTree(path)
        try? FileOperations.rename(workspace.directory.path, to: path)
    }
}

/// A writable root filesystem on top of snapshots: an overlay's upper directory with what it needs.
public final class Workspace: Sendable {
    fileprivate let directory: TemporaryDirectory
    private let isSettled = Mutex(false)
    /// What is below, lowest first.
    public let lower: [SnapshotStore.Snapshot]

    fileprivate init(directory: TemporaryDirectory, lower: [SnapshotStore.Snapshot]) {
        self.directory = directory
        self.lower = lower
    }

    /// What is below as overlayfs takes it, topmost first.
    public var directories: [FilePath] { lower.reversed().map(\.files) }
    /// Where everything that is written lands, in overlayfs's form.
    public var upper: FilePath { directory.path.appending("fs") }
    /// Overlayfs's scratch directory, good for one mount.
    public var work: FilePath { directory.path.appending("work") }

    /// Prepares the written part for becoming a snapshot, before anything waits for it.
    public func settle() {
        isSettled.withLock { isSettled in
            guard !isSettled else { return }
            isSettled = true
            // Without the mark it is not a snapshot, and everything else only takes up space.
            try? FileOperations.removeTree(work)
            try? FileOperations.removeTree(directory.path.appending(SnapshotStore.nothing))
            try? SnapshotStore.mark(directory)
        }
    }

    /// Moves the written part out of the directory for temporary files, where it would be removed with this value.
    ///
    /// - Parameter complete: Writes what belongs to it into its directory before.
    public func move(to path: FilePath, _ complete: (FilePath) throws -> Void) throws {
        try FileOperations.removeTree(work)
        try FileOperations.removeTree(directory.path.appending(SnapshotStore.nothing))
        try complete(directory.path)
        try FileOperations.rename(directory.path, to: path)
    }

    /// The written part as a lower directory for the next process; its files must not change any more.
    public var snapshot: SnapshotStore.Snapshot { .init(files: upper, owner: directory) }
}
