internal import CLinux
internal import Glibc
public import SystemPackage

extension FileOperations {
    /// Lets ext4 put each new directory of this one, with what is made in it, where the disk has room; other filesystems
    /// need nothing of the kind.
    ///
    /// Otherwise trees that are made and removed again and again share one part of the disk, and ext4 does not use an
    /// inode again in the minutes after its file was removed: it looks at all of those for each new file. Unpacking 8,000
    /// files took ten times as long for it.
    public static func spreadDirectories(in path: FilePath) {
        guard let directory = try? OwnedDescriptor(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW) else { return }
        // FS_TOPDIR_FL of <linux/fs.h>, `chattr +T`.
        _ = sb_add_inode_flag(directory.rawValue, 0x2_0000)
    }

    /// The extended attributes in which Linux keeps the access list of a directory, and the one of what is made in it.
    private static let accessLists = ["system.posix_acl_default", "system.posix_acl_access"]

    /// Makes a directory whose owner, mode and access lists depend neither on the caller's umask and group nor on the
    /// directory that it is in; nothing in it inherits anything from there either.
    ///
    /// - Throws: `SystemError` also when something of that name is there.
    public static func createRoot(_ path: FilePath, permissions: UInt32 = 0o755) throws(SystemError) {
        guard path.withPlatformString({ mkdir($0, 0o700) }) == 0 else { throw SystemError("create directory", path) }
        let directory = try OwnedDescriptor(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW)
        let isPrivileged = geteuid() == 0
        let (user, group) = (isPrivileged ? 0 : geteuid(), isPrivileged ? 0 : getegid())
        let status = try FileStatus.of(descriptor: directory.rawValue, path: path)
        if status.userID != user || status.groupID != group, fchown(directory.rawValue, user, group) != 0 {
            throw SystemError("change the owner of", path)
        }
        for list in accessLists { fremovexattr(directory.rawValue, list) }
        guard fchmod(directory.rawValue, mode_t(permissions)) == 0 else { throw SystemError("set the mode of", path) }
    }

    /// Takes permissions of a directory away from everybody that `permissions` does not have.
    public static func restrict(_ path: FilePath, to permissions: UInt16) throws(SystemError) {
        let status = try FileStatus.of(path)
        guard status.kind == .directory, status.permissions & 0o777 & ~permissions != 0 else { return }
        guard path.withPlatformString({ chmod($0, mode_t(status.permissions & (permissions | 0o7000))) }) == 0 else {
            throw SystemError("set the mode of", path)
        }
    }
}
