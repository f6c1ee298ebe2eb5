public import BuildContext
import FileSystem
internal import Layers
public import Tar

/// What one source stands for: a file, or a directory whose contents are copied.
public struct CopyRoot: Sendable {
    /// Where the items come from.
    public enum Items: Sendable {
        /// For a file exactly one; for a directory everything below it.
        case list([CopyItem])
        /// A listing of the context, by its position among those of the step.
        case context(ContextListing, Int)
    }

    /// One of the items.
    public enum Reference: Sendable {
        case item(Int32)
        case entry(ContextListing.Reference)
    }

    /// The name that a file gets in a directory.
    public let name: [UInt8]
    public let isDirectory: Bool
    public let items: Items
    /// An archive replaces what is in its way, where a copied tree must not, and its members keep their modes.
    public let isArchive: Bool

    public init(name: [UInt8], isDirectory: Bool, items: Items, isArchive: Bool = false) {
        self.name = name
        self.isDirectory = isDirectory
        self.items = items
        self.isArchive = isArchive
    }

    /// What a listing of a context selects.
    ///
    /// - Parameter position: That of the listing among those of the fingerprint that the layer is written with.
    public init(_ listing: ContextListing, at position: Int) {
        self.init(
            name: Array(listing.root.name),
            isDirectory: listing.root.isDirectory,
            items: .context(listing, position)
        )
    }

    /// The number of items.
    public var count: Int {
        switch items {
        case .list(let items): items.count
        case .context(let listing, _): listing.count
        }
    }

    /// Visits all items, parents first; paths are relative to what is copied.
    public func forEach<Failure: Error>(
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
    public var newestTime: Int64? {
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
