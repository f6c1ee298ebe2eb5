internal import Glibc
public import SystemPackage

/// A file descriptor that is closed when this value goes away.
public struct OwnedDescriptor: ~Copyable, Sendable {
    private let descriptor: FileDescriptor

    /// The descriptor, for system calls while this value lives.
    public var rawValue: Int32 { descriptor.rawValue }

    deinit { close(descriptor.rawValue) }

    /// Takes over what a call such as `openat` returned; `nil` where it failed, and `errno` has the reason.
    public init?(_ result: Int32) {
        guard result >= 0 else { return nil }
        descriptor = FileDescriptor(rawValue: result)
    }

    /// Opens with close-on-exec, without ever waiting.
    ///
    /// A named pipe is waited for until somebody opens its other end, and a terminal until somebody types: whoever makes
    /// a context or a configuration could hold the program with one in place of a file. Those that a user hands over
    /// open, as `<(command)` and `/dev/stdin` do, are read as they are.
    ///
    /// - Throws: `SystemError`; for a named pipe or a terminal to read from one whose `reason` says so.
    public init(_ path: FilePath, _ flags: Int32, _ permissions: UInt32 = 0) throws(SystemError) {
        self = try OwnedDescriptor.open(path, flags, permissions)
    }

    /// Opens a regular file for reading, in the place of which there may be anything; no link is followed.
    ///
    /// - Throws: `SystemError`, with `.invalidArgument` for what is not a regular file.
    public init(regularFile path: FilePath) throws(SystemError) {
        let file = try OwnedDescriptor.openWithoutWaiting(path, O_RDONLY | O_NOFOLLOW, 0)
        guard try FileStatus.of(descriptor: file.rawValue, path: path).kind == .regular else {
            throw SystemError("read as a file", path, errno: .invalidArgument)
        }
        self = file
    }

    /// Opens a pipe or a device for writing, and waits until somebody reads.
    public init(waitingForReaderOf path: FilePath) throws(SystemError) {
        self = try OwnedDescriptor.openAtOnce(path, O_WRONLY, 0)
    }

    /// Another descriptor of the same open file.
    ///
    /// - Parameter path: For the message of an error.
    public init(duplicating other: Int32, path: FilePath) throws(SystemError) {
        guard let copy = OwnedDescriptor(fcntl(other, F_DUPFD_CLOEXEC, 0)) else { throw SystemError("open", path) }
        self = copy
    }

    /// Hands the descriptor over to the caller, who closes it.
    public consuming func release() -> Int32 {
        let descriptor = rawValue
        discard self
        return descriptor
    }

    private static func open(_ path: FilePath, _ flags: Int32, _ permissions: UInt32 = 0) throws(SystemError)
        -> OwnedDescriptor
    {
        // Neither a directory nor a new file can be a pipe or a terminal.
        if flags & (O_DIRECTORY | O_EXCL) != 0 { return try openAtOnce(path, flags, permissions) }
        let file = try openWithoutWaiting(path, flags, permissions)
        var raw = stat()
        guard fstat(file.rawValue, &raw) == 0, raw.st_mode & S_IFMT != S_IFREG else { return file }
        if flags & (O_WRONLY | O_RDWR) == 0, !isHandedOver(path) {
            let isPipe = raw.st_mode & S_IFMT == S_IFIFO
            if isPipe || (raw.st_mode & S_IFMT == S_IFCHR && isatty(file.rawValue) == 1) {
                throw SystemError(isPipe ? SystemError.readPipe : SystemError.readTerminal, path, errno: .notSupported)
            }
        }
        if flags & O_NONBLOCK == 0 {
            _ = fcntl(file.rawValue, F_SETFL, fcntl(file.rawValue, F_GETFL) & ~O_NONBLOCK)
        }
        return file
    }

    /// Opens without waiting, except for a lease, which its holder gives back when asked (fcntl(2), `F_SETLEASE`).
    private static func openWithoutWaiting(_ path: FilePath, _ flags: Int32, _ permissions: UInt32) throws(SystemError)
        -> OwnedDescriptor
    {
        do throws(SystemError) {
            return try openAtOnce(path, flags | O_NONBLOCK, permissions)
        } catch {
            guard error.errno == .wouldBlock, FileStatus.ifPresent(path)?.kind == .regular else { throw error }
            return try openAtOnce(path, flags, permissions)
        }
    }

    private static func openAtOnce(_ path: FilePath, _ flags: Int32, _ permissions: UInt32) throws(SystemError)
        -> OwnedDescriptor
    {
        let result = path.withPlatformString { text in
            uninterrupted { Glibc.open(text, flags | O_CLOEXEC, permissions) }
        }
        guard let opened = OwnedDescriptor(result) else {
            throw SystemError(flags & O_CREAT != 0 ? "create" : "open", path)
        }
        return opened
    }

    /// Whether a path names what this process has open already.
    private static func isHandedOver(_ path: FilePath) -> Bool {
        ["/dev/stdin", "/dev/tty"].contains(path.string)
            || ["/dev/fd/", "/proc/self/fd/"].contains { path.string.hasPrefix($0) }
    }
}

extension OwnedDescriptor? {
    /// The descriptor, if there is one.
    public var rawValue: Int32? {
        switch self {
        case .some(let open): open.rawValue
        case .none: nil
        }
    }
}

/// Makes a system call again for as long as signals interrupt it.
public func uninterrupted<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result >= 0 || Errno.current != .interrupted { return result }
    }
}
