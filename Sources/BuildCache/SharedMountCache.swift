public import ContentStore

/// Directories of `RUN --mount=type=cache` that several stores share; none of its defects ever fails a build.
///
/// A directory is a stack of layers, as an image is: the first holds all of it, and each further one what has changed.
public protocol SharedMountCache: Sendable {
    /// Whether any directories are to be found.
    var hasMountSources: Bool { get }

    /// The largest directory that is kept, in bytes; `nil` where none is kept.
    var mountLimit: Int64? { get }

    /// Brings what a directory held when it was last kept.
    ///
    /// - Parameters:
    ///   - identity: What tells one cache from another in every store.
    ///   - scratch: Gets the layers; a store of its own, which is thrown away.
    /// - Returns: The layers, lowest first; `nil` where nobody has kept it, and where that is unknown.
    func bringMount(_ identity: String, to scratch: Store) async -> [CacheRecord.LayerResult]?

    /// Keeps what a directory holds now, unless that is kept already.
    ///
    /// - Parameters:
    ///   - layers: Lowest first.
    ///   - scratch: Has those of the layers that were never kept.
    /// - Returns: Whether it did; not where layers are missing both in the scratch store and in a place that keeps it.
    func keepMount(_ identity: String, _ layers: [CacheRecord.LayerResult], from scratch: Store) async -> Bool
}
