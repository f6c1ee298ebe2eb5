public import SystemPackage

/// One thing that is mounted into a sandbox, besides the root and the standard filesystems.
///
/// Under `SandboxIsolation.chroot` nothing can be mounted: a file is copied to its target where nothing is yet, a
/// memory filesystem becomes a plain directory, and binding a directory fails.
public struct SandboxMount: Sendable {
    /// What is mounted.
    public enum Source: Sendable {
        /// A file or directory of the host; symbolic links are followed, so the path must be one the caller trusts.
        case bind(FilePath, recursive: Bool = false)
        /// A file or directory named by a path inside `root`, whose symbolic links cannot lead out of `root`.
        case bindInside(root: FilePath, path: String, recursive: Bool = false)
        /// A path inside an overlay of its own, such as the files of another stage, topmost directory first.
        ///
        /// Without `upper` and `work` it is read-only; with them writes go to `upper`, for the caller to throw away.
        case overlay(lower: [FilePath], upper: FilePath? = nil, work: FilePath? = nil, path: String = "/")
        /// The device that a path of the host leads to, as a device file of the sandbox's own where one can be made.
        case device(FilePath)
        /// A new file in memory; what is written to it is nowhere afterwards.
        ///
        /// It belongs to `owner`, but to the process's user where there is only that one.
        case content([UInt8], permissions: UInt32 = 0o644, owner: SandboxUser = .root)
        /// A new empty filesystem in memory; `size` in bytes, `nil` for the kernel's default of half the memory.
        case memory(
            size: UInt64? = nil,
            permissions: UInt32 = 0o1777,
            owner: SandboxUser = .root,
            forbidsPrograms: Bool = false
        )
    }

    /// What is mounted.
    public var source: Source
    /// Absolute path inside the sandbox; symbolic links in it are resolved inside the root.
    public var target: String
    /// Whether writing there fails.
    public var isReadOnly: Bool
    /// Whether a missing target is made; it then appears in `SandboxProcess.createdMountPoints`.
    public var createsTarget: Bool

    /// Whether files of this machine are changed that are there afterwards.
    public var isKept: Bool {
        switch source {
        case .bind, .bindInside: !isReadOnly
        case .overlay, .device, .content, .memory: false
        }
    }

    /// A mount on `target`.
    public init(_ source: Source, target: String, isReadOnly: Bool = false, createsTarget: Bool = true) {
        self.source = source
        self.target = target
        self.isReadOnly = isReadOnly
        self.createsTarget = createsTarget
    }
}

/// A file or directory that did not exist in the root and was made to mount something on it.
///
/// They are empty and lie in the overlay's upper directory after the process has ended, parents first. Docker keeps
/// them in the layer; remove them, deepest first, where that is not wanted.
public struct CreatedMountPoint: Sendable, Equatable {
    /// Absolute path inside the root, without symbolic links.
    public let path: String
    /// Whether it is a directory, and otherwise an empty file.
    public let isDirectory: Bool

    public init(path: String, isDirectory: Bool) { (self.path, self.isDirectory) = (path, isDirectory) }
}
