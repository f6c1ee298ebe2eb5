import ContentStore
public import FileSystem
import Glibc
import Layers
public import SystemPackage
import Tar

extension CopyRoot {
    /// The members of an archive, to be unpacked in place of the file; `nil` for any other file.
    ///
    /// - Parameters:
    ///   - status: What the file must be, before it is read and after.
    ///   - temporary: The directory for the contents of the members.
    /// - Throws: `ChangedWhileCopied`, `LayerError`, `SystemError`.
    public init?(membersOf path: FilePath, name: [UInt8], expecting status: FileStatus?, temporary: FilePath) throws {
        let descriptor = try FileOperations.open(path, O_RDONLY | O_NOFOLLOW)
        defer { close(descriptor) }
        func check() throws {
            if let status, try !FileStatus.of(descriptor: descriptor, path: path).isSameContent(as: status) {
                throw ChangedWhileCopied(path: path)
            }
        }
        try check()
        let shownName = "`\(String(decoding: name, as: UTF8.self))`"
        guard try ArchiveReader.isArchive(descriptor: descriptor, name: shownName) else { return nil }
        let items = try ArchiveMembers.read(descriptor: descriptor, name: shownName, temporary: temporary)
        try check()
        // Zeros read as an archive without members: such a file, a blank disk image for one, is only copied.
        guard !items.isEmpty else { return nil }
        self.init(name: name, isDirectory: true, items: .list(items), isArchive: true)
    }
}

/// The members of an archive as things to copy, their contents spooled so that they can be written in any order.
private struct ArchiveMembers {
    private let reader: ArchiveReader
    private let spool: TemporaryFile
    private var output: SparseWriter
    private var items: [CopyItem] = []
    /// The position of the latest member at each path, where links of the archive lead to it.
    private var places: [PathInRoot: Int] = [:]
    /// Where the directory used last is: archives list files of one directory together.
    private var current: (directory: PathInRoot, place: PathInRoot)?

    /// Reads a whole archive; contents go through one temporary file, so memory stays flat.
    static func read(descriptor: Int32, name: String, temporary: FilePath) throws -> [CopyItem] {
        var members = try ArchiveMembers(descriptor: descriptor, name: name, temporary: temporary)
        while let entry = try members.reader.next() { try members.add(entry) }
        try members.output.finish()
        return members.items
    }

    private init(descriptor: Int32, name: String, temporary: FilePath) throws {
        reader = try ArchiveReader(descriptor: descriptor, name: name)
        spool = try TemporaryFile(in: temporary, permissions: 0o600)
        output = SparseWriter(descriptor: spool.descriptor, path: spool.path)
    }

    private mutating func add(_ entry: LayerEntry) throws {
        var item = CopyItem(entry: entry)
        switch entry.kind {
        case .regular: item = try spooled(entry)
        // A further name of anything: only files can have several in a layer, and need to.
        case .hardLink: item = try target(of: entry)
        default: break
        }
        places[place(of: entry.path)] = items.count
        items.append(item)
        if item.entry.kind != .regular { current = nil }
    }

    private mutating func spooled(_ entry: LayerEntry) throws -> CopyItem {
        var entry = entry
        var hasher = SHA256Hasher()
        let start = output.count
        var output = output
        try reader.readContent { bytes in
            hasher.update(bytes)
            try output.write(bytes)
        }
        self.output = output
        entry.contentDigest = hasher.finish()
        return CopyItem(
            entry: entry,
            content: .temporary(spool, offset: start),
            identity: .archive(ObjectIdentifier(spool), start, entry.path)
        )
    }

    private mutating func target(of link: LayerEntry) throws -> CopyItem {
        guard let position = places[place(of: PathInRoot(link.linkTarget))], items[position].entry.kind != .directory
        else {
            throw LayerError.unsafeMember("\(link.path)", reason: "it links to a file that is not in the archive")
        }
        var item = items[position]
        item.entry.path = link.path
        return item
    }

    /// A path with the links in it followed, but for the last one; what is not in the archive is taken as it is written.
    private mutating func place(of path: PathInRoot) -> PathInRoot {
        let directory = path.parent
        if let current, current.directory == directory { return current.place.joiningCleaned(Array(path.name)) }
        let place = (try? MergedView.resolve(directory) { path in places[path].map { items[$0].entry } }) ?? directory
        current = (directory, place)
        return place.joiningCleaned(Array(path.name))
    }
}
