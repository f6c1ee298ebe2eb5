public import OCI

/// The digest of everything about a selection that counts for the cache, and the digests of its files.
///
/// Counted: names relative to the copied roots, kinds, permissions, sizes, link targets, device numbers, extended
/// attributes and contents. Not counted: times, owners, and where the roots lie, but for the names of copied files.
public struct ContentFingerprint: Sendable {
    public let digest: Digest
    /// The listings as they were given, with the content digest and the attributes of every file.
    public let listings: [ContextListing]

    /// - Throws: `BuildContextError.changedWhileRead`, or `.system` where a file cannot be read.
    public init(
        of listings: [ContextListing], in context: ContextDirectory, cache: FingerprintCache
    ) throws(BuildContextError) {
        fatalError()
    }
}
