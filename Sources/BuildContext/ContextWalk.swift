internal import FileSystem
internal import Glibc
internal import Synchronization
internal import SystemPackage
internal import Threads

/// One pass over what a selected root holds, directory by directory, on two threads where it is worth it.
final class ContextWalk: Sendable {
    private let context: ContextDirectory
    private let root: SelectedRoot
    /// The context's rules and those of the instruction.
    private let rules: [IgnoreFile]
    private let mayHaveExceptions: Bool
    private let stopsAtFirst: Bool

    private let state = Mutex(State())
    private let news = Semaphore()
    private let helpers = WorkerGroup()

    private struct State {
        /// Directories to be read, the deepest last, so that few are open at a time.
        var waiting: [WalkedDirectory] = []
        var running = 0
        var idle = 0
        var hasHelper = false
        /// By position in the listing; `nil` until a directory was read.
        var results: [ListedDirectory?] = []
        var failure: (path: [UInt8], error: BuildContextError)?
        var isStopped = false
    }

    /// How many directories must be waiting for a second thread to be woken.
    private static let helperThreshold = 8

    /// - Parameter stopsAtFirst: Whether it is enough to know if there is anything at all.
    init(context: ContextDirectory, root: SelectedRoot, excluding: [IgnoreFile], stopsAtFirst: Bool = false) {
        self.context = context
        self.root = root
        rules = [context.ignoreFile] + excluding
        mayHaveExceptions = rules.contains { $0.rules.contains { $0.isException } }
        self.stopsAtFirst = stopsAtFirst
    }

    /// Everything, in order.
    func listing() throws(BuildContextError) -> ContextListing {
        guard root.isDirectory else { return fileListing() }
        var states = rules.map { $0.start }
        for component in root.resolvedPath.split(separator: PathText.slash) {
            states[0] = component.withUnsafeBufferPointer { rules[0].descend(into: $0, from: states[0]) }
        }
        state.withLock { state in
            state.waiting = [
                WalkedDirectory(path: [], parent: nil, status: root.status, statesAbove: states, position: 0)
            ]
            state.results = [nil]
        }
        work()
        helpers.join()
        let (results, failure) = state.withLock { state in (state.results, state.failure) }
        if let failure { throw failure.error }
        let empty = ListedDirectory(path: [], names: DirectoryNames([]))
        return ContextListing(root: root, directories: ContextWalk.withoutEmptyIgnored(results.map { $0 ?? empty }))
    }

    private func fileListing() -> ContextListing {
        let name = Array(root.name)
        var directory = ListedDirectory(path: [], names: DirectoryNames(name))
        if !rules.dropFirst().contains(where: { $0.ignores(name) }) {
            directory.entries = [.init(name: 0, child: -1, link: -1, isIgnored: false, status: root.status)]
        }
        return ContextListing(root: root, directories: [directory])
    }

    /// Drops the ignored directories that turned out to hold nothing that counts.
    private static func withoutEmptyIgnored(_ directories: [ListedDirectory]) -> [ListedDirectory] {
        guard directories.contains(where: { $0.entries.contains(where: \.isIgnored) }) else { return directories }
        var directories = directories
        // A directory comes after its parent.
        for position in directories.indices.reversed() {
            let entries = directories[position].entries
            directories[position].entries = entries.filter { entry in
                !entry.isIgnored || !directories[Int(entry.child)].entries.isEmpty
            }
        }
        return directories
    }
}

// MARK: - Threads

extension ContextWalk {
    private enum Turn {
        case read(WalkedDirectory)
        case wait
        case end
    }

    private func work() {
        while true {
            switch nextTurn() {
            case .read(let directory): read(directory)
            case .wait: news.wait()
            case .end: return
            }
        }
    }

    private func nextTurn() -> Turn {
        state.withLock { state in
            if state.failure != nil || state.isStopped { return .end }
            if let next = state.waiting.popLast() {
                state.running += 1
                return .read(next)
            }
            if state.running == 0 { return .end }
            state.idle += 1
            return .wait
        }
    }

    private func read(_ directory: WalkedDirectory) {
        let outcome = Result { () throws(BuildContextError) in try contents(of: directory) }
        let (wakes, needsHelper) = state.withLock { state -> (Int, Bool) in
            state.running -= 1
            switch outcome {
            case .success((let listed, let children)):
                // Found here and not in `contents`, since positions are given out one after the other.
                var listed = listed
                for (entry, child) in children {
                    child.position = state.results.count
                    listed.entries[entry] = listed.entries[entry].with(child: Int32(child.position))
                    state.results.append(nil)
                }
                state.waiting += children.reversed().map(\.directory)
                if stopsAtFirst, listed.entries.contains(where: { !$0.isIgnored }) { state.isStopped = true }
                state.results[directory.position] = listed
            case .failure(let error):
                // Of several the first in the order of paths, so that the same tree gives the same message.
                if state.failure.map({ PathText.precedes(directory.path, $0.path) }) ?? true {
                    state.failure = (directory.path, error)
                }
            }
            let isOver = state.failure != nil || state.isStopped || (state.waiting.isEmpty && state.running == 0)
            let wakes = isOver ? state.idle : min(state.idle, state.waiting.count)
            state.idle -= wakes
            let needsHelper = !state.hasHelper && !isOver && state.waiting.count >= ContextWalk.helperThreshold
            if needsHelper { state.hasHelper = true }
            return (wakes, needsHelper)
        }
        for _ in 0..<wakes { news.signal() }
        if needsHelper { helpers.start { self.work() } }
    }
}

