internal import Glibc
public import SystemPackage

/// What the kernel says about one file, times in nanoseconds.
public struct FileStatus: Sendable, Equatable {
    public enum Kind: UInt8, Sendable {
        case regular
        case directory
        case symbolicLink
        case characterDevice
        case blockDevice
        case fifo
        case socket
    }

    public let kind: Kind
    /// The twelve permission bits, setuid, setgid and sticky included.
    public let permissions: UInt16
    public let userID: UInt32
    public let groupID: UInt32
    /// Length in bytes; of a symbolic link, the length of its target.
    public let size: Int64
    public let device: UInt64
    public let inode: UInt64
    public let linkCount: UInt64
    /// Nanoseconds since 1970.
    public let modified: Int64
    /// Nanoseconds since 1970; no program can set it, so it tells of every change.
    public let changed: Int64
    /// Device number of a device file.
    public let deviceNumber: UInt64

    init(_ raw: stat) {
        kind =
            switch raw.st_mode & Glibc.S_IFMT {
            case Glibc.S_IFDIR: .directory
            case Glibc.S_IFLNK: .symbolicLink
            case Glibc.S_IFCHR: .characterDevice
            case Glibc.S_IFBLK: .blockDevice
            case Glibc.S_IFIFO: .fifo
            case Glibc.S_IFSOCK: .socket
            default: .regular
            }
        permissions = UInt16(raw.st_mode & 0o7777)
        userID = raw.st_uid
        groupID = raw.st_gid
        size = Int64(raw.st_size)
        device = UInt64(raw.st_dev)
        inode = UInt64(raw.st_ino)
        linkCount = UInt64(raw.st_nlink)
        modified = FileStatus.nanoseconds(raw.st_mtim)
        changed = FileStatus.nanoseconds(raw.st_ctim)
        deviceNumber = UInt64(raw.st_rdev)
    }

    /// `major(3)` of `deviceNumber`.
    public var deviceMajor: UInt32 { UInt32((deviceNumber >> 8) & 0xFFF | (deviceNumber >> 32) & 0xFFFF_F000) }
    /// `minor(3)` of `deviceNumber`.
    public var deviceMinor: UInt32 { UInt32(deviceNumber & 0xFF | (deviceNumber >> 12) & 0xFFFF_FF00) }

    /// Seconds since 1970, rounded down, as a layer stores them.
    public var modifiedSeconds: Int64 {
        let (quotient, remainder) = modified.quotientAndRemainder(dividingBy: 1_000_000_000)
        return remainder < 0 ? quotient - 1 : quotient
    }

    /// Saturates instead of trapping: a file may carry any time, the year 292,000,000,000 included.
    private static func nanoseconds(_ time: timespec) -> Int64 {
        let (scaled, overflow) = Int64(time.tv_sec).multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return time.tv_sec < 0 ? .min : .max }
        let (sum, carried) = scaled.addingReportingOverflow(Int64(time.tv_nsec))
        return carried ? .max : sum
    }

    /// The status of `path` itself; a final symbolic link is not followed.
    ///
    /// - Throws: `SystemError`.
    public static func of(_ path: FilePath) throws(SystemError) -> FileStatus {
        var raw = stat()
        guard path.withPlatformString({ lstat($0, &raw) }) == 0 else { throw SystemError("read the status of", path) }
        return FileStatus(raw)
    }

    /// The status of `path`, or `nil` where it cannot be read for any reason.
    public static func ifPresent(_ path: FilePath) -> FileStatus? {
        try? of(path)
    }

    /// The status of an open file.
    ///
    /// - Throws: `SystemError`, naming `path`.
    public static func of(descriptor: Int32, path: FilePath) throws(SystemError) -> FileStatus {
        var raw = stat()
        guard fstat(descriptor, &raw) == 0 else { throw SystemError("read the status of", path) }
        return FileStatus(raw)
    }

    /// The status of `name` in an open directory, without following it; `nil` when there is none or it cannot be read.
    public static func of(_ name: UnsafePointer<CChar>, in directory: Int32) -> FileStatus? {
        var raw = stat()
        guard fstatat(directory, name, &raw, AT_SYMLINK_NOFOLLOW) == 0 else { return nil }
        return FileStatus(raw)
    }
}
