internal import FileSystem
internal import Glibc
internal import Layers
internal import SystemPackage

/// Writes a tree of files below a directory; no symbolic link in it, new or old, can lead the writing elsewhere.
///
/// Entries come sorted, parents first. Every step goes through an open directory with `O_NOFOLLOW`. What is there
/// already is kept where it is a directory, and replaced where it is anything else.
final class DirectoryTreeWriter {
    private struct Level {
        let entry: LayerEntry
        let descriptor: Int32
    }

    private let destination: FilePath
    private let isRoot = geteuid() == 0
    private var levels: [Level] = []

    init(_ destination: FilePath) throws {
        self.destination = destination
        try FileOperations.createDirectories(destination)
        let descriptor = try FileOperations.open(destination, O_RDONLY | O_DIRECTORY)
        levels.append(Level(entry: .directory(.root), descriptor: descriptor))
    }

    deinit {
        for level in levels { close(level.descriptor) }
    }

    func add(_ entry: LayerEntry, _ content: RootFilesystem.Content?) throws {
        // The destination itself is the caller's and keeps its attributes.
        guard !entry.path.isRoot else { return }
        while let level = levels.last, level.entry.path != entry.path.parent, levels.count > 1 { try leave() }
        guard let parent = levels.last, parent.entry.path == entry.path.parent else { throw failure("create", entry) }
        let name = entry.path.name.map { CChar(bitPattern: $0) } + [0]
        if entry.kind == .directory { return try enter(entry, name, parent.descriptor) }
        try removeOld(name, parent.descriptor, entry)
        switch entry.kind {
        case .regular: try writeFile(entry, name, parent.descriptor, content)
        case .hardLink: try linkFile(entry, name, parent.descriptor)
        case .symbolicLink:
            let target = entry.linkTarget.map { CChar(bitPattern: $0) } + [0]
            guard symlinkat(target, parent.descriptor, name) == 0 else { throw failure("create", entry) }
            setLinkAttributes(entry, name, parent.descriptor)
        case .characterDevice, .blockDevice, .fifo: try makeNode(entry, name, parent.descriptor)
        case .directory, .whiteout: break
        }
    }

    /// Gives the last directories their attributes; must be called at the end.
    func finish() throws {
        while levels.count > 1 { try leave() }
    }

    private func enter(_ entry: LayerEntry, _ name: [CChar], _ parent: Int32) throws {
        if FileStatus.of(name, in: parent)?.kind != .directory {
            try removeOld(name, parent, entry)
            guard mkdirat(parent, name, 0o700) == 0 else { throw failure("create directory", entry) }
        }
        let descriptor = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard descriptor >= 0 else { throw failure("open", entry) }
        fchmod(descriptor, 0o700)
        levels.append(Level(entry: entry, descriptor: descriptor))
    }

    /// Sets a directory's attributes once nothing more is written into it.
    private func leave() throws {
        let level = levels.removeLast()
        defer { close(level.descriptor) }
        try setAttributes(level.entry, level.descriptor)
    }

    private func removeOld(_ name: [CChar], _ parent: Int32, _ entry: LayerEntry) throws {
        guard let old = FileStatus.of(name, in: parent) else { return }
        if old.kind == .directory {
            // The name is looked up again below the open parent, so this stays inside.
            try FileOperations.removeTree(FilePath("/proc/self/fd/\(parent)").pushing(FilePath(platformString: name)))
        } else if unlinkat(parent, name, 0) != 0 {
            throw failure("replace", entry)
        }
    }

    private func writeFile(_ entry: LayerEntry, _ name: [CChar], _ parent: Int32, _ content: RootFilesystem.Content?)
        throws
    {
        let descriptor = openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("create", entry) }
        defer { close(descriptor) }
        if let content {
            let sink = DescriptorSink(descriptor: descriptor, path: shown(entry))
            try CopyLoop.copy(
                content.descriptor,
                offset: content.offset,
                size: entry.size,
                to: sink,
                path: shown(entry)
            )
        }
        try setAttributes(entry, descriptor)
    }

    /// Links to a file written before, reached from the top through real directories only.
    private func linkFile(_ entry: LayerEntry, _ name: [CChar], _ parent: Int32) throws {
        let target = PathInRoot(entry.linkTarget)
        var directory = levels[0].descriptor
        defer { if directory != levels[0].descriptor { close(directory) } }
        for component in target.components.dropLast() {
            let next = openat(
                directory,
                component.map { CChar(bitPattern: $0) } + [0],
                O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
            )
            guard next >= 0 else { throw failure("link", entry) }
            if directory != levels[0].descriptor { close(directory) }
            directory = next
        }
        let old = target.name.map { CChar(bitPattern: $0) } + [0]
        guard linkat(directory, old, parent, name, 0) == 0 else { throw failure("link", entry) }
    }

    private func makeNode(_ entry: LayerEntry, _ name: [CChar], _ parent: Int32) throws {
        let type: mode_t =
            switch entry.kind {
            case .characterDevice: Glibc.S_IFCHR
            case .blockDevice: Glibc.S_IFBLK
            default: Glibc.S_IFIFO
            }
        let device = entry.kind == .fifo ? 0 : Self.deviceNumber(entry)
        guard mknodat(parent, name, type | 0o600, device) == 0 else {
            // Without the privilege the tree is written without its devices, as `tar` does for ordinary users.
            if Errno.current == .notPermitted { return }
            throw failure("create", entry)
        }
        setLinkAttributes(entry, name, parent)
        // It was made just now in a directory that is open, and a node cannot be opened without effects.
        fchmodat(parent, name, mode_t(entry.permissions), 0)
    }

    /// `makedev`, a macro that Swift cannot import, in the layout of Linux (`sys/sysmacros.h`).
    private static func deviceNumber(_ entry: LayerEntry) -> dev_t {
        let (major, minor) = (dev_t(entry.deviceMajor), dev_t(entry.deviceMinor))
        return (major & 0xFFF) << 8 | (major & ~0xFFF) << 32 | (minor & 0xFF) | (minor & ~0xFF) << 12
    }

    /// Owner, attributes, mode and time of an open file, in the order in which each keeps the others.
    private func setAttributes(_ entry: LayerEntry, _ descriptor: Int32) throws {
        if isRoot, fchown(descriptor, entry.userID, entry.groupID) != 0 { throw failure("change the owner of", entry) }
        for attribute in entry.extendedAttributes {
            // Most need a privilege or a filesystem that has them; without them the file is still the file.
            _ = attribute.set(on: descriptor)
        }
        guard fchmod(descriptor, mode_t(entry.permissions)) == 0 else { throw failure("change the mode of", entry) }
        var times = [timespec(tv_sec: 0, tv_nsec: 0), timespec(tv_sec: Int(entry.modified), tv_nsec: 0)]
        times[0] = times[1]
        futimens(descriptor, times)
    }

    /// Owner and time of what is not opened: a symbolic link or a node.
    private func setLinkAttributes(_ entry: LayerEntry, _ name: [CChar], _ parent: Int32) {
        if isRoot { fchownat(parent, name, entry.userID, entry.groupID, AT_SYMLINK_NOFOLLOW) }
        let time = timespec(tv_sec: Int(entry.modified), tv_nsec: 0)
        utimensat(parent, name, [time, time], AT_SYMLINK_NOFOLLOW)
    }

    private func shown(_ entry: LayerEntry) -> FilePath {
        destination.pushing(FilePath(String(entry.path.description.dropFirst())))
    }

    private func failure(_ operation: String, _ entry: LayerEntry) -> SystemError {
        SystemError(operation, shown(entry))
    }
}
