internal import FileSystem
internal import Glibc
public import SystemPackage

/// Unpacks an archive into an empty directory as the files of a build context: owners do not count there.
///
/// Members may come in any order and more than once; the last one counts, as with `tar`. Every path is walked from the
/// directory down without following links, so nothing outside can be touched: a member below a link is an error.
public final class ArchiveUnpacker {
    private let root: FilePath
    private let rootDescriptor: Int32
    /// Modes and times of directories, set at the end: what is put into them changes the times.
    private var directories: [PathInRoot: LayerEntry] = [:]
    /// What was left out; further names of it are left out too.
    private var devices: Set<PathInRoot> = []
    /// The directory used last, since archives list files of one directory together.
    private var current: (path: PathInRoot, descriptor: Int32)?

    public init(root: FilePath) throws {
        self.root = root
        rootDescriptor = try FileOperations.open(root, O_RDONLY | O_DIRECTORY)
    }

    deinit {
        if let current { close(current.descriptor) }
        close(rootDescriptor)
    }

    /// Unpacks everything.
    ///
    /// - Returns: The number of members.
    /// - Throws: `LayerError`, `SystemError`.
    @discardableResult
    public func unpack(_ reader: ArchiveReader) throws -> Int {
        var count = 0
        while let entry = try reader.next() {
            count += 1
            try unpack(entry, reader)
        }
        for (path, entry) in directories.sorted(by: { $0.key.bytes.count > $1.key.bytes.count }) {
            let descriptor = try open(path, for: entry)
            defer { close(descriptor) }
            try finish(entry, descriptor)
        }
        return count
    }

    private func unpack(_ entry: LayerEntry, _ reader: ArchiveReader) throws {
        if entry.kind == .directory {
            close(try open(entry.path, for: entry, creating: true))
            directories[entry.path] = entry
            return
        }
        let directory = try parent(of: entry)
        devices.remove(entry.path)
        let name = entry.path.name.map { CChar(bitPattern: $0) } + [0]
        try clear(name, in: directory, entry)
        switch entry.kind {
        case .regular: try writeFile(entry, name, directory, reader)
        case .hardLink: try link(entry, name, directory)
        case .symbolicLink:
            let target = entry.linkTarget.map { CChar(bitPattern: $0) } + [0]
            try check(symlinkat(target, directory, name), "create link", entry)
            var times = times(entry)
            try check(utimensat(directory, name, &times, AT_SYMLINK_NOFOLLOW), "set the time of", entry)
        case .fifo: try check(mknodat(directory, name, S_IFIFO | mode_t(entry.permissions), 0), "create", entry)
        // A context is unpacked by anybody, anywhere: nothing in it may be a door to a device.
        case .characterDevice, .blockDevice: devices.insert(entry.path)
        case .whiteout, .directory: break
        }
    }

    private func writeFile(_ entry: LayerEntry, _ name: [CChar], _ directory: Int32, _ reader: ArchiveReader) throws {
        let descriptor = openat(directory, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        try check(descriptor, "create", entry)
        defer { close(descriptor) }
        var output = SparseWriter(descriptor: descriptor, path: path(entry))
        try reader.readContent { try output.write($0) }
        try output.finish()
        try finish(entry, descriptor)
    }

    private func link(_ entry: LayerEntry, _ name: [CChar], _ directory: Int32) throws {
        let target = PathInRoot(entry.linkTarget)
        guard !devices.contains(target) else {
            devices.insert(entry.path)
            return
        }
        let holder = try open(target.parent, for: entry)
        defer { close(holder) }
        let targetName = target.name.map { CChar(bitPattern: $0) } + [0]
        try check(linkat(holder, targetName, directory, name, 0), "create link", entry)
    }

    private func finish(_ entry: LayerEntry, _ descriptor: Int32) throws {
        try check(fchmod(descriptor, mode_t(entry.permissions)), "set the mode of", entry)
        // Attributes that this filesystem or user cannot have are left out, as `tar` does.
        for attribute in entry.extendedAttributes { _ = attribute.set(on: descriptor) }
        var times = times(entry)
        try check(futimens(descriptor, &times), "set the time of", entry)
    }

    private func clear(_ name: [CChar], in directory: Int32, _ entry: LayerEntry) throws {
        guard let old = FileStatus.of(name, in: directory) else { return }
        if old.kind == .directory {
            try FileOperations.removeTree(FilePath("/proc/self/fd/\(directory)").appending(bytes: entry.path.name))
            directories = directories.filter { !$0.key.isWithin(entry.path) }
        } else {
            try check(unlinkat(directory, name, 0), "replace", entry)
        }
    }

    // MARK: - Directories

    private func parent(of entry: LayerEntry) throws -> Int32 {
        let parent = entry.path.parent
        if let current, current.path == parent { return current.descriptor }
        let descriptor = try open(parent, for: entry, creating: true)
        if let current { close(current.descriptor) }
        current = (parent, descriptor)
        return descriptor
    }

    /// A new descriptor of a directory, walked to from the top.
    private func open(_ path: PathInRoot, for entry: LayerEntry, creating: Bool = false) throws -> Int32 {
        var descriptor = fcntl(rootDescriptor, F_DUPFD_CLOEXEC, 0)
        try check(descriptor, "open", entry)
        for component in path.components {
            let name = component.map { CChar(bitPattern: $0) } + [0]
            var next = openat(descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            if next < 0, creating, Errno.current == .noSuchFileOrDirectory {
                mkdirat(descriptor, name, 0o755)
                next = openat(descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                // Whatever the umask is.
                if next >= 0 { fchmod(next, 0o755) }
            }
            let error = Errno.current
            close(descriptor)
            guard next >= 0 else {
                guard error == .notDirectory || error == .tooManySymbolicLinkLevels || error == .noSuchFileOrDirectory
                else { throw SystemError("open", self.path(entry), errno: error) }
                throw LayerError.unsafeMember("\(entry.path)", reason: "`\(path)` is not a directory in the archive")
            }
            descriptor = next
        }
        return descriptor
    }

    private func times(_ entry: LayerEntry) -> [timespec] {
        let time = timespec(tv_sec: Int(entry.modified), tv_nsec: 0)
        return [time, time]
    }

    private func path(_ entry: LayerEntry) -> FilePath { root.appending(bytes: entry.path.bytes) }

    private func check(_ result: Int32, _ operation: String, _ entry: LayerEntry) throws {
        if result < 0 { throw SystemError(operation, path(entry)) }
    }
}
