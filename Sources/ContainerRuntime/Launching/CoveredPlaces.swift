internal import ContentStore
internal import FileSystem
internal import Glibc
internal import Layers
internal import Sandbox
internal import Synchronization
internal import SystemPackage
internal import Tar

/// What takes the place of mounts in a root directory where nothing can be mounted: what is there is put aside as long as
/// the process runs, and what is to be seen instead is moved or written there.
///
/// Nothing is read-only then, a cache has one user at a time, and of the machine's files there are copies.
final class CoveredPlaces: Sendable {
    private struct State: Sendable {
        var displaced: DisplacedFiles?
        /// How many files are aside.
        var asideCount = 0
        /// Where something was before, by the file.
        var covered: [FilePath: PathInRoot] = [:]
        var created: [CreatedMountPoint] = []
        /// Where that is which was borrowed, and what keeps others from it.
        var borrowed: [FilePath: (path: PathInRoot, lock: FileLock)] = [:]
    }

    private let root: FilePath
    private let store: Store
    private let state = Mutex(State())

    /// Has the list of what is moved, and what is aside: on the same filesystem as the root.
    private var directory: FilePath { root.removingLastComponent() }
    private var side: FilePath { directory.appending("aside") }

    /// - Parameter root: In a directory of its own.
    init(_ root: FilePath, _ store: Store) {
        (self.root, self.store) = (root, store)
    }

    deinit { _ = restore() }

    /// Shows everything; first what a killed process has left is put back.
    ///
    /// - Throws: `SandboxError` for the first mount that cannot be shown.
    func cover(_ mounts: [SandboxMount]) throws(SandboxError) {
        do {
            try DisplacedFiles.restore(in: directory)
            let displaced = try DisplacedFiles(in: directory)
            state.withLock { $0.displaced = displaced }
        } catch {
            throw .unusable("/", error.errno)
        }
        for place in ["/dev", "/proc", "/sys"]
        where FileStatus.ifPresent(root.appending(String(place.dropFirst()))) != nil {
            do {
                try state.withLock { state in
                    let target = try resolve(place, creating: nil, &state)
                    try putAside(target, &state)
                    try FileOperations.createRoot(target.file)
                }
            } catch {
                throw .unusable(place, (error as? SystemError)?.errno ?? .notSupported)
            }
        }
        for (index, mount) in mounts.enumerated() {
            do {
                try state.withLock { try show(mount, &$0) }
            } catch is Borrowed {
                throw .borrowed(mount.target, at: index)
            } catch let error as NeedsMount {
                throw .uncopied(error.source, on: mount.target, at: index)
            } catch let error as SystemError {
                throw .unmountable(mounts, at: index, error.errno)
            } catch {
                throw .unmountable(mounts, at: index, .notSupported)
            }
        }
    }

    /// Puts everything back.
    ///
    /// - Returns: What was made only to show something on it, and what is again where it was, untouched.
    func restore() -> (created: [CreatedMountPoint], restored: Set<PathInRoot>) {
        state.withLock { state in
            defer { (state.displaced, state.borrowed) = (nil, [:]) }
            guard state.displaced != nil, let restored = try? DisplacedFiles.restore(in: directory) else {
                return (state.created, [])
            }
            try? FileOperations.removeTree(side)
            return (state.created, Set(restored.compactMap { state.covered[$0] }))
        }
    }

    private typealias Target = (file: FilePath, path: PathInRoot)

    private func show(_ mount: SandboxMount, _ state: inout State) throws {
        var source: FilePath?
        switch mount.source {
        case .bind(let path, _): source = path.starts(with: store.root) ? path : CoveredPlaces.resolved(path)
        case .bindInside(let directory, let path, _):
            var ignored = State()
            source = try CoveredPlaces.resolve(path, in: directory, creating: nil, &ignored).file
        case .content, .memory: break
        case .overlay, .device: throw SystemError("mount", FilePath(mount.target), errno: .notSupported)
        }
        let isOfMachine = source.map { !$0.starts(with: store.root) } ?? false
        let first = source.flatMap { state.borrowed[$0]?.path }
        var lock: FileLock?
        if let source, !isOfMachine, first == nil {
            lock = try store.tryHold(source)
            if lock == nil { throw Borrowed() }
        }
        if let source, isOfMachine, !mount.isReadOnly { throw NeedsMount(source: source) }
        let isDirectory =
            if case .memory = mount.source { true } else {
                source.map { FileStatus.ifPresent(LentDirectory.place(of: $0) ?? $0)?.kind == .directory } ?? false
            }
        let target = try resolve(mount.target, creating: mount.createsTarget ? isDirectory : nil, &state)
        if target.path.isRoot { throw SystemError("mount", FilePath(mount.target), errno: .resourceBusy) }
        if let first = target.path.components.first, [Array("proc".utf8), Array("sys".utf8)].contains(Array(first)) {
            throw SystemError("mount", FilePath(mount.target), errno: .notPermitted)
        }
        if let there = FileStatus.ifPresent(target.file), (there.kind == .directory) != isDirectory {
            throw SystemError("mount", target.file, errno: isDirectory ? .notDirectory : .isDirectory)
        }
        try putAside(target, &state)
        if let first { return try link(target.file, to: first) }
        if let source, isOfMachine { return try CoveredPlaces.copy(source, to: target.file) }
        if let source {
            state.borrowed[source] = lock.map { (target.path, $0) }
            return try state.displaced?.borrow(source, to: target.file) ?? ()
        }
        switch mount.source {
        case .content(let bytes, let permissions, let owner):
            let file = try OwnedDescriptor(target.file, O_WRONLY | O_CREAT | O_EXCL, 0o600)
            try bytes.withUnsafeBytes { try FileOperations.write($0, to: file.rawValue, path: target.file) }
            fchown(file.rawValue, owner.userID, owner.groupID)
            fchmod(file.rawValue, mode_t(permissions))
        case .memory(_, let permissions, let owner, _):
            try FileOperations.createRoot(target.file)
            chown(target.file.string, owner.userID, owner.groupID)
            chmod(target.file.string, mode_t(permissions))
        default: break
        }
    }

