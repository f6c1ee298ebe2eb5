internal import Glibc
internal import Synchronization
public import SystemPackage

/// Tells what changes in directories and everything below them, by inotify(7).
public final class TreeWatch: Sendable {
    private struct State {
        /// By number of the watch.
        var directories: [Int32: FilePath] = [:]
        var changed: Set<FilePath> = []
    }

    private let descriptor: OwnedDescriptor
    private let roots: [FilePath]
    private let isLeftOut: @Sendable (FilePath) -> Bool
    private let state = Mutex(State())

    /// Begins to watch.
    ///
    /// - Parameters:
    ///   - roots: Directories, and files of which only they themselves are told.
    ///   - isLeftOut: Whether a directory is not looked into.
    /// - Throws: `SystemError`, also where something is not there.
    public init(_ roots: [FilePath], isLeftOut: @escaping @Sendable (FilePath) -> Bool) throws(SystemError) {
        guard let descriptor = OwnedDescriptor(inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))) else {
            throw SystemError("watch", roots.first ?? ".")
        }
        self.descriptor = descriptor
        (self.roots, self.isLeftOut) = (roots, isLeftOut)
        try state.withLock { (state) throws(SystemError) in
            for root in roots {
                if FileStatus.ifPresent(root.appending("."))?.kind == .directory {
                    try addTree(root, &state, isRoot: true)
                } else {
                    // A file that is replaced is another one; its directory tells of both.
                    try add(root.removingLastComponent(), &state)
                }
            }
            state.changed = []
        }
    }

    /// The files that were made, written, moved or removed since the last call, once nothing has changed for a moment.
    ///
    /// - Parameter milliseconds: How long it waits for the first of them.
    /// - Returns: Nothing where none came by then. Of a directory that was removed it is the directory.
    /// - Throws: `SystemError`.
    public func changes(within milliseconds: Int32) throws(SystemError) -> Set<FilePath> {
        try state.withLock { (state) throws(SystemError) in
            var patience = milliseconds
            // A program that writes all the time must not hold back everything.
            for _ in 0..<50 {
                var request = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
                guard uninterrupted({ poll(&request, 1, patience) }) > 0 else { break }
                try read(&state)
                patience = 50
            }
            defer { state.changed = [] }
            return state.changed
        }
    }

    private func read(_ state: inout State) throws(SystemError) {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = uninterrupted { Glibc.read(descriptor.rawValue, &buffer, buffer.count) }
        guard count > 0 else { return }
        var rest = buffer[..<count]
        // struct inotify_event: watch, mask, cookie and the length of the name behind it.
        while rest.count >= 16 {
            func number(_ offset: Int) -> UInt32 {
                (0..<4).reduce(0) { $0 | UInt32(rest[rest.startIndex + offset + $1]) << (8 * $1) }
            }
            let (watch, mask, length) = (Int32(bitPattern: number(0)), number(4), Int(number(12)))
            let name = rest.dropFirst(16).prefix(length).prefix { $0 != 0 }
            rest = rest.dropFirst(16 + length)
            try take(watch, mask, Array(name), &state)
        }
    }

    private func take(_ watch: Int32, _ mask: UInt32, _ name: [UInt8], _ state: inout State) throws(SystemError) {
        if mask & UInt32(IN_Q_OVERFLOW) != 0 {
            // Anything may have happened.
            for root in roots { try addTree(root, &state, isRoot: true) }
            return
        }
        if mask & UInt32(IN_IGNORED) != 0 {
            state.directories[watch] = nil
            return
        }
        guard let directory = state.directories[watch], !name.isEmpty else { return }
        let path = directory.appending(bytes: name)
        guard roots.contains(where: { path.starts(with: $0) }) else { return }
        guard mask & UInt32(IN_ISDIR) != 0 else {
            state.changed.insert(path)
            return
        }
        if mask & UInt32(IN_CREATE | IN_MOVED_TO) != 0 {
            if !isLeftOut(path) { try addTree(path, &state) }
        } else if mask & UInt32(IN_DELETE | IN_MOVED_FROM) != 0 {
            state.changed.insert(path)
        }
    }

    /// Watches a directory with all below it, and takes the files in it for changed: they may have come before the watch.
    private func addTree(_ root: FilePath, _ state: inout State, isRoot: Bool = false) throws(SystemError) {
        var rest = [root]
        while let path = rest.popLast() {
            guard isRoot || FileStatus.ifPresent(path)?.kind == .directory else {
                state.changed.insert(path)
                continue
            }
            do throws(SystemError) {
                try add(path, &state)
                for name in try FileOperations.names(in: path) {
                    let inner = path.appending(bytes: name)
                    if FileStatus.ifPresent(inner)?.kind != .directory {
                        state.changed.insert(inner)
                    } else if !isLeftOut(inner) {
                        rest.append(inner)
                    }
                }
            } catch {
                // Some do not live long.
                guard error.errno == .noSuchFileOrDirectory || error.errno == .notDirectory, path != root || !isRoot
                else { throw error }
            }
        }
    }

    private func add(_ path: FilePath, _ state: inout State) throws(SystemError) {
        let kinds = IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_ATTRIB | IN_ONLYDIR
        let watch = path.withPlatformString { inotify_add_watch(descriptor.rawValue, $0, UInt32(kinds)) }
        guard watch >= 0 else { throw SystemError("watch", path) }
        state.directories[watch] = path
    }
}
