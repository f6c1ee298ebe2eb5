internal import FileSystem
public import SystemPackage

/// A directory that instructions take files from, without what its ignore file excludes.
///
/// Nothing is read until an instruction names something, and then only that.
public struct ContextDirectory: Sendable {
    /// How the text of a source is read.
    public enum Wildcards: Sendable {
        /// Every character stands for itself.
        case none
        /// `*`, `?`, `[…]` and `\` as `COPY` has them; `**` is the same as `*`.
        case path
        /// Also `**` for any number of directories, as `COPY --parents` has it.
        case crossingDirectories
    }

    /// The real path of the directory.
    public let path: FilePath
    public let ignoreFile: IgnoreFile

    /// - Throws: `BuildContextError.system` where there is no directory at `path`, which may be relative or a link.
    public init(_ path: FilePath, ignoreFile: IgnoreFile = .empty) throws(BuildContextError) {
        fatalError()
    }

    /// Where a path of the context is on disk.
    public func filePath(_ path: [UInt8]) -> FilePath { fatalError() }

    /// What a source stands for: one root, or for a wildcard any number of them, sorted.
    ///
    /// Leading `/` and `..` stay inside the context. Symbolic links are followed, each inside the context.
    ///
    /// - Throws: `BuildContextError.missingSource` unless it is a wildcard, which may match nothing.
    public func select(source: [UInt8], wildcards: Wildcards) throws(BuildContextError) -> [SelectedRoot] {
        fatalError()
    }

    /// Everything that copying `root` takes.
    ///
    /// - Parameter excluding: Further patterns, relative to `root`, as `COPY --exclude` has them.
    public func list(_ root: SelectedRoot, excluding: IgnoreFile = .empty) throws(BuildContextError) -> ContextListing {
        fatalError()
    }

    /// The directories from the context down to `path`, the outermost first, without the context and `path` itself.
    public func parents(of path: [UInt8]) throws(BuildContextError) -> [ContextEntry] { fatalError() }
}
