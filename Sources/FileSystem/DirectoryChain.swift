internal import Glibc
public import SystemPackage

/// The directories from a root down to where a walk is, of which only the deepest are kept open.
///
/// A tree may be thousands of directories deep, and a process may have few files open. What was closed on the way down
/// is opened again as `..` on the way up, and must be the directory that it was.
public final class DirectoryChain {
    private struct Link {
        /// -1 while it is closed.
        var descriptor: Int32
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
        try append(try FileOperations.open(path, O_RDONLY | O_DIRECTORY))
    }

    /// Starts at an open directory, which stays the caller's; `path` is for messages.
    public init(root descriptor: Int32, path: FilePath) throws(SystemError) {
        self.path = path
        links = []
        let own = fcntl(descriptor, F_DUPFD_CLOEXEC, 0)
        guard own >= 0 else { throw SystemError("open", path) }
        try append(own)
    }

    deinit {
        for link in links where link.descriptor >= 0 { close(link.descriptor) }
    }

    /// The root, always open.
    public var root: Int32 { links[0].descriptor }
    /// The deepest directory.
    public var descriptor: Int32 { links[links.count - 1].descriptor }
    /// The number of directories below the root.
    public var depth: Int { links.count - 1 }

    private func append(_ descriptor: Int32) throws(SystemError) {
        let status: FileStatus
        do throws(SystemError) {
            status = try FileStatus.of(descriptor: descriptor, path: path)
        } catch {
            close(descriptor)
            throw error
        }
        links.append(Link(descriptor: descriptor, device: status.device, inode: status.inode))
        let outdated = links.count - 1 - DirectoryChain.limit
        guard outdated > 0, links[outdated].descriptor >= 0 else { return }
        close(links[outdated].descriptor)
        links[outdated].descriptor = -1
    }

    /// Goes into a directory of the deepest one; a symbolic link is none.
    public func enter(_ name: [CChar]) throws(SystemError) {
        let child = openat(descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard child >= 0 else { throw SystemError("open", path) }
        try append(child)
    }

    /// Goes back up.
    ///
    /// - Parameter finish: Given the directory that is left, when there is a way back from it already.
    public func leave(_ finish: (Int32) throws -> Void = { _ in }) throws {
        precondition(links.count > 1, "the root cannot be left")
        let child = links.removeLast()
        defer { close(child.descriptor) }
        if links[links.count - 1].descriptor < 0 {
            let parent = openat(child.descriptor, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard parent >= 0 else { throw SystemError("open", path) }
            links[links.count - 1].descriptor = parent
            let (status, known) = (try FileStatus.of(descriptor: parent, path: path), links[links.count - 1])
            guard status.device == known.device, status.inode == known.inode else {
                throw SystemError("walk", path, errno: .staleNFSFileHandle)
            }
        }
        try finish(child.descriptor)
    }
}
