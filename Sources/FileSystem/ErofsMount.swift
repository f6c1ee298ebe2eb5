internal import CLinux
public import SystemPackage

/// An EROFS filesystem that is mounted nowhere, and reached through its root as long as this value lives.
///
/// It ends with the process, however that ends, since it is in no mount namespace.
public final class ErofsMount: Sendable {
    private let mount: OwnedDescriptor

    /// Mounts it from two plain files, without loop devices (Linux 6.12, root of the machine).
    ///
    /// - Parameters:
    ///   - metadata: Superblock, inodes and directories.
    ///   - contents: The one extra device, where the contents of files are.
    public init(metadata: FilePath, contents: FilePath) throws(SystemError) {
        let result = metadata.withPlatformString { metadata in
            contents.withPlatformString { sb_mount_erofs(metadata, $0) }
        }
        guard let mount = OwnedDescriptor(result) else { throw SystemError("mount", metadata) }
        self.mount = mount
    }

    /// The root directory, by a name that this process and its children have for it.
    ///
    /// With the dot it is the directory for calls that follow no link, too.
    public var root: FilePath { FilePath("/proc/self/fd/\(mount.rawValue)/.") }
}
