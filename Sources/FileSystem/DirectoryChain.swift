internal import Glibc
public import SystemPackage

/// The directories from a root down to where a walk is, of which only the deepest are kept open.
///
/// A tree may be thousands of directories deep, and a process may have few files open. What was closed on the way down
/// is opened again as `..` on the way up, and must be the directory that it was.
public final class DirectoryChain {
    private struct Link {
        /// `nil` while it is closed.
        var file: OpenFile?
        let device: UInt64
        let inode: UInt64
    }

    /// How many are open at the same time, apart from the root.
    private static let limit = 64

    private var links: [Link]
    private let path: FilePath

    /// - Parameter path: The root, also for messages.
    public init(root path: FilePath) throws(SystemError) {
        self.path = path
        links = []
        try append(try OwnedDescriptor(path, O_RDONLY | O_DIRECTORY))
    }

    /// Starts at an open directory, which stays the caller's; `path` is for messages.
    public init(root descriptor: Int32, path: FilePath) throws(SystemError) {
        self.path = path
        links = []
        try append(try OwnedDescriptor(duplicating: descriptor, path: path))
    }

    /// The root, always open.
    public var root: Int32 { links[0].file?.descriptor ?? -1 }
    /// The deepest directory.
    public var descriptor: Int32 { links[links.count - 1].file?.descriptor ?? -1 }
    /// The number of directories below the root.
    public var depth: Int { links.count - 1 }

    private func append(_ directory: consuming OwnedDescriptor) throws(SystemError) {
        let status = try FileStatus.of(descriptor: directory.rawValue, path: path)
        links.append(Link(file: OpenFile(directory), device: status.device, inode: status.inode))
        let outdated = links.count - 1 - DirectoryChain.limit
        if outdated > 0 { links[outdated].file = nil }
    }

    /// Goes into a directory of the deepest one; a symbolic link is none.
    public func enter(_ name: [CChar]) throws(SystemError) {
        guard let child = OwnedDescriptor(openat(descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC))
        else { throw SystemError("open", path) }
        try append(child)
    }

    /// Goes back up.
    ///
    /// - Parameter finish: Given the directory that is left, when there is a way back from it already.
    public func leave(_ finish: (Int32) throws -> Void = { _ in }) throws {
        precondition(links.count > 1, "the root cannot be left")
        guard let child = links.removeLast().file else { preconditionFailure("the deepest directory is open") }
        defer { withExtendedLifetime(child) {} }
        if links[links.count - 1].file == nil {
            guard let parent = OwnedDescriptor(openat(child.descriptor, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC))
            else { throw SystemError("open", path) }
            let status = try FileStatus.of(descriptor: parent.rawValue, path: path)
            links[links.count - 1].file = OpenFile(parent)
            let known = links[links.count - 1]
            guard status.device == known.device, status.inode == known.inode else {
                throw SystemError("walk", path, errno: .staleNFSFileHandle)
            }
        }
        try finish(child.descriptor)
    }
}
