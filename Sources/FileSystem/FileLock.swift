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
        if flock(descriptor, (mode == .shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 { return FileLock(descriptor: descriptor) }
        let error = SystemError("lock", path)
        close(descriptor)
        if error.errno == .wouldBlock { return nil }
        throw error
    }

    /// Waits for one of 2⁶² locks that live in one file, so that locks by key leave no file behind.
    ///
    /// Open file description locks (`fcntl(2)`, `F_OFD_SETLKW`) on a single byte: they also exclude threads of one
    /// process from each other, and die with the process like `flock`.
    public static func acquire(_ path: FilePath, slot: UInt64) throws(SystemError) -> FileLock {
        let descriptor = try FileOperations.open(path, O_RDWR | O_CREAT, 0o644)
        var lock = Glibc.flock()
        lock.l_type = Int16(F_WRLCK)
        lock.l_whence = Int16(SEEK_SET)
        lock.l_start = off_t(slot >> 2)
        lock.l_len = 1
        // F_OFD_SETLKW; glibc's header hides it from Swift behind _GNU_SOURCE.
        while fcntl(descriptor, 38, &lock) != 0 {
            guard Errno.current == .interrupted else {
                let error = SystemError("lock", path)
                close(descriptor)
                throw error
            }
        }
        return FileLock(descriptor: descriptor)
    }

    private static func openForLocking(_ path: FilePath) throws(SystemError) -> Int32 {
        do {
            return try FileOperations.open(path, O_RDONLY)
        } catch where error.errno == .noSuchFileOrDirectory {
            return try FileOperations.open(path, O_RDONLY | O_CREAT, 0o644)
        }
    }
}
