import BuildContext
import FileSystem
import SystemPackage

/// A file of the context was not the same when it was copied as when it was looked at; the step is tried again.
struct ChangedWhileCopied: Error, CustomStringConvertible {
    let path: FilePath

    init(path: FilePath) { self.path = path }

    /// A file of the context, shown by its path in it.
    init(_ file: ContentFingerprint.File, in listings: [ContextListing]) {
        path = FilePath(String(decoding: listings[file.listing].contextPath(of: file.entry), as: UTF8.self))
    }

    var description: String { "`\(path)` changed while it was copied" }
}

extension FileStatus {
    /// Whether nothing tells that the file was touched in between.
    func isSameContent(as other: FileStatus) -> Bool {
        inode == other.inode && device == other.device && size == other.size && modified == other.modified
            && changed == other.changed
    }
}
