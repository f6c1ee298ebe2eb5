import ContentStore
import FileSystem
import Glibc
import Layers
import SystemPackage

/// The members of an archive as things to copy, their contents spooled so that they can be written in any order.
enum ArchiveMembers {
    /// Reads a whole archive; contents go through one temporary file, so memory stays flat.
    static func read(descriptor: Int32, name: String, temporary: FilePath) throws -> [CopyItem] {
        let reader = try ArchiveReader(descriptor: descriptor, name: name)
        let spool = try TemporaryFile(in: temporary, permissions: 0o600)
        var position: Int64 = 0
        var items: [CopyItem] = []
        /// The place of each file, for hard links to it.
        var files: [PathInRoot: Int] = [:]
        while var entry = try reader.next() {
            var item = CopyItem(entry: entry)
            switch entry.kind {
            case .regular:
                var hasher = SHA256Hasher()
                let start = position
                try reader.readContent { bytes in
                    hasher.update(bytes)
                    try FileOperations.write(bytes, to: spool.descriptor, path: spool.path)
                    position += Int64(bytes.count)
                }
                entry.contentDigest = hasher.finish()
                item = CopyItem(
                    entry: entry,
                    content: .temporary(spool, offset: start),
                    identity: .archive(ObjectIdentifier(spool), start, entry.path)
                )
                files[entry.path] = items.count
            case .hardLink:
                guard let target = files[PathInRoot(entry.linkTarget)] else {
                    throw LayerError.unsafeMember(
                        "\(entry.path)",
                        reason: "it links to a file that is not in the archive"
                    )
                }
                item = items[target]
                item.entry.path = entry.path
                files[entry.path] = items.count
            default:
                break
            }
            items.append(item)
        }
        return items
    }
}
