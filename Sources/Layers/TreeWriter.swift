internal import FileSystem
internal import Glibc
public import SystemPackage
public import Tar
internal import Threads

/// Writes layer entries as real files below a directory that is empty at the start.
///
/// Entries come parents first, as in a `LayerIndex`. Every step works relative to the descriptor of a directory that
/// this writer itself made, and follows no symbolic link, so nothing outside the directory can be touched.
public final class TreeWriter {
    /// How a removed path appears in the tree.
    public enum Whiteouts: Sendable {
        /// There are none, as in a merged view; an entry that is one is ignored.
        case none
        /// As overlayfs has them: a device 0:0, and `trusted.overlay.opaque` or, for ordinary users, `user.overlay.opaque`.
        case overlay
        /// What is there goes away, as does what an opaque directory hides; with `Existing.replaced`.
        case removed
    }

    /// What becomes of files that are there already.
    public enum Existing: Sendable {
        /// There are none: the directory is empty.
        case none
        /// Directories are kept, and everything else that is in the way is replaced.
        case replaced
        /// The same, but neither a directory by something else nor something else by a directory.
        case replacedByTheirKind
    }

    private struct OpenDirectory {
        let path: PathInRoot
        let entry: LayerEntry
    }

    /// Where the content of a file is.
    public struct Content: Sendable {
        let descriptor: Int32
        let offset: Int64
        let owner: (any AnyObject & Sendable)?

        /// - Parameter owner: What keeps the descriptor open; without one it need only be open during `write`.
        public init(_ place: (descriptor: Int32, offset: Int64), owner: (any AnyObject & Sendable)? = nil) {
            (descriptor, offset) = place
            self.owner = owner
        }
    }

    private let whiteouts: Whiteouts
    private let existing: Existing
    private let attributes: FileAttributes
    /// Files are filled on two threads; each that waits is open, and a process may have few files open.
    private let files = WorkQueue(.concurrent, limit: 32)
    /// The directories from the root down to the one written to last.
    private var open: [OpenDirectory]
    private let chain: DirectoryChain

    /// - Parameters:
    ///   - root: A directory that exists.
    ///   - descriptor: Of the directory where that is open already; `root` is only for messages then.
    public init(root: FilePath, descriptor: Int32? = nil, whiteouts: Whiteouts, existing: Existing = .none) throws {
        attributes = FileAttributes(root: root)
        self.whiteouts = whiteouts
        self.existing = existing
        chain = try descriptor.map { try DirectoryChain(root: $0, path: root) } ?? DirectoryChain(root: root)
        open = [OpenDirectory(path: .root, entry: .directory(.root))]
    }

    /// Writes one entry; the content of a file starts at `offset` of `descriptor`.
    ///
    /// - Throws: `SystemError`, `LayerError.inTheWay`, and `.unsafeMember` when a parent is not a directory.
    public func write(_ entry: LayerEntry, content: (descriptor: Int32, offset: Int64)? = nil) throws {
        try write(entry, from: content.map { Content($0) })
    }

    /// Writes one entry, whose content may be copied later, until `finish`, where it has an owner.
    ///
    /// - Throws: Also what earlier entries failed with.
    public func write(_ entry: LayerEntry, from content: Content?) throws {
        if entry.path.isRoot {
            try finishAttributes(of: entry, descriptor: chain.root)
            return
        }
        let directory = try enter(entry.path.parent)
        let name = entry.path.name.map { CChar(bitPattern: $0) } + [0]
        var isThere = try existing != .none && clear(entry, name, directory)
        if isThere, entry.isOpaque, whiteouts == .removed {
            try FileOperations.removeTree(FilePath("/proc/self/fd/\(directory)").appending(bytes: entry.path.name))
            isThere = false
        }
        switch entry.kind {
        case .regular:
            try writeFile(entry, name, directory, content)
        case .directory:
            if !isThere { try check(mkdirat(directory, name, 0o700), "create directory", entry) }
            try chain.enter(name)
            open.append(OpenDirectory(path: entry.path, entry: entry))
        case .symbolicLink:
            try check(
                symlinkat(entry.linkTarget.map { CChar(bitPattern: $0) } + [0], directory, name),
                "create link",
                entry
            )
            try setOwnerAndTimes(entry, name, directory)
        case .hardLink:
            try writeHardLink(entry, name, directory, content)
        case .characterDevice, .blockDevice, .fifo:
            let type = entry.kind == .fifo ? Glibc.S_IFIFO : entry.kind == .blockDevice ? Glibc.S_IFBLK : Glibc.S_IFCHR
            let device = entry.kind == .fifo ? 0 : dev_t(entry.deviceNumber)
            let result = mknodat(directory, name, type | mode_t(entry.permissions), device)
            if result != 0, Errno.current == .notPermitted {
                if !attributes.isPrivileged { try writeFile(entry, name, directory, nil) }
                return
            }
            try check(result, "create device", entry)
            try setOwnerAndTimes(entry, name, directory)
            try check(fchmodat(directory, name, mode_t(entry.permissions), 0), "set the mode of", entry)
        case .whiteout:
            if whiteouts == .overlay { try check(mknodat(directory, name, Glibc.S_IFCHR, 0), "create whiteout", entry) }
        }
    }

