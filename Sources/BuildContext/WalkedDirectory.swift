internal import FileSystem
internal import Glibc
internal import Synchronization
internal import SystemPackage

/// A directory of a walk, open from when it is read until the last directory in it was opened.
final class WalkedDirectory: @unchecked Sendable {
    /// Relative to the root of the walk.
    let path: [UInt8]
    /// As it was seen from its parent.
    let status: FileStatus
    /// How far each file of rules has come in the directory above, of the root in itself.
    ///
    /// Shared by all directories in one: states of their own would take the product of their number and that of the rules
    /// while they wait.
    private let statesAbove: [IgnoreFile.DirectoryState]
    /// The place in the listing, given out when the parent was read.
    // Written by the one thread that read the parent, under the walk's lock, before any other sees this directory.
    var position: Int
    /// Open while this directory is being read, and -1 before and where too many are open.
    var descriptor: Int32 { file.rawValue ?? -1 }
    private var file: OwnedDescriptor?
    /// Kept for its descriptor, and only until that was used.
    private var parent: WalkedDirectory?

    /// How many directories keep a descriptor for those in them; the rest is found again by its path.
    private static let openLimit = 64
    private static let openCount = Atomic<Int>(0)

    init(
        path: [UInt8],
        parent: WalkedDirectory?,
        status: FileStatus,
        statesAbove: [IgnoreFile.DirectoryState],
        position: Int
    ) {
        self.path = path
        self.parent = parent
        self.status = status
        self.statesAbove = statesAbove
        self.position = position
    }

    deinit { close() }

    /// How far each file of rules has come here.
    func states(_ rules: [IgnoreFile]) -> [IgnoreFile.DirectoryState] {
        guard !path.isEmpty else { return statesAbove }
        let name = path[((path.lastIndex(of: PathText.slash) ?? -1) + 1)...]
        return name.withUnsafeBufferPointer { rules.states(of: $0, in: statesAbove, isIgnored: false) } ?? statesAbove
    }

    /// Opens the directory; false when it is not there any more.
    ///
    /// - Throws: `.changedWhileRead` when something else is in its place.
    func open(in context: ContextDirectory, root: SelectedRoot) throws(BuildContextError) -> Bool {
        let parent = self.parent
        self.parent = nil
        defer { if descriptor >= 0 { WalkedDirectory.openCount.add(1, ordering: .relaxed) } }
        guard let parent else {
            do {
                let path = context.filePath(contextPath(in: root))
                file = try OwnedDescriptor(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
            } catch {
                throw .system(error)
            }
            return true
        }
        let name = path[((path.lastIndex(of: PathText.slash) ?? -1) + 1)...].map { CChar(bitPattern: $0) } + [0]
        let reopened = parent.descriptor < 0 ? try parent.reopened(in: context, root: root) : nil
        let directory = reopened.rawValue ?? parent.descriptor
        file = OwnedDescriptor(openat(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC))
        if descriptor >= 0 { return true }
        let error = Errno.current
        switch error {
        case .noSuchFileOrDirectory: return false
        case .notDirectory, .tooManySymbolicLinkLevels: throw .changedWhileRead(contextPath(in: root))
        default: throw .system(SystemError("open", context.filePath(contextPath(in: root)), errno: error))
        }
    }

    private func contextPath(in root: SelectedRoot) -> [UInt8] { PathText.appending(path, to: root.resolvedPath) }

    /// Gives the descriptor up if too many are open; called before any directory in this one may use it.
    func finishReading() {
        if WalkedDirectory.openCount.load(ordering: .relaxed) > WalkedDirectory.openLimit { close() }
    }

    /// A new descriptor of a directory that was read before.
    private func reopened(in context: ContextDirectory, root: SelectedRoot) throws(BuildContextError) -> OwnedDescriptor
    {
        let contextPath = contextPath(in: root)
        do throws(SystemError) {
            let directory = try context.open(contextPath, O_RDONLY | O_DIRECTORY)
            let now = try FileStatus.of(descriptor: directory.rawValue, path: "")
            if now.inode == status.inode, now.device == status.device { return directory }
        } catch {
            guard [.noSuchFileOrDirectory, .notDirectory, .tooManySymbolicLinkLevels].contains(error.errno) else {
                throw .system(error)
            }
        }
        throw .changedWhileRead(contextPath)
    }

    private func close() {
        guard descriptor >= 0 else { return }
        file = nil
        WalkedDirectory.openCount.subtract(1, ordering: .relaxed)
    }
}
