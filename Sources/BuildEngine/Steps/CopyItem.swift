import BuildContext
import BuildPlanning
import ContentStore
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
        case context(ContentFingerprint.File)
        /// A file of the layer at a position in another image or stage.
        case layer(LayerStack, Int)
        /// A whole file that nobody changes, and what keeps it there.
        case stored(FilePath, owner: (any Sendable)?)
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
    /// Where the items come from.
    enum Items {
        /// For a file exactly one; for a directory everything below it.
        case list([CopyItem])
        /// A listing of the context, by its position among those of the step.
        case context(ContextListing, Int)
    }

    /// One of the items.
    enum Reference {
        case item(Int32)
        case entry(ContextListing.Reference)
    }

    /// The name that a file gets in a directory.
    let name: [UInt8]
    let isDirectory: Bool
    var items: Items
    /// The source in the Dockerfile, for messages.
    let range: SourceRange
    /// An archive replaces what is in its way, where a copied tree must not, and its members keep their modes.
    var isArchive = false

    /// The number of items.
    var count: Int {
        switch items {
        case .list(let items): items.count
        case .context(let listing, _): listing.count
        }
    }

    /// Visits all items, parents first; paths are relative to what is copied.
    func forEach<Failure: Error>(
        _ body: (_ path: [UInt8], LayerEntry.Kind, Reference) throws(Failure) -> Void
    ) throws(Failure) {
        switch items {
        case .list(let items):
            for (position, item) in items.enumerated() {
                try body(item.entry.path.bytes, item.entry.kind, .item(Int32(position)))
            }
        case .context(let listing, _):
            var result: Result<Void, Failure> = .success(())
            listing.forEach { path, entry in
                guard case .success = result else { return }
                let kind = LayerEntry.Kind(listing.status(of: entry).kind)
                result = Result { () throws(Failure) in try body(path, kind, .entry(entry)) }
            }
            try result.get()
        }
    }

    /// The newest modification time of an item, in seconds since 1970; `nil` when there is none.
    var newestTime: Int64? {
        switch items {
        case .list(let items): return items.lazy.map(\.entry.modified).max()
        case .context(let listing, _):
            var newest: Int64?
            listing.forEach { _, entry in
                newest = max(newest ?? .min, listing.status(of: entry).modifiedSeconds)
            }
            return newest
        }
    }

    func item(_ reference: Reference) -> CopyItem {
        switch (items, reference) {
        case (.list(let items), .item(let position)): items[Int(position)]
        case (.context(let listing, let position), .entry(let entry)):
            CopyItem(listing[entry], file: ContentFingerprint.File(listing: position, entry: entry))
        case (.list, .entry), (.context, .item): preconditionFailure("a reference to an item of another root")
        }
    }
}

extension CopyItem {
    /// What copying an entry of the context takes; its owner does not count.
    fileprivate init(_ found: ContextEntry, file: ContentFingerprint.File) {
        self.init(found, path: .root)
        if found.status.kind == .regular { content = .context(file) }
    }

    /// The same without its content.
    init(_ found: ContextEntry, path: PathInRoot) {
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
        identity = found.hardLinkIdentity.map { .context($0) }
    }
}

extension LayerEntry.Kind {
    /// No layer can hold a socket, which becomes an empty file (BuildKit).
    fileprivate init(_ kind: FileStatus.Kind) {
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

/// A change of owner and mode that an instruction asks for.
struct AttributeChange {
    var userID: UInt32?
    var groupID: UInt32?
    var mode: ModeChange?

    func apply(to entry: inout LayerEntry, withMode: Bool = true) {
        if let userID { entry.userID = userID }
        if let groupID { entry.groupID = groupID }
        if withMode, let mode, entry.kind != .symbolicLink {
            entry.permissions = mode.applied(to: entry.permissions, isDirectory: entry.kind == .directory)
        }
    }
}