    /// Sets what can only be set when nothing more is written into the directories.
    public func finish() throws {
        try files.finish()
        while open.count > 1 { try leave() }
    }

    /// Makes room for an entry.
    ///
    /// - Returns: Whether a directory is there already where the entry is one too.
    private func clear(_ entry: LayerEntry, _ name: [CChar], _ directory: Int32) throws -> Bool {
        guard let old = FileStatus.of(name, in: directory) else { return false }
        if existing == .replacedByTheirKind, (old.kind == .directory) != (entry.kind == .directory) {
            throw LayerError.inTheWay(attributes.path(entry), isDirectory: old.kind == .directory)
        }
        if old.kind == .directory {
            if entry.kind == .directory { return true }
            try FileOperations.removeTree(FilePath("/proc/self/fd/\(directory)").appending(bytes: entry.path.name))
        } else {
            try check(unlinkat(directory, name, 0), "replace", entry)
        }
        return false
    }

    /// The descriptor of a directory that was written before.
    private func enter(_ path: PathInRoot) throws -> Int32 {
        while let last = open.last, !path.isWithin(last.path) { try leave() }
        guard let last = open.last, last.path == path else {
            throw LayerError.unsafeMember("\(path)", reason: "it is used as a directory but is not one")
        }
        return chain.descriptor
    }

    private func leave() throws {
        let directory = open.removeLast()
        try chain.leave { try finishAttributes(of: directory.entry, descriptor: $0) }
    }

    private func finishAttributes(of entry: LayerEntry, descriptor: Int32) throws {
        if entry.isOpaque, whiteouts == .overlay {
            // Root of a user namespace may not have the first.
            let isMarked = ["trusted.overlay.opaque", "user.overlay.opaque"].dropFirst(attributes.isPrivileged ? 0 : 1)
                .contains {
                    ExtendedAttribute(name: $0, value: [UInt8(ascii: "y")]).set(on: descriptor)
                }
            guard isMarked else { throw SystemError("mark as opaque", attributes.path(entry)) }
        }
        try attributes.set(entry, on: descriptor)
    }

    private func writeFile(
        _ entry: LayerEntry,
        _ name: [CChar],
        _ directory: Int32,
        _ content: Content?
    ) throws {
        let flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC
        guard let opened = OwnedDescriptor(openat(directory, name, flags, mode_t(entry.permissions & 0o777))) else {
            throw SystemError("create", attributes.path(entry))
        }
        let file = NewFile(opened, entry: entry, content: content, attributes: attributes)
        if content?.owner != nil { try files.add { try file.fill() } } else { try file.fill() }
    }

    /// A link to a file that this tree does not have, because a layer below has it, becomes a file of its own.
    private func writeHardLink(
        _ entry: LayerEntry,
        _ name: [CChar],
        _ directory: Int32,
        _ content: Content?
    ) throws {
        if try link(entry, name, directory) { return }
        guard content != nil, [.noSuchFileOrDirectory, .improperLink, .tooManyLinks].contains(Errno.current) else {
            throw SystemError("create link", attributes.path(entry))
        }
        try writeFile(entry, name, directory, content)
    }

    /// Links to a file written before, which is reached from the top through real directories only.
    private func link(_ entry: LayerEntry, _ name: [CChar], _ directory: Int32) throws -> Bool {
        let target = PathInRoot(entry.linkTarget)
        /// `nil` for the top.
        var holder: OwnedDescriptor?
        for component in target.components.dropLast() {
            let next = openat(
                holder.rawValue ?? chain.root,
                component.map { CChar(bitPattern: $0) } + [0],
                O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
            )
            holder = OwnedDescriptor(next)
            if holder == nil { return false }
        }
        let targetName = target.name.map { CChar(bitPattern: $0) } + [0]
        return linkat(holder.rawValue ?? chain.root, targetName, directory, name, 0) == 0
    }

