public import OCI

/// Results that several stores share; none of its defects ever fails a build.
public protocol SharedStepCache: Sendable {
    /// Whether there is anything to be found, rather than only to be kept.
    var hasSources: Bool { get }

    /// The record that a store has kept under a key; `nil` where none has, and where that is unknown.
    ///
    /// The record's own key is another one where it was kept under an alias.
    func record(under key: Digest) async -> CacheRecord?

    /// Brings the layer of a record that was found under a key into the store.
    ///
    /// - Throws: Any error, of which the user knows already, or `CancellationError`.
    func fetch(_ layer: CacheRecord.LayerResult, under key: Digest) async throws

    /// Sends the result of a step, which the store or this cache has a record of, to where results are kept; does not
    /// wait for that.
    ///
    /// - Parameter alias: Keeps it under this key instead of its own, for those who cannot know that.
    func keep(_ key: StepKey, under alias: Digest?)
}

extension SharedStepCache {
    public func keep(_ key: StepKey) { keep(key, under: nil) }
}
