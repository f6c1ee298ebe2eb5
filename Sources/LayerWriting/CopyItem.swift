public import BuildContext
import ContentStore
public import FileSystem
public import Layers
public import SystemPackage
public import Tar

/// One file, directory or link that a step brings into the image, wherever it comes from.
public struct CopyItem: Sendable {
    /// Where the content of a file is read from.
    public enum Content: Sendable {
        case none
        case bytes([UInt8])
        /// A file of the context, which must still be as it was when it was looked at.
        case context(ContentFingerprint.File)
        /// A file of the layer at a position in another image or stage.
        case layer(LayerStack, Int)
        /// A whole file that does not change, and what keeps it there.
        case stored(FilePath, owner: (any Sendable)?)
        /// A file that the step made itself; kept open as long as the item.
        case temporary(TemporaryFile, offset: Int64)
    }

    /// What names of one file have in common.
    public enum Identity: Hashable, Sendable {
        case context(ContextEntry.HardLinkIdentity)
        case layer(Int, PathInRoot)
        /// A member of an archive, by what holds its content and where.
        case archive(ObjectIdentifier, Int64, PathInRoot)
    }

    /// Attributes and size; the path is relative to the copied root.
    public var entry: LayerEntry
    public var content: Content
    public var identity: Identity?

    public init(entry: LayerEntry, content: Content = .none, identity: Identity? = nil) {
        self.entry = entry
        self.content = content
        self.identity = identity
    }
}

extension CopyItem {
    /// What copying an entry of the context takes; its owner does not count.
    init(_ found: ContextEntry, file: ContentFingerprint.File) {
        self.init(found, path: .root)
        if found.status.kind == .regular { content = .context(file) }
    }

    /// The same without its content.
    public init(_ found: ContextEntry, path: PathInRoot) {
        entry = LayerEntry(
            path: path,
            kind: LayerEntry.Kind(found.status.kind),
            permissions: found.status.permissions,
            modified: found.status.modifiedSeconds,
            linkTarget: found.linkTarget,
            extendedAttributes: found.extendedAttributes,
            contentDigest: found.status.kind == .socket ? SHA256Hasher.digest(of: []) : found.contentDigest
        )
        if found.status.kind == .regular { entry.size = found.status.size }
        if entry.kind == .characterDevice || entry.kind == .blockDevice {
            entry.deviceMajor = found.status.deviceMajor
            entry.deviceMinor = found.status.deviceMinor
        }
        content = .none
        identity = found.hardLinkIdentity.map { .context($0) }
    }
}

extension LayerEntry.Kind {
    /// No layer can hold a socket, which becomes an empty file (BuildKit).
    init(_ kind: FileStatus.Kind) {
        switch kind {
        case .regular, .socket: self = .regular
        case .directory: self = .directory
        case .symbolicLink: self = .symbolicLink
        case .fifo: self = .fifo
        case .characterDevice: self = .characterDevice
        case .blockDevice: self = .blockDevice
        }
    }
}