    private func setOwnerAndTimes(_ entry: LayerEntry, _ name: [CChar], _ directory: Int32) throws {
        if attributes.isPrivileged {
            try check(
                fchownat(directory, name, entry.userID, entry.groupID, AT_SYMLINK_NOFOLLOW),
                "change the owner of",
                entry
            )
        }
        let isRecord = !attributes.isPrivileged && (entry.kind == .symbolicLink || entry.kind == .fifo)
        let owner = isRecord ? RecordedOwner(entry) : nil
        var times = [owner?.accessTime ?? attributes.time(entry), attributes.time(entry)]
        try check(utimensat(directory, name, &times, AT_SYMLINK_NOFOLLOW), "set the time of", entry)
    }

    private func check(_ result: Int32, _ operation: String, _ entry: LayerEntry) throws {
        try attributes.check(result, operation, entry)
    }
}

/// A regular file that was made, and its content.
private final class NewFile: Sendable {
    private let file: OwnedDescriptor
    private let entry: LayerEntry
    private let content: TreeWriter.Content?
    private let attributes: FileAttributes

    init(
        _ file: consuming OwnedDescriptor,
        entry: LayerEntry,
        content: TreeWriter.Content?,
        attributes: FileAttributes
    ) {
        self.file = file
        self.entry = entry
        self.content = content
        self.attributes = attributes
    }

    func fill() throws {
        if let content, entry.size > 0 {
            let copied = try FileOperations.copySparsely(
                from: content.descriptor,
                offset: content.offset,
                size: entry.size,
                to: file.rawValue,
                path: attributes.path(entry)
            )
            guard copied == entry.size else { throw LayerError.shortContent(attributes.path(entry)) }
        }
        try attributes.set(entry, on: file.rawValue)
    }
}

/// Sets what entries say of files and directories that are open.
private struct FileAttributes: Sendable {
    let root: FilePath
    /// An ordinary user can neither give files away nor make devices, and root of a user namespace no devices; the
    /// layer's index still knows.
    let isPrivileged = geteuid() == 0

    /// Owner, mode, extended attributes and time, where they are not right already, in the order in which each keeps the
    /// others: a change of owner takes setuid bits and capabilities away.
    func set(_ entry: LayerEntry, on descriptor: Int32) throws {
        let status = try FileStatus.of(descriptor: descriptor, path: path(entry))
        let changesOwner = isPrivileged && (status.userID != entry.userID || status.groupID != entry.groupID)
        if changesOwner { try check(fchown(descriptor, entry.userID, entry.groupID), "change the owner of", entry) }
        if changesOwner || status.permissions != entry.permissions {
            try check(fchmod(descriptor, mode_t(entry.permissions)), "set the mode of", entry)
        }
        try setExtendedAttributes(entry, descriptor)
        if !isPrivileged, let owner = RecordedOwner(entry) {
            // It takes the permission to write.
            try check(fchmod(descriptor, mode_t(entry.permissions | 0o200)), "set the mode of", entry)
            _ = ExtendedAttribute(name: RecordedOwner.attribute, value: owner.value).set(on: descriptor)
            try check(fchmod(descriptor, mode_t(entry.permissions)), "set the mode of", entry)
        }
        var times = [time(entry), time(entry)]
        try check(futimens(descriptor, &times), "set the time of", entry)
    }

    /// Attributes that this filesystem or user cannot have are left out, as `tar` and `cp` do.
    private func setExtendedAttributes(_ entry: LayerEntry, _ descriptor: Int32) throws {
        for attribute in entry.extendedAttributes {
            if !attribute.set(on: descriptor),
                ![.notSupported, .notPermitted, .permissionDenied].contains(Errno.current)
            {
                // Its reason may be that of a full disk, and means the attribute's place in the file.
                throw LayerError.attributeRefused(
                    name: attribute.name,
                    size: attribute.value.count,
                    path(entry),
                    Errno.current
                )
            }
        }
    }

    func time(_ entry: LayerEntry) -> timespec { timespec(tv_sec: Int(entry.modified), tv_nsec: 0) }

    func path(_ entry: LayerEntry) -> FilePath {
        root.appending(String(decoding: entry.path.bytes, as: UTF8.self))
    }

    func check(_ result: Int32, _ operation: String, _ entry: LayerEntry) throws {
        if result < 0 { throw SystemError(operation, path(entry)) }
    }
}
