internal import FileSystem
internal import Glibc
public import SystemPackage

/// Unpacks an archive into an empty directory as the files of a build context, where owners do not count, or among the
/// files of a container, where they do.
///
/// Members may come in any order and more than once; the last one counts, as with `tar`. Every path is walked from the
/// directory down without following links, so nothing outside can be touched: a member below a link is an error.
public final class ArchiveUnpacker {
    private let root: FilePath
    private let top: OwnedDescriptor
    /// Whether what is there already is the user's, so that nothing is replaced by another kind, and owners and devices
    /// are kept.
    private let isInUse: Bool
    /// Modes and times of directories, set at the end: what is put into them changes the times.
    private var directories: [PathInRoot: LayerEntry] = [:]
    /// What was left out; further names of it are left out too.
    private var devices: Set<PathInRoot> = []
    /// The directory used last, since archives list files of one directory together.
    private var current: (path: PathInRoot, directory: OpenFile)?

    public init(root: FilePath) throws {
        self.root = root
        top = try OwnedDescriptor(root, O_RDONLY | O_DIRECTORY)
        isInUse = false
    }

    /// Unpacks into a directory in which there may be something.
    ///
    /// Members get the owners that they say, as far as this user can set them. A directory is not replaced by something
    /// else, nor something else by a directory.
    ///
    /// - Parameters:
    ///   - descriptor: Of the directory; it stays the caller's.
    ///   - root: For messages.
    public init(existing descriptor: Int32, root: FilePath) throws {
        self.root = root
        top = try OwnedDescriptor(duplicating: descriptor, path: root)
        isInUse = true
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
            let directory = try open(path, for: entry)
            try finish(entry, directory.rawValue)
        }
        return count
    }

    private func unpack(_ entry: LayerEntry, _ reader: ArchiveReader) throws {
        if entry.kind == .directory {
            _ = try open(entry.path, for: entry, creating: true)
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
            try setOwner(entry, name, directory)
            var times = times(entry)
            try check(utimensat(directory, name, &times, AT_SYMLINK_NOFOLLOW), "set the time of", entry)
        case .fifo:
            try check(mknodat(directory, name, S_IFIFO | mode_t(entry.permissions), 0), "create", entry)
            try setOwner(entry, name, directory)
        case .characterDevice, .blockDevice:
            // A context is unpacked by anybody, anywhere: nothing in it may be a door to a device.
            guard isInUse, geteuid() == 0 else {
                devices.insert(entry.path)
                return
            }
            let type = entry.kind == .blockDevice ? S_IFBLK : S_IFCHR
            let device = dev_t(entry.deviceNumber)
            try check(mknodat(directory, name, type | mode_t(entry.permissions), device), "create device", entry)
            try setOwner(entry, name, directory)
        case .whiteout, .directory: break
        }
    }

    private func setOwner(_ entry: LayerEntry, _ name: [CChar], _ directory: Int32) throws {
        guard isInUse, geteuid() == 0 else { return }
        let result = fchownat(directory, name, entry.userID, entry.groupID, AT_SYMLINK_NOFOLLOW)
        try check(result, "change the owner of", entry)
    }

    private func writeFile(_ entry: LayerEntry, _ name: [CChar], _ directory: Int32, _ reader: ArchiveReader) throws {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        guard let file = OwnedDescriptor(openat(directory, name, flags, 0o600)) else {
            throw SystemError("create", path(entry))
        }
        var output = SparseWriter(descriptor: file.rawValue, path: path(entry))
        try reader.readContent { try output.write($0) }
        try output.finish()
        try finish(entry, file.rawValue)
    }

    private func link(_ entry: LayerEntry, _ name: [CChar], _ directory: Int32) throws {
        let target = PathInRoot(entry.linkTarget)
        guard !devices.contains(target) else {
            devices.insert(entry.path)
            return
        }
        let holder = try open(target.parent, for: entry)
        let targetName = target.name.map { CChar(bitPattern: $0) } + [0]
        try check(linkat(holder.rawValue, targetName, directory, name, 0), "create link", entry)
    }

    private func finish(_ entry: LayerEntry, _ descriptor: Int32) throws {
        if isInUse, geteuid() == 0 {
            try check(fchown(descriptor, entry.userID, entry.groupID), "change the owner of", entry)
        }
        try check(fchmod(descriptor, mode_t(entry.permissions)), "set the mode of", entry)
        // Attributes that this filesystem or user cannot have are left out, as `tar` does.
        for attribute in entry.extendedAttributes { _ = attribute.set(on: descriptor) }
        var times = times(entry)
        try check(futimens(descriptor, &times), "set the time of", entry)
    }

    private func clear(_ name: [CChar], in directory: Int32, _ entry: LayerEntry) throws {
        guard let old = FileStatus.of(name, in: directory) else { return }
        if isInUse, old.kind == .directory { throw LayerError.inTheWay(path(entry), isDirectory: true) }
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
        if let current, current.path == parent { return current.directory.descriptor }
        let directory = OpenFile(try open(parent, for: entry, creating: true))
        current = (parent, directory)
        return directory.descriptor
    }

    /// A new descriptor of a directory, walked to from the top.
    private func open(_ path: PathInRoot, for entry: LayerEntry, creating: Bool = false) throws -> OwnedDescriptor {
        var directory = try OwnedDescriptor(duplicating: top.rawValue, path: self.path(entry))
        for component in path.components {
            let name = component.map { CChar(bitPattern: $0) } + [0]
            var opened = openat(directory.rawValue, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            if opened < 0, creating, Errno.current == .noSuchFileOrDirectory {
                mkdirat(directory.rawValue, name, 0o755)
                opened = openat(directory.rawValue, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
                // Whatever the umask is.
                if opened >= 0 { fchmod(opened, 0o755) }
            }
            guard let next = OwnedDescriptor(opened) else {
                let error = Errno.current
                guard error == .notDirectory || error == .tooManySymbolicLinkLevels || error == .noSuchFileOrDirectory
                else { throw SystemError("open", self.path(entry), errno: error) }
                throw LayerError.unsafeMember("\(entry.path)", reason: "`\(path)` is not a directory in the archive")
            }
            directory = next
        }
        return directory
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
