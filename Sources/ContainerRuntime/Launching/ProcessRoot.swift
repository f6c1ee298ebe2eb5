internal import ContentStore
public import FileSystem
internal import Glibc
public import Layers
public import Sandbox
public import Snapshots
public import SystemPackage
public import Tar

/// A root filesystem with everything that is mounted in it, as long as this value lives.
public final class HeldFilesystem: Sendable {
    /// A directory of this machine, to which absolute links in it are not relative.
    public let root: FilePath
    private let process: SandboxProcess?
    private let resources: [any Sendable]

    init(_ root: FilePath, _ process: SandboxProcess?, _ resources: [any Sendable]) {
        (self.root, self.process, self.resources) = (root, process, resources)
    }

    deinit {
        process?.kill()
        _ = try? process?.wait()
    }
}

/// The writable root filesystem of one process.
public enum ProcessRoot: Sendable {
    case overlay(Workspace)
    /// A copy of all files, for machines that refuse an overlay, and how it looked at the start.
    case copy(TemporaryDirectory, TreeState)

    /// Copies all files of an image.
    public static func copying(_ stack: LayerStack, in snapshots: SnapshotStore) throws -> ProcessRoot {
        let directory = try TemporaryDirectory(in: snapshots.layers.store[.temporary])
        let path = directory.path.appending("fs")
        try FileOperations.createRoot(path)
        let writer = try TreeWriter(root: path, whiteouts: .none)
        try stack.walk { try writer.write($0, content: $1) }
        try writer.finish()
        return .copy(directory, try TreeState(of: path))
    }

    /// The copy on which a process has run, for the next one, with the files of the layers since.
    ///
    /// - Parameter count: How many of the layers are new.
    /// - Throws: `LayerError`, `SystemError`; the copy is of no use then.
    public func updated(to layers: [Layer], adding count: Int, in snapshots: SnapshotStore) throws -> ProcessRoot {
        guard case .copy(let directory, let before) = self, count > 0 else { return self }
        try snapshots.update(files, to: layers, adding: count)
        return .copy(directory, try TreeState(of: files, since: before))
    }

    /// What the sandbox takes.
    public var sandbox: SandboxRoot {
        switch self {
        case .overlay(let workspace):
            .overlay(lower: workspace.directories, upper: workspace.upper, work: workspace.work)
        case .copy: .directory(files)
        }
    }

    /// The overlay's upper part; `nil` for a copy.
    public var workspace: Workspace? {
        if case .overlay(let workspace) = self { workspace } else { nil }
    }

    /// Takes away what was made only to mount something on it; nothing may run on the root any more.
    ///
    /// Docker leaves `/proc` and `/sys` in an image that had none (BuildKit). A directory in which there is something
    /// stays, and so does a file that is not empty any more. No link is followed: the process may have put one in a
    /// directory's place.
    ///
    /// - Parameter withContent: Whether files had to be made with content, where nothing could be mounted on them.
    public func remove(_ mountPoints: [CreatedMountPoint], withContent: Bool = false) {
        for point in mountPoints.reversed() where point.path != "/proc" && point.path != "/sys" {
            let names = PathInRoot(point.path).components.map { $0.map { CChar(bitPattern: $0) } + [0] }
            guard let name = names.last, let chain = try? DirectoryChain(root: files),
                (try? names.dropLast().forEach { try chain.enter($0) }) != nil
            else { continue }
            if !point.isDirectory, !withContent {
                var status = stat()
                guard fstatat(chain.descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0,
                    status.st_mode & S_IFMT == S_IFREG, status.st_size == 0
                else { continue }
            }
            unlinkat(chain.descriptor, name, point.isDirectory ? AT_REMOVEDIR : 0)
        }
    }

    /// Moves everything that the process wrote out of the directory for temporary files; it is in `fs` then.
    ///
    /// Only for a root on which no process runs any more; it must not be used afterwards.
    ///
    /// - Parameter complete: Writes what belongs to it into its directory before.
    public func move(to path: FilePath, _ complete: (FilePath) throws -> Void) throws {
        switch self {
        case .overlay(let workspace): try workspace.move(to: path, complete)
        case .copy(let directory, _):
            try complete(directory.path)
            try FileOperations.rename(directory.path, to: path)
        }
    }

    /// Where everything is that the process changed.
    var files: FilePath {
        switch self {
        case .overlay(let workspace): workspace.upper
        case .copy(let directory, _): directory.path.appending("fs")
        }
    }

    /// Makes a layer of what the process changed; nothing may run on the root any more.
    ///
    /// - Parameter untouched: What was somewhere else while the process ran.
    /// - Returns: The layer, and the root as the next process finds it.
    public func capture(
        _ capture: LayerCapture,
        untouched: Set<PathInRoot> = [],
        in layers: LayerStore
    ) throws -> (layer: Layer, root: ProcessRoot) {
        switch self {
        case .overlay(let workspace): return (try capture.layer(of: workspace, in: layers), self)
        case .copy(let directory, let before):
            let (layer, state) = try capture.layer(ofChanged: files, since: before, untouched: untouched, in: layers)
            return (layer, .copy(directory, state))
        }
    }
}
