public import ContentStore
internal import FileSystem
public import Layers
public import SystemPackage
public import Tar

/// An empty store in a scratch directory.
public struct StoreFixture: Sendable {
    /// The scratch directory; the store is `store` in it.
    public let directory: FilePath
    public let layers: LayerStore

    public var store: Store { layers.store }

    /// Opens the store of a directory anew, as another process would.
    public init(_ directory: FilePath) throws {
        self.directory = directory
        layers = LayerStore(try Store(root: directory.appending("store")))
    }

    /// Does something with a new store, which is removed afterwards.
    public static func with<Result>(_ body: (StoreFixture) throws -> Result) throws -> Result {
        try withScratch { try body(StoreFixture($0)) }
    }

    public func path(_ name: String) -> FilePath { directory.appending(name) }

    /// Writes a file beside the store.
    public func write(_ name: String, _ bytes: [UInt8]) throws -> FilePath {
        try FileOperations.writeAtomically(bytes, to: path(name), temporary: directory)
        return path(name)
    }

    /// A layer of entries with the contents of its files.
    public func layer(_ entries: [(LayerEntry, String)]) throws -> Layer {
        try layers.layer(entries.map { ($0, Array($1.utf8)) })
    }

    /// A layer whose files contain their paths.
    public func layer(_ entries: LayerEntry...) throws -> Layer { try layer(entries.map { ($0, "\($0.path)") }) }

    /// A layer of what a tar program would have written, raw headers and all.
    public func layer(tar: [UInt8]) throws -> Layer {
        Layer(diffID: try store.blobs.write(tar), tarSize: Int64(tar.count))
    }
}

extension LayerStore {
    /// Writes a layer of entries, which may come in any order, with the contents of its files.
    public func layer(_ entries: [(LayerEntry, [UInt8])]) throws -> Layer {
        let writer = try writer()
        for (entry, content) in entries.sorted(by: { $0.0.path < $1.0.path }) {
            var entry = entry
            if entry.kind == .regular { entry.size = Int64(content.count) }
            try writer.append(entry, content: entry.kind == .regular ? .bytes(content) : .none)
        }
        return try writer.finish()
    }
}
