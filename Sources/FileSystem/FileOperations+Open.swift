internal import Glibc
public import SystemPackage

extension FileOperations {
    /// Opens with close-on-exec and returns the descriptor, without ever waiting.
    ///
    /// A named pipe is waited for until somebody opens its other end, and a terminal until somebody types: whoever makes
    /// a context or a configuration could hold the program with one in place of a file. Those that a user hands over
    /// open, as `<(command)` and `/dev/stdin` do, are read as they are.
    ///
    /// - Throws: `SystemError`; for a named pipe or a terminal to read from one whose `reason` says so.
    public static func open(_ path: FilePath, _ flags: Int32, _ permissions: UInt32 = 0) throws(SystemError) -> Int32 {
        // Neither a directory nor a new file can be one of these.
        if flags & (O_DIRECTORY | O_EXCL) != 0 { return try openAtOnce(path, flags, permissions) }
        let descriptor: Int32
        do throws(SystemError) {
            descriptor = try openAtOnce(path, flags | O_NONBLOCK, permissions)
        } catch {
            // A lease, which its holder gives back when asked (fcntl(2), `F_SETLEASE`).
            guard error.errno == .wouldBlock, FileStatus.ifPresent(path)?.kind == .regular else { throw error }
            return try openAtOnce(path, flags, permissions)
        }
        var raw = stat()
        guard fstat(descriptor, &raw) == 0, raw.st_mode & S_IFMT != S_IFREG else { return descriptor }
        if flags & (O_WRONLY | O_RDWR) == 0, !isHandedOver(path) {
            let isPipe = raw.st_mode & S_IFMT == S_IFIFO
            if isPipe || (raw.st_mode & S_IFMT == S_IFCHR && isatty(descriptor) == 1) {
                close(descriptor)
                throw SystemError(isPipe ? SystemError.readPipe : SystemError.readTerminal, path, errno: .notSupported)
            }
        }
        if flags & O_NONBLOCK == 0 {
            _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
        }
        return descriptor
    }

    /// Opens a pipe or a device for writing, and waits until somebody reads.
    public static func openForWaiting(_ path: FilePath) throws(SystemError) -> Int32 {
        try openAtOnce(path, O_WRONLY, 0)
    }

    private static func openAtOnce(_ path: FilePath, _ flags: Int32, _ permissions: UInt32) throws(SystemError)
        -> Int32
    {
        while true {
            let descriptor = path.withPlatformString { Glibc.open($0, flags | O_CLOEXEC, permissions) }
            if descriptor >= 0 { return descriptor }
            if Errno.current != .interrupted {
                throw SystemError(flags & O_CREAT != 0 ? "create" : "open", path)
            }
        }
    }

    /// Whether a path names what this process has open already.
    private static func isHandedOver(_ path: FilePath) -> Bool {
        ["/dev/stdin", "/dev/tty"].contains(path.string)
            || ["/dev/fd/", "/proc/self/fd/"].contains { path.string.hasPrefix($0) }
    }
}
