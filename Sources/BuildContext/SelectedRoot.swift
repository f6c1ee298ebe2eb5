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
