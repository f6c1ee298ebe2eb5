public import FileSystem
public import OCI

/// One file, directory or link that a `COPY` or `ADD` takes out of a context.
public struct ContextEntry: Sendable {
    /// The path relative to the selected directory, or the name of a selected file.
    public let path: [UInt8]
    /// As it was when the content was read, where that has happened already.
    public let status: FileStatus
    /// The text of a symbolic link; empty for everything else.
    public let linkTarget: [UInt8]
    /// Those of directories are here after a walk, those of regular files only after a `ContentFingerprint` was made.
    public let extendedAttributes: [ExtendedAttribute]
    /// SHA-256 of a regular file's content; `nil` until a `ContentFingerprint` was made, and for everything else.
    public let contentDigest: Digest?

    /// Equal for two names of one file; `nil` for a file with one name and for anything but a regular file.
    public var hardLinkIdentity: HardLinkIdentity? {
        guard status.kind == .regular, status.linkCount > 1 else { return nil }
        return HardLinkIdentity(device: status.device, inode: status.inode)
    }

    /// What the names of one file have in common.
    public struct HardLinkIdentity: Sendable, Hashable {
        /// The filesystem.
        public let device: UInt64
        /// The file in it.
        public let inode: UInt64
    }
}
