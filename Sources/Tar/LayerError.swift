internal import FileSystem
public import OCI
public import SystemPackage

/// What is wrong with a layer or archive.
public enum LayerError: Error, Sendable, Equatable {
    /// An archive names something outside the root; nothing of it is used.
    case unsafeMember(String, reason: String)
    /// The bytes are not a tar archive that libarchive can read.
    case unreadable(String, reason: String)
    /// A file became shorter while it was copied.
    case shortContent(FilePath)
    case missing(Digest)
    case damaged(Digest)
    /// A symbolic link leads to itself.
    case linkLoop(PathInRoot)
    case notADirectory(PathInRoot)
    /// A file has a name that stands for a removed file in a layer.
    case reservedName(PathInRoot)
    /// A file would replace a directory of this machine, or a directory something else.
    case inTheWay(FilePath, isDirectory: Bool)
    /// The filesystem takes no extended attribute of this size, or no more of them.
    case attributeRefused(name: String, size: Int, FilePath, Errno)
}

extension LayerError {
    /// Why there can be no such device in a layer.
    public static let whiteoutDevice = "a character device 0:0 stands for a removed file on overlayfs"
}

extension LayerError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unsafeMember(let name, let reason): "refused archive member `\(name)`: \(reason)"
        case .unreadable(let name, let reason): "cannot read the archive \(name): \(reason)"
        case .shortContent(let path): "`\(path)` became shorter while it was read"
        case .missing(let diffID): "layer \(diffID) is not in the store"
        case .damaged(let diffID): "layer \(diffID) is damaged: its content does not have that digest"
        case .linkLoop(let path): "too many symbolic links at `\(path)`"
        case .notADirectory(let path): "`\(path)` is not a directory"
        case .reservedName(let path):
            "`\(path)` cannot be in a layer: names that begin with `.wh.` mean removed files there"
        case .inTheWay(let path, let isDirectory):
            isDirectory
                ? "`\(path)` is a directory and is not replaced by a file"
                : "`\(path)` is not a directory and is not replaced by one"
        case .attributeRefused(let name, let size, let path, let errno):
            "this filesystem rejects the attribute `\(name)` of \(size) bytes on `\(path)`: \(errno.sentence)"
        }
    }
}
