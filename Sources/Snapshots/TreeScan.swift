internal import FileSystem
internal import Glibc
internal import Layers
internal import Synchronization
internal import SystemPackage
internal import Tar
internal import Threads

/// One look at the directories of a tree.
///
/// It is taken after each RUN on a copied root, in which nearly nothing has changed, so the time is that of the system
/// calls: one for each file and a handful for each directory.
struct TreeScan {
    /// Directories so deep are left to all processors; there are many, and none has most of the files.
    private static let splitDepth = 3
    /// The longest time, in nanoseconds, for which the kernel gives changes the same time (before Linux 6.13).
    private static let tick: Int64 = 10_000_000

    private let root: FilePath
    private let earlier: TreeState?
    private let user = geteuid()
    private var found: [PathInRoot: TreeState.Directory] = [:]
    /// When a file changed last, nanoseconds since 1970.
    private var newest = Int64.min
    /// The directories that other threads look at.
    private var deep: [PathInRoot] = []

    private init(_ root: FilePath, since earlier: TreeState?) { (self.root, self.earlier) = (root, earlier) }

    /// - Throws: `SystemError`.
    static func directories(below root: FilePath, since earlier: TreeState?) throws -> [PathInRoot: TreeState.Directory]
    {
        var scan = TreeScan(root, since: earlier)
        // What an ordinary user may not read is open only while it is looked at.
        try scan.walk(from: .root, depth: scan.user == 0 ? splitDepth : .max)
        let deep = scan.deep
        let results = Mutex<[Result<TreeScan, any Error>]>([])
        WorkerGroup.forEach(below: deep.count) { number in
            let result = Result {
                var part = TreeScan(root, since: earlier)
                try part.walk(from: deep[number], depth: .max)
                return part
            }
            results.withLock { $0.append(result) }
        }
        for result in results.withLock({ $0 }) {
            let part = try result.get()
            scan.found.merge(part.found) { first, _ in first }
            scan.newest = max(scan.newest, part.newest)
        }
        // Were a file changed once more in the same tick, it would look unchanged.
        let age = WallClock.now.subtractingReportingOverflow(scan.newest).partialValue
        if (0..<tick).contains(age) { usleep(UInt32((tick - age) / 1000)) }
        return scan.found
    }

    private struct Level {
        let path: PathInRoot
        let directory: TreeState.Directory
        /// The next name to be looked at.
        var position = 0
        let opened: OpenedFile?
    }

    /// Looks at a directory and everything below it.
    ///
    /// - Parameter depth: Of the directories that are left to others, below the one where this starts.
    private mutating func walk(from start: PathInRoot, depth: Int) throws {
        let chain = try DirectoryChain(root: root)
        for name in start.components { try chain.enter(name.map { CChar(bitPattern: $0) } + [0]) }
        let outer = chain.depth
        var open = [Level(path: start, directory: try look(at: start, chain), opened: nil)]
        while let level = open.last {
            guard let position = level.directory.files[level.position...].firstIndex(where: { $0?.kind == .directory })
            else {
                found[level.path] = level.directory
                open.removeLast()
                if !open.isEmpty { try chain.leave() }
                try level.opened?.restore(in: chain.descriptor)
                continue
            }
            open[open.count - 1].position = position + 1
            let path = level.path.appending(level.directory.names[position])
            if chain.depth - outer + 1 == depth {
                deep.append(path)
                continue
            }
            let name = level.directory.names.zeroTerminated(position)
            let opened = try FileStatus.of(name, in: chain.descriptor).flatMap { status throws(SystemError) in
                try OpenedFile(name, in: chain.descriptor, status, user: user, path: root.appending("\(path)"))
            }
            try chain.enter(name)
            open.append(Level(path: path, directory: try look(at: path, chain), opened: opened))
        }
    }

    /// - Parameter chain: Is at that directory.
    private mutating func look(at path: PathInRoot, _ chain: DirectoryChain) throws(SystemError) -> TreeState.Directory
    {
        let directory = chain.descriptor
        let status = TreeState.File(try FileStatus.of(descriptor: directory, path: root.appending("\(path)")))
        let before = known(path, status)
        let names =
            if let before { before.names } else { try DirectoryNames(directory, path: root.appending("\(path)")) }
        var newest = newest
        let files = (0..<names.count).map { position in
            names.withName(position) { name -> TreeState.File? in
                guard let name = UnsafeRawPointer(name.baseAddress)?.assumingMemoryBound(to: CChar.self),
                    let status = FileStatus.of(name, in: directory), status.kind != .socket
                else { return nil }
                if status.kind == .regular { newest = max(newest, status.changed) }
                return TreeState.File(status)
            }
        }
        self.newest = newest
        let attributes =
            before?.attributes ?? TreeReader.extendedAttributes(of: [CChar(UInt8(ascii: ".")), 0], in: directory).kept
        return TreeState.Directory(status: status, attributes: attributes, names: names, files: files)
    }

    /// What was seen of a directory that has not changed since; in the tick in which it was seen that cannot be told.
    private func known(_ path: PathInRoot, _ status: TreeState.File) -> TreeState.Directory? {
        guard let earlier, let known = earlier.directories[path], status.isUnchanged(since: known.status),
            status.changed < earlier.begun - TreeScan.tick
        else { return nil }
        return known
    }
}
