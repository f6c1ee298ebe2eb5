internal import Glibc
public import SystemPackage

/// A lock on a file or directory that ends with this value or with the process, whichever is first.
public final class FileLock: Sendable {
    public enum Mode: Sendable {
        case shared
        case exclusive
    }

    private let descriptor: Int32

    private init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    /// Waits for a `flock` on `path`, a directory or a file that is made when missing.
    public static func acquire(_ path: FilePath, _ mode: Mode) throws(SystemError) -> FileLock {
        let descriptor = try openForLocking(path)
        while flock(descriptor, mode == .shared ? LOCK_SH : LOCK_EX) != 0 {
            guard Errno.current == .interrupted else {
                let error = SystemError("lock", path)
                close(descriptor)
                throw error
            }
        }
        return FileLock(descriptor: descriptor)
    }

    /// A `flock` on `path` if it can be had at once, `nil` if another holds it.
    public static func tryAcquire(_ path: FilePath, _ mode: Mode) throws(SystemError) -> FileLock? {
        let descriptor = try openForLocking(path)
        if flock(descriptor, (mode == .shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 {
            return FileLock(descriptor: descriptor)
        }
        let error = SystemError("lock", path)
        close(descriptor)
        if error.errno == .wouldBlock { return nil }
        throw error
    }

    /// One of 2⁶² locks that live in one file, so that locks by key leave no file behind, if it can be had at once.
    ///
    /// Open file description locks (`fcntl(2)`, `F_OFD_SETLK`) on a single byte: they also exclude threads of one
    /// process from each other, and die with the process like `flock`.
    public static func tryAcquire(_ path: FilePath, slot: UInt64) throws(SystemError) -> FileLock? {
        let descriptor = try FileOperations.open(path, O_RDWR | O_CREAT, 0o644)
        if try lock(descriptor, slot: slot, waiting: false, path) { return FileLock(descriptor: descriptor) }
        close(descriptor)
        return nil
    }

    /// Waits for one of these locks.
    public static func acquire(_ path: FilePath, slot: UInt64) throws(SystemError) -> FileLock {
        let descriptor = try FileOperations.open(path, O_RDWR | O_CREAT, 0o644)
        _ = try lock(descriptor, slot: slot, waiting: true, path)
        return FileLock(descriptor: descriptor)
    }

    /// Closes the descriptor when it throws.
    private static func lock(_ descriptor: Int32, slot: UInt64, waiting: Bool, _ path: FilePath) throws(SystemError)
        -> Bool
    {
        var lock = Glibc.flock()
        lock.l_type = Int16(F_WRLCK)
        lock.l_whence = Int16(SEEK_SET)
        lock.l_start = off_t(slot >> 2)
        lock.l_len = 1
        // F_OFD_SETLK and F_OFD_SETLKW; glibc's header hides them from Swift behind _GNU_SOURCE.
        while fcntl(descriptor, waiting ? 38 : 37, &lock) != 0 {
            let error = SystemError("lock", path)
            if error.errno == .interrupted { continue }
            if !waiting, error.errno == .wouldBlock || error.errno == .permissionDenied { return false }
            close(descriptor)
            throw error
        }
        return true
    }

    private static func openForLocking(_ path: FilePath) throws(SystemError) -> Int32 {
        do {
            return try FileOperations.open(path, O_RDONLY | O_NONBLOCK)
        } catch  where error.errno == .noSuchFileOrDirectory {
            return try FileOperations.open(path, O_RDONLY | O_CREAT, 0o644)
        }
    }
}