    /// Shows in a second place what is in another one of the root already.
    private func link(_ file: FilePath, to path: PathInRoot) throws {
        guard symlink("/\(path)", file.string) == 0 else { throw SystemError("make a link", file) }
    }

    /// Another process has it.
    private struct Borrowed: Error {}

    /// What is written to a copy of the machine's files would be lost.
    private struct NeedsMount: Error {
        let source: FilePath
    }

    private static func resolved(_ path: FilePath) -> FilePath {
        let found = realpath(path.string, nil)
        defer { free(found) }
        return found.map { FilePath(String(cString: $0)) } ?? path
    }

    /// Copies a file of the machine's, or a directory with all that is in it.
    private static func copy(_ source: FilePath, to target: FilePath) throws {
        let name = source.lastComponent.map { Array($0.string.utf8) }
        let kind = try FileStatus.of(source).kind
        guard kind == .directory || kind == .regular else {
            throw SystemError("copy", source, errno: .notSupported)
        }
        let isDirectory = kind == .directory
        let root = isDirectory ? source : source.removingLastComponent()
        var reader = TreeReader(root: root, whiteouts: .none, names: isDirectory ? nil : name.map { [$0] })
        if isDirectory { try FileOperations.createRoot(target) }
        let top = isDirectory ? target : target.removingLastComponent()
        let writer = try TreeWriter(root: top, whiteouts: .none)
        try reader.read { entry, place in
            var entry = entry
            if !isDirectory { entry.path = PathInRoot(Array(target.lastComponent?.string.utf8 ?? "".utf8)) }
            let file = try entry.kind == .regular ? OpenFile(place.open()) : nil
            try writer.write(entry, content: file.map { ($0.descriptor, 0) })
            return true
        }
        try writer.finish()
    }

    private static func linkTarget(_ file: FilePath) -> [UInt8]? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(file.string, &buffer, buffer.count)
        return count < 0 ? nil : buffer[..<count].map { UInt8(bitPattern: $0) }
    }

    private func putAside(_ target: Target, _ state: inout State) throws {
        guard FileStatus.ifPresent(target.file) != nil else { return try state.displaced?.make(target.file) ?? () }
        if FileStatus.ifPresent(side) == nil { try FileOperations.createRoot(side, permissions: 0o700) }
        try state.displaced?.putAside(target.file, as: side.appending("\(state.asideCount)"))
        state.asideCount += 1
        state.covered[target.file] = target.path
    }

    private func resolve(_ path: String, creating isDirectory: Bool?, _ state: inout State) throws -> Target {
        try CoveredPlaces.resolve(path, in: root, creating: isDirectory, &state)
    }

    /// Follows a path link by link, none of which leads out of a directory, and makes what is missing.
    ///
    /// - Parameter isDirectory: Of what is to be made at the end; `nil` where nothing is.
    private static func resolve(
        _ path: String,
        in root: FilePath,
        creating isDirectory: Bool?,
        _ state: inout State
    ) throws -> Target {
        var rest = Array(PathInRoot(path).components.map { Array($0) }.reversed())
        var done: [[UInt8]] = []
        var links = 0
        while let name = rest.popLast() {
            if name == Array("..".utf8) {
                _ = done.popLast()
                continue
            }
            if name == Array(".".utf8) { continue }
            done.append(name)
            let found = PathInRoot(Array(done.joined(separator: [UInt8(ascii: "/")])))
            let file = root.appending(bytes: found.bytes)
            guard let status = FileStatus.ifPresent(file) else {
                guard let isDirectory else { throw SystemError("find", file, errno: .noSuchFileOrDirectory) }
                let makesDirectory = isDirectory || !rest.isEmpty
                if makesDirectory {
                    try FileOperations.createRoot(file)
                } else {
                    _ = try OwnedDescriptor(file, O_WRONLY | O_CREAT | O_EXCL, 0o755)
                }
                state.created.append(CreatedMountPoint(path: "\(found)", isDirectory: makesDirectory))
                continue
            }
            guard status.kind == .symbolicLink else { continue }
            links += 1
            guard links <= 40, let target = linkTarget(file) else {
                throw SystemError("follow", file, errno: .tooManySymbolicLinkLevels)
            }
            if target.first == UInt8(ascii: "/") { done = [] } else { done.removeLast() }
            rest += target.split(separator: UInt8(ascii: "/")).map { Array($0) }.reversed()
        }
        let found = PathInRoot(Array(done.joined(separator: [UInt8(ascii: "/")])))
        return (root.appending(bytes: found.bytes), found)
    }
}
