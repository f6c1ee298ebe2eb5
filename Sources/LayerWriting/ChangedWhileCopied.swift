public import BuildContext
import FileSystem
public import SystemPackage

/// A file of the context was not the same when it was copied as when it was looked at; copying may be tried again.
public struct ChangedWhileCopied: Error, CustomStringConvertible {
    /// Inside the context, or absolute for an archive.
    public let path: FilePath

    init(path: FilePath) { self.path = path }

    /// A file of the context, shown by its path in it.
    public init(_ file: ContentFingerprint.File, in listings: [ContextListing]) {
        path = FilePath(String(decoding: listings[file.listing].contextPath(of: file.entry), as: UTF8.self))
    }

    public var description: String { "`\(path)` changed while it was copied" }
}

extension FileStatus {
    /// Whether nothing tells that the file was touched in between.
    func isSameContent(as other: FileStatus) -> Bool {
        inode == other.inode && device == other.device && size == other.size && modified == other.modified
            && changed == other.changed
    }
}
