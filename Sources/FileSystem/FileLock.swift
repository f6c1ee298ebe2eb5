internal import Glibc
public import SystemPackage

/// A lock on a file or directory that ends with this value or with the process, whichever is first.
public final class FileLock: Sendable {
    public enum Mode: Sendable {
        case shared
        case exclusive
    }

    private let file: OwnedDescriptor

    private init(_ file: consuming OwnedDescriptor) { self.file = file }

    /// Waits for a `flock` on `path`, a directory or a file that is made when missing.
    public static func acquire(_ path: FilePath, _ mode: Mode) throws(SystemError) -> FileLock {
        let file = try openForLocking(path)
        guard uninterrupted({ flock(file.rawValue, mode == .shared ? LOCK_SH : LOCK_EX) }) == 0 else {
            throw SystemError("lock", path)
        }
        return FileLock(file)
    }

    /// A `flock` on `path` if it can be had at once, `nil` if another holds it.
    public static func tryAcquire(_ path: FilePath, _ mode: Mode) throws(SystemError) -> FileLock? {
        let file = try openForLocking(path)
        if flock(file.rawValue, (mode == .shared ? LOCK_SH : LOCK_EX) | LOCK_NB) == 0 { return FileLock(file) }
        let error = SystemError("lock", path)
        if error.errno == .wouldBlock { return nil }
        throw error
    }

    /// One of 2⁶² locks that live in one file, so that locks by key leave no file behind, if it can be had at once.
    ///
    /// Open file description locks (`fcntl(2)`, `F_OFD_SETLK`) on a single byte: they also exclude threads of one
    /// process from each other, and die with the process like `flock`.
    public static func tryAcquire(_ path: FilePath, slot: UInt64) throws(SystemError) -> FileLock? {
        try acquire(path, slot: slot, waiting: false)
    }

    /// Waits for one of these locks.
    public static func acquire(_ path: FilePath, slot: UInt64) throws(SystemError) -> FileLock {
        guard let lock = try acquire(path, slot: slot, waiting: true) else { throw SystemError("lock", path) }
        return lock
    }

    /// Whether one of these locks is held, without taking it even for a moment.
    public static func isHeld(_ path: FilePath, slot: UInt64) -> Bool {
        guard let file = try? OwnedDescriptor(path, O_RDWR) else { return false }
        var lock = region(slot)
        // F_OFD_GETLK
        return uninterrupted({ fcntl(file.rawValue, 36, &lock) }) == 0 && lock.l_type != Int16(F_UNLCK)
    }

    private static func region(_ slot: UInt64) -> Glibc.flock {
        var lock = Glibc.flock()
        lock.l_type = Int16(F_WRLCK)
        lock.l_whence = Int16(SEEK_SET)
        lock.l_start = off_t(slot >> 2)
        lock.l_len = 1
        return lock
    }

    private static func acquire(_ path: FilePath, slot: UInt64, waiting: Bool) throws(SystemError) -> FileLock? {
        let file = try OwnedDescriptor(path, O_RDWR | O_CREAT, 0o644)
        var lock = region(slot)
        // F_OFD_SETLK and F_OFD_SETLKW; glibc's header hides them from Swift behind _GNU_SOURCE.
        if uninterrupted({ fcntl(file.rawValue, waiting ? 38 : 37, &lock) }) == 0 { return FileLock(file) }
        let error = SystemError("lock", path)
        if !waiting, error.errno == .wouldBlock || error.errno == .permissionDenied { return nil }
        throw error
    }

    private static func openForLocking(_ path: FilePath) throws(SystemError) -> OwnedDescriptor {
        do {
            return try OwnedDescriptor(path, O_RDONLY | O_NONBLOCK)
        } catch  where error.errno == .noSuchFileOrDirectory {
            return try OwnedDescriptor(path, O_RDONLY | O_CREAT, 0o644)
        }
    }
}
