internal import ContentStore
internal import OCI
internal import Tar

/// Turns the members of a layer's tar into index entries (layer.md: whiteouts are names, not types).
struct LayerIndexer {
    private let blobs: BlobStore
    private(set) var entries: [LayerEntry] = []
    /// The targets of the symbolic links so far: what a layer puts below a link is where the link leads.
    private var links: [PathInRoot: LayerEntry] = [:]
    /// Where the directory used last is: layers list files of one directory together.
    private var current: (directory: PathInRoot, place: PathInRoot)?

    private static let prefix = Array(".wh.".utf8)
    private static let opaqueMarker = Array(".wh..wh..opq".utf8)

    init(blobs: BlobStore) { self.blobs = blobs }

    mutating func add(_ member: LayerEntry, _ reader: ArchiveReader) throws {
        var entry = member
        entry.path = try place(of: member.path)
        let name = entry.path.name
        if name.starts(with: LayerIndexer.prefix) { return try addWhiteout(entry) }
        switch entry.kind {
        case .regular: try addContent(&entry, reader)
        case .hardLink: entry.linkTarget = try place(of: PathInRoot(entry.linkTarget)).bytes
        case .characterDevice where entry.deviceMajor == 0 && entry.deviceMinor == 0:
            throw LayerError.unsafeMember("\(member.path)", reason: LayerError.whiteoutDevice)
        default: break
        }
        if entry.kind == .symbolicLink {
            links[entry.path] = entry
            current = nil
        } else if !links.isEmpty, links.removeValue(forKey: entry.path) != nil {
            current = nil
        }
        entries.append(entry)
    }

    private mutating func addWhiteout(_ marker: LayerEntry) throws {
        let name = marker.path.name
        if name.elementsEqual(LayerIndexer.opaqueMarker) {
            // Its attributes come with the directory's own member, before or after this one, or from below.
            var directory = LayerEntry.directory(marker.path.parent)
            directory.isOpaque = true
            directory.isImplied = true
            entries.append(directory)
        } else if !name.starts(with: Array(".wh..wh.".utf8)), name.count > LayerIndexer.prefix.count {
            let hidden = name.dropFirst(LayerIndexer.prefix.count)
            guard !hidden.elementsEqual(".".utf8), !hidden.elementsEqual("..".utf8) else {
                throw LayerError.unsafeMember(
                    "\(marker.path)",
                    reason: "it would remove a directory that it is in"
                )
            }
            entries.append(LayerEntry(path: marker.path.parent.appending(hidden), kind: .whiteout, permissions: 0))
        }
    }

    private mutating func addContent(_ entry: inout LayerEntry, _ reader: ArchiveReader) throws {
        var hasher = SHA256Hasher()
        // A sparse file does not lie in the tar in one piece, so its content is kept as a blob of its own.
        let own = reader.isSparse ? try BlobSink(blobs) : nil
        entry.contentOffset = try reader.readContent {
            hasher.update($0)
            try own?.write($0)
        }
        entry.contentDigest = hasher.finish()
        _ = try own?.commit()
    }

    /// A path with the links followed that the layer has in its directories.
    private mutating func place(of path: PathInRoot) throws -> PathInRoot {
        guard !links.isEmpty else { return path }
        let directory = path.parent
        if let current, current.directory == directory {
            return current.place == directory ? path : current.place.appending(path.name)
        }
        var place = directory
        if !directory.isRoot, links[directory] != nil || directory.ancestors.contains(where: { links[$0] != nil }) {
            place = try MergedView.resolve(directory) { links[$0] ?? .directory($0) }
        }
        current = (directory, place)
        return place == directory || path.isRoot ? path : place.appending(path.name)
    }
}

extension LayerIndex {
    /// A path whose parent is not a directory, as in a layer that makes a file of a directory; `nil` where all is well.
    var pathBelowFile: PathInRoot? {
        withBytes { bytes in
            for position in 1..<max(count, 1) {
                let (above, path) = (
                    LayerIndexEncoder.path(bytes, position: position - 1),
                    LayerIndexEncoder.path(bytes, position: position)
                )
                if !above.isEmpty, PathInRoot.isWithin(path, above),
                    !LayerIndexEncoder.isDirectory(bytes, position: position - 1)
                {
                    return self[position].path
                }
            }
            return nil
        }
    }
}
