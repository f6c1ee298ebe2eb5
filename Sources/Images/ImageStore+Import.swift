internal import ContentStore
internal import FileSystem
internal import Glibc
internal import Layers
public import OCI
public import SystemPackage

extension ImageStore {
    /// Makes an image with one layer of a root filesystem, given as a tar archive or a directory.
    ///
    /// The layer is written anew: sorted, with owners, modes, links and extended attributes as they are, so that the
    /// same files give the same image whatever their order in the archive.
    ///
    /// - Parameters:
    ///   - configuration: Platform, time and execution settings; its layers and history are replaced.
    ///   - message: The comment in the history.
    /// - Throws: `ImageError`, `LayerError`, or `SystemError`.
    public func importRootFilesystem(
        _ path: FilePath,
        configuration: ImageConfiguration,
        message: String = "Imported from -",
        names: [ImageReference] = []
    ) throws -> StoredImage {
        let descriptor = try FileOperations.open(path, O_RDONLY)
        defer { close(descriptor) }
        guard try FileStatus.of(descriptor: descriptor, path: path).kind == .directory else {
            return try importRootFilesystem(
                descriptor: descriptor,
                name: "`\(path)`",
                configuration: configuration,
                message: message,
                names: names
            )
        }
        return try importTree(try ImportedTree(directory: path), configuration, message, names)
    }

    /// Makes an image of a tar archive, plain or compressed, from an open file or a pipe.
    ///
    /// - Throws: What `importRootFilesystem(_:configuration:message:names:)` throws.
    public func importRootFilesystem(
        descriptor: Int32,
        name: String,
        configuration: ImageConfiguration,
        message: String = "Imported from -",
        names: [ImageReference] = []
    ) throws -> StoredImage {
        try importTree(try ImportedTree(archive: descriptor, name: name, store: store), configuration, message, names)
    }

    private func importTree(
        _ tree: ImportedTree,
        _ configuration: ImageConfiguration,
        _ message: String,
        _ names: [ImageReference]
    ) throws -> StoredImage {
        let lock = try store.lock(.shared)
        defer { _ = lock }
        let writer = try layers.writer()
        for item in try tree.sorted() {
            try withContent(item) { try writer.append(item.entry, content: $0) }
        }
        let layer = try writer.finish()
        var configuration = configuration
        configuration.rootfs = .init(diffIDs: [layer.diffID])
        configuration.history = [.init(created: configuration.created, createdBy: nil, comment: message)]
        return try add(configuration: configuration, layers: [layer], names: names)
    }

    private func withContent(_ item: ImportedTree.Item, _ body: (LayerWriter.Content) throws -> Void) throws {
        switch item.content {
        case .none: try body(.none)
        case .archive(let descriptor, let offset):
            try body(.file(descriptor: descriptor, offset: offset, path: "archive"))
        case .file(let path):
            let descriptor = try FileOperations.open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
            defer { close(descriptor) }
            let status = try FileStatus.of(descriptor: descriptor, path: path)
            guard status.kind == .regular, status.size == item.entry.size else { throw LayerError.shortContent(path) }
            try body(.file(descriptor: descriptor, offset: 0, path: path))
        }
    }
}

/// The entries of a root filesystem from outside, in any order, and where their contents lie.
private final class ImportedTree {
    enum Content {
        case none
        case archive(descriptor: Int32, offset: Int64)
        case file(FilePath)
    }

    struct Item {
        var entry: LayerEntry
        var content: Content
    }

    private var items: [PathInRoot: Item] = [:]
    /// Holds the contents that cannot be read from the archive again.
    private var spool: TemporaryFile?
    private var spooled: Int64 = 0

    init(archive descriptor: Int32, name: String, store: Store) throws {
        let start = lseek(descriptor, 0, SEEK_CUR)
        let reader = try ArchiveReader(descriptor: descriptor, name: name)
        while var entry = try reader.next() {
            // Such a name would remove files once it is in a layer (layer.md, "Whiteouts").
            guard !entry.path.name.starts(with: Array(".wh.".utf8)) else { continue }
            var content = Content.none
            if entry.kind == .regular {
                if start >= 0, !reader.isCompressed, let offset = try reader.readContent({ _ in }) {
                    content = .archive(descriptor: descriptor, offset: Int64(start) + offset)
                } else {
                    content = try spool(reader, store)
                }
            }
            entry.contentOffset = nil
            items[entry.path] = Item(entry: entry, content: content)
        }
    }

    private func spool(_ reader: ArchiveReader, _ store: Store) throws -> Content {
        let file = try spool ?? TemporaryFile(in: store[.temporary])
        spool = file
        let offset = spooled
        var size: Int64 = 0
        try reader.readContent { bytes in
            try FileOperations.write(bytes, to: file.descriptor, path: file.path)
            size += Int64(bytes.count)
        }
        spooled += size
        return .archive(descriptor: file.descriptor, offset: offset)
    }

