internal import ContentStore
internal import FileSystem
public import Layers
internal import OCI
internal import SystemPackage
internal import Tar

/// Caches that other stores have as well.
extension CacheDirectoryStore {
    /// What a cache holds at one time.
    public struct Contents {
        /// Lowest first; those that were not shared before are in the scratch store.
        public let layers: [Layer]
        /// `nil` where nothing is to be remembered.
        let state: SharedDirectoryState?
    }

    /// A cache that is larger than what is shared.
    public struct TooLarge: Error {
        /// About its bytes.
        public let size: Int64
    }

    public func isPresent(_ identity: Identity) -> Bool { FileStatus.ifPresent(path(identity)) != nil }

    /// Makes a cache of what others have kept of it; it remains as it is where there is one already.
    ///
    /// - Parameter layers: Lowest first, in the scratch store.
    /// - Throws: `LayerError`, `SystemError`.
    public func restore(_ identity: Identity, _ layers: [Layer], from scratch: LayerStore) throws {
        try make(path(identity), identity, .shared(try LayerStack(layers, in: scratch)))
    }

    /// Makes layers of what a cache holds: one more on top of those that it was shared as, or one in place of all.
    ///
    /// - Parameters:
    ///   - limit: How large it may be, in bytes.
    ///   - isWhole: Whether it is to be one layer in any case.
    ///   - scratch: Gets the new layer.
    /// - Returns: `nil` where there is no such cache, or somebody is using it.
    /// - Throws: `TooLarge`, `LayerError`, `SystemError`.
    public func contents(_ identity: Identity, limit: Int64, isWhole: Bool, to scratch: LayerStore) throws -> Contents?
    {
        let path = path(identity)
        let files = path.appending("fs")
        guard FileStatus.ifPresent(files)?.kind == .directory, let lock = try FileLock.tryAcquire(path, .exclusive)
        else { return nil }
        defer { withExtendedLifetime(lock) {} }
        let time = try fileTime()
        var state = isWhole ? nil : SharedDirectoryState(path)
        var changes = try DirectoryChanges(of: files, since: state)
        guard changes.size <= limit else { throw TooLarge(size: changes.size) }
        if let known = state, changes.isEmpty { return Contents(layers: known.layers, state: nil) }
        if let known = state, known.isWasteful(changes.size) {
            state = nil
            changes = try DirectoryChanges(of: files, since: nil)
        }
        let layer = try LayerCapture().layer(of: files, changes, in: scratch)
        let view = MergedView(layers: (state.map { [$0.index] } ?? []) + [try scratch.index(of: layer)])
        let layers = (state?.layers ?? []) + [layer]
        return Contents(layers: layers, state: SharedDirectoryState(layers, at: time, view))
    }

    /// Remembers that a cache was shared, so that next time only what has changed since is.
    public func remember(_ contents: Contents, of identity: Identity) throws {
        try contents.state?.write(to: path(identity), temporary: store[.temporary])
    }

    private func path(_ identity: Identity) -> FilePath { store[.mounts].appending(identity.name().hex) }

    /// The time that the filesystem gives a file now: its clock is coarser than others.
    func fileTime() throws(SystemError) -> Int64 {
        let file = try TemporaryFile(in: store[.temporary])
        return try FileStatus.of(descriptor: file.descriptor, path: file.path).modified
    }
}
