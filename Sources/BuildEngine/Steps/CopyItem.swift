import BuildContext
import FileSystem
import Layers
import OCI
import Reporting
import SystemPackage

/// One file, directory or link that a step brings into the image, wherever it comes from.
struct CopyItem {
    /// Where the content of a file is read from.
    enum Content {
        case none
        case bytes([UInt8])
        /// A file of the context, which must still be as it was when it was looked at.
        case context(FilePath, FileStatus)
        /// A file of the layer at a position in another image or stage.
        case layer(LayerStack, Int)
        /// A file that the step made itself; kept open as long as the item.
        case temporary(TemporaryFile, offset: Int64)
    }

    /// What names of one file have in common.
    enum Identity: Hashable {
        case context(ContextEntry.HardLinkIdentity)
        case layer(Int, PathInRoot)
        /// A member of an archive, by what holds its content and where.
        case archive(ObjectIdentifier, Int64, PathInRoot)
    }

    /// Attributes and size; the path is relative to the copied root.
    var entry: LayerEntry
    var content: Content = .none
    var identity: Identity?
}

/// What one source stands for: a file, or a directory whose contents are copied.
struct CopyRoot {
    /// The name that a file gets in a directory.
    let name: [UInt8]
    let isDirectory: Bool
    /// For a file exactly one item; for a directory everything below it, parents first.
    var items: [CopyItem]
    /// The source in the Dockerfile, for messages.
    let range: SourceRange
    /// An archive replaces what is in its way, where a copied tree must not.
    var isArchive = false
}

/// A change of owner and mode that an instruction asks for.
struct AttributeChange {
    var userID: UInt32?
    var groupID: UInt32?
    var mode: FileMode?

    func apply(to entry: inout LayerEntry, withMode: Bool = true) {
        if let userID { entry.userID = userID }
        if let groupID { entry.groupID = groupID }
        if withMode, let mode, entry.kind != .symbolicLink {
            entry.permissions = mode.applied(to: entry.permissions, isDirectory: entry.kind == .directory)
        }
    }
}
