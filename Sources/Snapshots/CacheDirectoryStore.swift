internal import ContentStore
internal import FileSystem
public import Layers
public import OCI
public import SystemPackage
public import Tar

/// The directories of `RUN --mount=type=cache`, which outlive the builds that fill them.
///
/// Each is `fs` in a directory of its own, which its users keep locked. A lock ends with its process, so a killed
/// build keeps no other waiting; what it wrote stays, as programs that keep caches expect.
public struct CacheDirectoryStore: Sendable {
    let store: Store

    public init(_ layers: LayerStore) {
        store = layers.store
    }

    /// What tells one cache from another.
    public struct Identity: Sendable, Hashable, CustomStringConvertible {
        public let id: String
        /// Of a new directory itself; `nil` for what the seed has.
        let permissions: UInt16?
        let userID: UInt32?
        let groupID: UInt32?
        /// Stands for the files that a new one begins with; `nil` for none.
        let seed: Digest?

        /// - Parameters without a value mean those of the seed, or 0755 and 0.
        public init(id: String, permissions: UInt16?, userID: UInt32?, groupID: UInt32?, seed: Digest?) {
            self.id = id
            self.permissions = permissions ?? (seed == nil ? 0o755 : nil)
            self.userID = userID ?? (seed == nil ? 0 : nil)
            self.groupID = groupID ?? (seed == nil ? 0 : nil)
            self.seed = seed
        }

        /// Everything on one line, as it stands beside the directory.
        public var description: String {
            let attributes = [
                permissions.map { String($0, radix: 8) }, userID.map { "\($0)" }, groupID.map { "\($0)" },
            ]
            return (attributes + [seed?.hex, id]).map { $0 ?? "-" }.joined(separator: " ")
        }

        /// What its directory is called, or that of a further one.
        public func name(_ number: Int = 0) -> Digest {
            SHA256Hasher.digest(of: Array((description + (number == 0 ? "" : "\n\(number)")).utf8))
        }
    }

    /// Who may use a cache at the same time; the stricter, the higher.
    public enum Sharing: Int, Sendable {
        case shared
        /// The second user gets a further directory.
        case `private`
        /// The second user waits.
        case locked
    }

    /// A directory of an image whose files a new cache begins with.
    public struct Seed: Sendable {
        let stack: LayerStack
        let path: PathInRoot

        /// - Parameter path: Of the directory, without symbolic links.
        public init(_ stack: LayerStack, path: PathInRoot) {
            self.stack = stack
            self.path = path
        }
    }

    /// A cache in use, as long as this value lives.
    public struct Directory: Sendable {
        /// What it is called in the store.
        public let name: String
        public let files: FilePath
        private let lock: FileLock

        fileprivate init(name: String, files: FilePath, lock: FileLock) {
            self.name = name
            self.files = files
            self.lock = lock
        }
    }

    /// Opens a cache, making it when it is new, unless a user of it forbids that.
    ///
    /// - Returns: `nil` when another process or step must end first.
    /// - Throws: `SystemError`, `LayerError`.
    public func tryOpen(_ identity: Identity, _ sharing: Sharing, seed: Seed?) throws -> Directory? {
        for number in 0... {
            let name = identity.name(number)
            let path = store[.mounts].appending(name.hex)
            let files = path.appending("fs")
            try store.reclaim(files)
            if isDamaged(path) {
                // Nobody can use what is in its place; the lock keeps what another process has just put there.
                let lock = try store.lock(key: name)
                defer { withExtendedLifetime(lock) {} }
                if isDamaged(path) { try FileOperations.removeTree(path) }
            }
            if FileStatus.ifPresent(path) == nil { try make(path, identity, seed.map { .image($0) } ?? .nothing) }
            if let lock = try FileLock.tryAcquire(path, sharing == .shared ? .shared : .exclusive) {
                FileOperations.touch(path)
                return Directory(name: name.hex, files: files, lock: lock)
            }
            if sharing != .private { return nil }
        }
        return nil
    }

    /// Opens an existing cache by its name in the store, waiting for a user who does not share it.
    ///
    /// - Throws: `SystemError`.
    public func open(_ name: String) throws -> Directory {
        let path = store[.mounts].appending(name)
        let files = path.appending("fs")
        guard FileStatus.ifPresent(files) != nil else {
            throw SystemError("open", files, errno: .noSuchFileOrDirectory)
        }
        return Directory(name: name, files: files, lock: try FileLock.acquire(path, .shared))
    }

    /// Whether there is something else than a cache: a cache appears whole.
    private func isDamaged(_ path: FilePath) -> Bool {
        let files = path.appending("fs")
        return FileStatus.ifPresent(path) != nil && FileStatus.ifPresent(files)?.kind != .directory
            && LentDirectory.place(of: files) == nil
    }

    /// What a new cache begins with.
    enum Beginning {
        case nothing
        case image(Seed)
        /// What others have kept of it, layer by layer.
        case shared(LayerStack)
    }

    func make(_ path: FilePath, _ identity: Identity, _ beginning: Beginning) throws {
        let work = try TemporaryDirectory(in: store[.temporary])
        let files = work.path.appending("fs")
        try FileOperations.createRoot(files)
        let writer = try TreeWriter(root: files, whiteouts: .none)
        var root = LayerEntry.directory(.root)
        (root.permissions, root.userID, root.groupID) =
            (identity.permissions ?? 0o755, identity.userID ?? 0, identity.groupID ?? 0)
        switch beginning {
        case .nothing: break
        case .image(let seed):
            try seed.stack.walk(seed.path) { entry, content in
                guard entry.path.isRoot else { return try writer.write(entry, content: content) }
                root = entry
                root.permissions = identity.permissions ?? entry.permissions
                root.userID = identity.userID ?? entry.userID
                root.groupID = identity.groupID ?? entry.groupID
            }
        case .shared(let stack):
            try stack.walk { entry, content in
                // Programs keep no devices in caches, and those of strangers are not wanted.
                guard ![.characterDevice, .blockDevice].contains(entry.kind) else { return }
                if entry.path.isRoot { root = entry } else { try writer.write(entry, content: content) }
            }
        }
        try writer.write(root)
        try writer.finish()
        try FileOperations.writeAtomically(
            Array("\(identity)\n".utf8),
            to: work.path.appending("identity"),
            temporary: store[.temporary]
        )
        if case .shared(let stack) = beginning {
            let state = SharedDirectoryState(stack.layers, at: try fileTime(), stack.view)
            try state.write(to: work.path, temporary: store[.temporary])
        }
        let renaming = Result { () throws(SystemError) in try FileOperations.rename(work.path, to: path) }
        // Another process may have been faster.
        if case .failure(let error) = renaming, ![.directoryNotEmpty, .fileExists].contains(error.errno) {
            throw error
        }
    }
}
