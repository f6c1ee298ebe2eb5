internal import FileSystem
internal import Glibc
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
    }

    /// When a context that came from elsewhere was made.
    public enum SourceTime: Sendable {
        /// Seconds since 1970.
        case known(Int64)
        /// As its newest file was.
        case ofNewestFile
    }

    /// The real path of the directory.
    public let path: FilePath
    /// What is left out.
    public let ignoreFile: IgnoreFile
    /// What removes the directory with its last use; `nil` for one that the user keeps.
    private let owner: (any Sendable)?
    /// `nil` for a directory of this machine, of which nothing says when it was made.
    private let sourceTime: SourceTime?

    /// Whether the directory is there for one build only, so that nothing is worth remembering of its files.
    public var isTemporary: Bool { owner != nil }

    /// Opens nothing yet, but finds the directory's real path.
    ///
    /// - Parameter owner: What removes a temporary directory when it goes away.
    /// - Throws: `BuildContextError.system` where there is no directory at `path`, which may be relative or a link.
    public init(
        _ path: FilePath,
        ignoreFile: IgnoreFile = .empty,
        owner: (any Sendable)? = nil,
        sourceTime: SourceTime? = nil
    ) throws(BuildContextError) {
        guard let resolved = path.withPlatformString({ realpath($0, nil) }) else {
            throw .system(SystemError("open the build context", path))
        }
        defer { free(resolved) }
        self.path = FilePath(platformString: resolved)
        self.ignoreFile = ignoreFile
        self.owner = owner
        self.sourceTime = sourceTime
        guard FileStatus.ifPresent(self.path)?.kind == .directory else {
            throw .system(SystemError("open the build context", path, errno: .notDirectory))
        }
    }

    /// The same directory without the store, where that lies in it: it grows while it is copied.
    ///
    /// - Returns: `nil` where the store lies elsewhere or is ignored already; and its path in the context.
    public func leavingOut(store: FilePath) -> (context: ContextDirectory, store: [UInt8])? {
        guard let resolved = store.withPlatformString({ realpath($0, nil) }) else { return nil }
        defer { free(resolved) }
        let real = FilePath(platformString: resolved)
        guard real != path, real.starts(with: path) else { return nil }
        var inside = real
        _ = inside.removePrefix(path)
        let relative = Array(inside.string.utf8)
        guard !ignoreFile.ignores(relative), let rules = try? ignoreFile.ignoring(storeAt: relative) else { return nil }
        return (ignoring(rules), relative)
    }

    /// The same directory with other rules, for an ignore file that lies in it.
    public func ignoring(_ ignoreFile: IgnoreFile) -> ContextDirectory {
        ContextDirectory(realPath: path, ignoreFile: ignoreFile, owner: owner, sourceTime: sourceTime)
    }

    private init(realPath: FilePath, ignoreFile: IgnoreFile, owner: (any Sendable)?, sourceTime: SourceTime?) {
        path = realPath
        self.ignoreFile = ignoreFile
        self.owner = owner
        self.sourceTime = sourceTime
    }

    /// When the source of the context was made, in seconds since 1970: a commit, a file of a server, an archive.
    ///
    /// - Returns: `nil` for a directory of this machine, and an archive without files.
    /// - Throws: `BuildContextError` where the files cannot be looked at.
    public func time() throws(BuildContextError) -> Int64? {
        switch sourceTime {
        case .known(let time)?: return time
        case nil: return nil
        case .ofNewestFile?:
            var newest: Int64?
            let everything = ignoring(.empty)
            for root in try everything.select(source: [], wildcards: .none) {
                let listing = try everything.list(root)
                listing.forEach { _, entry in
                    let status = listing.status(of: entry)
                    if status.kind == .regular { newest = max(newest ?? .min, status.modifiedSeconds) }
                }
            }
            return newest
        }
    }

    /// Where a path of the context is on disk.
    public func filePath(_ path: [UInt8]) -> FilePath {
        guard !path.isEmpty else { return self.path }
        let root = self.path.withPlatformString { Array(UnsafeBufferPointer(start: $0, count: strlen($0) + 1)) }
        // The root directory itself ends with its slash already; two of them are one to the kernel and to FilePath.
        let text = root.dropLast() + [CChar(bitPattern: PathText.slash)] + path.map { CChar(bitPattern: $0) } + [0]
        return FilePath(platformString: Array(text))
    }

    /// Opens a path component by component, so that no symbolic link on the way can lead elsewhere.
    func open(_ path: [UInt8], _ flags: Int32) throws(SystemError) -> OwnedDescriptor {
        var file = try OwnedDescriptor(self.path, O_RDONLY | O_DIRECTORY)
        let components = path.split(separator: PathText.slash)
        for (index, component) in components.enumerated() {
            let name = component.map { CChar(bitPattern: $0) } + [0]
            let isLast = index == components.count - 1
            let own = isLast ? flags : O_RDONLY | O_DIRECTORY
            guard let next = OwnedDescriptor(openat(file.rawValue, name, own | O_NOFOLLOW | O_CLOEXEC)) else {
                throw SystemError("open", filePath(path))
            }
            file = next
        }
        return file
    }
}