// MARK: - One directory

extension ContextWalk {
    private typealias Child = (entry: Int, directory: WalkedDirectory)

    /// What a directory holds, and the directories in it, each with its place among the entries.
    private func contents(of directory: WalkedDirectory) throws(BuildContextError) -> (ListedDirectory, [Child]) {
        guard try directory.open(in: context, root: root) else {
            // Removed since its parent was read: as if it were empty.
            return (ListedDirectory(path: directory.path, names: DirectoryNames([])), [])
        }
        let names: DirectoryNames
        do {
            names = try DirectoryNames(directory.descriptor, path: filePath(directory.path))
        } catch {
            throw .system(error)
        }
        var listed = ListedDirectory(path: directory.path, names: names)
        if directory.position > 0 {
            listed.extendedAttributes = ExtendedAttribute.portable(descriptor: directory.descriptor)
        }
        listed.entries.reserveCapacity(names.count)
        var children: [Child] = []
        let states = directory.states(rules)
        for position in 0..<names.count {
            try names.withName(position) { (name) throws(BuildContextError) in
                try visit(name, position, in: directory, states, &listed, &children)
            }
        }
        directory.finishReading()
        return (listed, children)
    }

    private func visit(
        _ name: UnsafeBufferPointer<UInt8>,
        _ position: Int,
        in directory: WalkedDirectory,
        _ states: [IgnoreFile.DirectoryState],
        _ listed: inout ListedDirectory,
        _ children: inout [Child]
    ) throws(BuildContextError) {
        let isIgnored = rules.ignore(name, in: states)
        // Only a directory can be worth a look in spite of being ignored.
        if isIgnored, !mayHaveExceptions { return }
        // SAFETY: names are stored with a zero byte after each.
        let zeroTerminated = UnsafeRawPointer(name.baseAddress.unsafelyUnwrapped).assumingMemoryBound(to: CChar.self)
        guard let status = FileStatus.of(zeroTerminated, in: directory.descriptor) else {
            // Removed since the directory was read: as if it had never been there.
            if Errno.current == .noSuchFileOrDirectory { return }
            throw .system(SystemError("read the status of", filePath(path(name, in: directory))))
        }
        var link: Int32 = -1
        switch status.kind {
        case .directory:
            if isIgnored, rules.states(of: name, in: states, isIgnored: true) == nil { return }
            let child = WalkedDirectory(
                path: path(name, in: directory),
                parent: directory,
                status: status,
                statesAbove: states,
                position: -1
            )
            children.append((listed.entries.count, child))
        case .symbolicLink where !isIgnored:
            link = Int32(listed.linkTargets.count)
            listed.linkTargets.append(try linkTarget(name, zeroTerminated, status, in: directory))
        default: break
        }
        if isIgnored, status.kind != .directory { return }
        listed.entries.append(
            .init(name: UInt32(position), child: -1, link: link, isIgnored: isIgnored, status: status)
        )
    }

    private func linkTarget(
        _ name: UnsafeBufferPointer<UInt8>,
        _ zeroTerminated: UnsafePointer<CChar>,
        _ status: FileStatus,
        in directory: WalkedDirectory
    ) throws(BuildContextError) -> [UInt8] {
        // Some filesystems give no size for links.
        let capacity = (1..<Int64(PATH_MAX)).contains(status.size) ? Int(status.size) + 1 : Int(PATH_MAX)
        var buffer = [CChar](repeating: 0, count: capacity)
        let count = readlinkat(directory.descriptor, zeroTerminated, &buffer, buffer.count)
        guard count >= 0, count < buffer.count || count == PATH_MAX else {
            throw .changedWhileRead(PathText.appending(path(name, in: directory), to: root.resolvedPath))
        }
        return buffer.prefix(count).map { UInt8(bitPattern: $0) }
    }

    private func path(_ name: UnsafeBufferPointer<UInt8>, in directory: WalkedDirectory) -> [UInt8] {
        PathText.appending(name, to: directory.path)
    }

    private func filePath(_ path: [UInt8]) -> FilePath {
        context.filePath(PathText.appending(path, to: root.resolvedPath))
    }
}

extension ListedDirectory.Entry {
    fileprivate func with(child: Int32) -> ListedDirectory.Entry {
        .init(name: name, child: child, link: link, isIgnored: isIgnored, status: status)
    }
}
