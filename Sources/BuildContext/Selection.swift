public import FileSystem

/// A file or directory that the source of an instruction stands for.
public struct SelectedRoot: Sendable, Equatable {
    /// The path in the context as it was named or as the wildcard matched it, cleaned; empty for the context itself.
    public let path: [UInt8]
    /// Where it really is in the context, once every symbolic link is followed.
    public let resolvedPath: [UInt8]
    /// The status at `resolvedPath`; never a symbolic link.
    public let status: FileStatus

    /// Whether its contents are copied, not itself.
    public var isDirectory: Bool { status.kind == .directory }

    /// The last component of `path`, which a copied file gets as its name; empty for the context itself.
    public var name: ArraySlice<UInt8> {
        guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else { return path[...] }
        return path[(slash + 1)...]
    }
}

/// What a selected root holds: itself if it is a file, everything below it if it is a directory.
public struct ContextListing: Sendable {
    /// What was listed.
    public let root: SelectedRoot
    /// Ordered by component, parents before children, so that a directory's subtree is contiguous.
    public internal(set) var entries: [ContextEntry]

    /// The path of an entry in the context, which `ContextDirectory.filePath(_:)` opens.
    public func contextPath(of entry: ContextEntry) -> [UInt8] {
        guard root.isDirectory else { return root.resolvedPath }
        return root.resolvedPath.isEmpty ? entry.path : root.resolvedPath + [UInt8(ascii: "/")] + entry.path
    }
}