    init(directory: FilePath) throws {
        var inodes: [[UInt64]: PathInRoot] = [:]
        var waiting = [(PathInRoot.root, directory)]
        while let (path, source) = waiting.popLast() {
            // Sorted, so that the first name of a file with several is the same on every machine.
            for name in try FileOperations.names(in: source).sorted(by: { $1.lexicographicallyPrecedes($0) })
            where !name.starts(with: Array(".wh.".utf8)) {
                let child = FilePath(
                    platformString: Self.bytes(source) + [0x2F] + name.map { CChar(bitPattern: $0) } + [0]
                )
                let status = try FileStatus.of(child)
                guard var entry = try Self.entry(path.appending(name), child, status) else { continue }
                if entry.kind == .regular, status.linkCount > 1 {
                    if let first = inodes[[status.device, status.inode]] {
                        entry.kind = .hardLink
                        entry.linkTarget = first.bytes
                    } else {
                        inodes[[status.device, status.inode]] = entry.path
                    }
                }
                items[entry.path] = Item(entry: entry, content: entry.kind == .regular ? .file(child) : .none)
                if entry.kind == .directory { waiting.append((entry.path, child)) }
            }
        }
    }

    private static func bytes(_ path: FilePath) -> [CChar] {
        path.withPlatformString { Array(UnsafeBufferPointer(start: $0, count: strlen($0))) }
    }

    private static func entry(_ path: PathInRoot, _ source: FilePath, _ status: FileStatus) throws -> LayerEntry? {
        var entry = LayerEntry(
            path: path,
            kind: .regular,
            permissions: status.permissions,
            userID: status.userID,
            groupID: status.groupID,
            modified: status.modified >= 0 ? status.modified / 1_000_000_000 : (status.modified + 1) / 1_000_000_000 - 1
        )
        switch status.kind {
        case .regular: entry.size = status.size
        case .directory: entry.kind = .directory
        case .symbolicLink:
            entry.kind = .symbolicLink
            var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
            let count = source.withPlatformString { readlink($0, &buffer, buffer.count) }
            guard count >= 0 else { throw SystemError("read the link", source) }
            entry.linkTarget = buffer[..<count].map { UInt8(bitPattern: $0) }
        case .characterDevice: entry.kind = .characterDevice
        case .blockDevice: entry.kind = .blockDevice
        case .fifo: entry.kind = .fifo
        case .socket: return nil
        }
        if entry.kind == .characterDevice || entry.kind == .blockDevice {
            let number = status.deviceNumber
            entry.deviceMajor = UInt32(truncatingIfNeeded: (number >> 8 & 0xFFF) | (number >> 32 & 0xFFFF_F000))
            entry.deviceMinor = UInt32(truncatingIfNeeded: (number & 0xFF) | (number >> 12 & 0xFFFF_FF00))
        }
        return entry
    }

    /// All entries in the order of a layer: missing parents added, and each file under the first of its names.
    func sorted() throws -> [Item] {
        for path in Array(items.keys) {
            for parent in path.ancestors {
                guard let known = items[parent] else {
                    items[parent] = Item(entry: .directory(parent), content: .none)
                    continue
                }
                guard known.entry.kind == .directory else {
                    throw ImageError.malformed(
                        "the root filesystem",
                        reason: "`\(path)` lies below `\(parent)`, which is no directory"
                    )
                }
            }
        }
        var names: [PathInRoot: [PathInRoot]] = [:]
        for (path, item) in items where item.entry.kind == .hardLink {
            names[try file(of: path), default: []].append(path)
        }
        for (path, links) in names {
            guard let item = items[path], let first = (links + [path]).min() else { continue }
            for name in links + [path] {
                var entry = item.entry
                entry.path = name
                if name != first {
                    entry.kind = .hardLink
                    entry.linkTarget = first.bytes
                    entry.size = 0
                }
                items[name] = Item(entry: entry, content: name == first ? item.content : .none)
            }
        }
        return items.values.sorted { $0.entry.path < $1.entry.path }
    }

    /// The file that a hard link leads to, over other links; the bound ends cycles.
    private func file(of path: PathInRoot) throws -> PathInRoot {
        var current = path
        for _ in 0..<16 {
            guard let item = items[current] else { break }
            guard item.entry.kind == .hardLink else {
                guard item.entry.kind == .regular else { break }
                return current
            }
            current = PathInRoot(item.entry.linkTarget)
        }
        throw ImageError.malformed("the root filesystem", reason: "the hard link `\(path)` leads to no file")
    }
}
