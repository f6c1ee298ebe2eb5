public import FileSystem
public import OCI

/// One path in a layer: what it is, its attributes, and where its content lies.
public struct LayerEntry: Sendable, Hashable {
    public enum Kind: UInt8, Sendable {
        case regular
        case directory
        case symbolicLink
        /// A further name of a regular file of the same layer; attributes and content are those of the target.
        case hardLink
        case characterDevice
        case blockDevice
        case fifo
        /// The path is removed from the layers below (layer.md, "Whiteouts").
        case whiteout
    }

    public var path: PathInRoot
    public var kind: Kind
    /// The twelve permission bits.
    public var permissions: UInt16
    public var userID: UInt32
    public var groupID: UInt32
    /// Bytes of content; 0 for everything but files.
    public var size: Int64
    /// Seconds since 1970.
    public var modified: Int64
    /// The text of a symbolic link, or the target path of a hard link as bytes of a `PathInRoot`.
    public var linkTarget: [UInt8]
    /// Sorted by name.
    public var extendedAttributes: [ExtendedAttribute]
    public var deviceMajor: UInt32
    public var deviceMinor: UInt32
    /// A directory that hides everything the layers below have in it.
    public var isOpaque: Bool
    /// A directory that the archive does not list: a parent of something it lists.
    ///
    /// Where a layer below has it, its attributes are the ones that count.
    public var isImplied: Bool
    /// Where the content starts in the uncompressed tar; `nil` where it does not lie there in one piece
    /// and is kept as a blob under `contentDigest`.
    public var contentOffset: Int64?
    /// SHA-256 of a file's content.
    public var contentDigest: Digest?

    public init(
        path: PathInRoot,
        kind: Kind,
        permissions: UInt16,
        userID: UInt32 = 0,
        groupID: UInt32 = 0,
        size: Int64 = 0,
        modified: Int64 = 0,
        linkTarget: [UInt8] = [],
        extendedAttributes: [ExtendedAttribute] = [],
        deviceMajor: UInt32 = 0,
        deviceMinor: UInt32 = 0,
        isOpaque: Bool = false,
        isImplied: Bool = false,
        contentOffset: Int64? = nil,
        contentDigest: Digest? = nil
    ) {
        self.path = path
        self.kind = kind
        self.permissions = permissions
        self.userID = userID
        self.groupID = groupID
        self.size = size
        self.modified = modified
        self.linkTarget = linkTarget
        self.extendedAttributes = extendedAttributes
        self.deviceMajor = deviceMajor
        self.deviceMinor = deviceMinor
        self.isOpaque = isOpaque
        self.isImplied = isImplied
        self.contentOffset = contentOffset
        self.contentDigest = contentDigest
    }

    /// A directory that nothing describes: 0755, owned by root.
    public static func directory(_ path: PathInRoot, modified: Int64 = 0) -> LayerEntry {
        LayerEntry(path: path, kind: .directory, permissions: 0o755, modified: modified)
    }

    /// `makedev(3)`, which is a macro.
    public var deviceNumber: UInt64 {
        let (major, minor) = (UInt64(deviceMajor), UInt64(deviceMinor))
        return (major & 0xFFFF_F000) << 32 | (major & 0xFFF) << 8 | (minor & 0xFFFF_FF00) << 12 | (minor & 0xFF)
    }

    /// Whether the path has file content, under its own or a further name.
    public var isFile: Bool { kind == .regular || kind == .hardLink }
}
