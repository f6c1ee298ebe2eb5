internal import ContentStore
internal import FileSystem
internal import Glibc
internal import Layers
public import OCI
public import SystemPackage
internal import Tar

extension ImageStore {
    /// Makes an image with one layer of a root filesystem, given as a tar archive.
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
        let file = try OwnedDescriptor(path, O_RDONLY)
        return try importRootFilesystem(
            descriptor: file.rawValue,
            name: "`\(path)`",
            configuration: configuration,
            message: message,
            names: names
        )
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
        defer { withExtendedLifetime(lock) {} }
        let writer = try layers.writer(isForLater: false)
        for item in try tree.sorted() {
            try withContent(item) { try writer.append(item.entry, content: $0) }
        }
        let layer = try writer.finish()
        var configuration = configuration
        configuration.rootfs = .init(diffIDs: [layer.diffID])
        configuration.history = [.init(created: configuration.created, createdBy: nil, comment: message)]
        let image = try add(configuration: configuration, layers: [layer], names: names)
        note("import", image.id)
        return image
    }

    private func withContent(_ item: ImportedTree.Item, _ body: (LayerWriter.Content) throws -> Void) throws {
        switch item.content {
        case .none: try body(.none)
        case .archive(let descriptor, let offset):
            try body(.file(descriptor: descriptor, offset: offset, path: "archive"))
        }
    }
}

/// The entries of a root filesystem from outside, in any order, and where their contents lie.
private final class ImportedTree {
    enum Content {
        case none
        case archive(descriptor: Int32, offset: Int64)
    }

    struct Item {
        var entry: LayerEntry
        var content: Content
    }

    private var items: [PathInRoot: Item] = [:]
    /// Holds the contents that cannot be read from the archive again.
    private var spool: (file: TemporaryFile, output: SparseWriter)?

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
        try spool?.output.finish()
    }

    private func spool(_ reader: ArchiveReader, _ store: Store) throws -> Content {
        var (file, output): (TemporaryFile, SparseWriter)
        if let spool {
            (file, output) = spool
        } else {
            file = try TemporaryFile(in: store[.temporary])
            output = SparseWriter(descriptor: file.descriptor, path: file.path)
        }
        let offset = output.count
        try reader.readContent { try output.write($0) }
        spool = (file, output)
        return .archive(descriptor: file.descriptor, offset: offset)
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
                        reason: "`\(path)` lies below `\(parent)`, which is not a directory"
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
            guard item.entry.kind == .regular else {
                // Another link, device or pipe is as good as a further name.
                for name in links {
                    var entry = item.entry
                    entry.path = name
                    items[name] = Item(entry: entry, content: .none)
                }
                continue
            }
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
                guard item.entry.kind != .directory else { break }
                return current
            }
            current = PathInRoot(item.entry.linkTarget)
        }
        throw ImageError.malformed("the root filesystem", reason: "the hard link `\(path)` leads to no file")
    }
}
