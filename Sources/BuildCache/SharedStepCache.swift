public import OCI

/// Results that several stores share; none of its defects ever fails a build.
public protocol SharedStepCache: SharedMountCache {
    /// Whether there is anything to be found, rather than only to be kept.
    var hasSources: Bool { get }

    /// Begins to ask what builds of a definition have kept, so that their results need not be asked for one by one.
    ///
    /// - Parameter definitions: Keys of what is built, the nearest first.
    func begin(_ definitions: [Digest])

    /// What the latest of these builds has said of itself, of the nearest definition that was ever built.
    func latestBuild() async -> [UInt8]?

    /// What the key of a result is made of that these builds have kept.
    func listedInputs(of key: Digest) -> [NamedInput]?

    /// The record that a store has kept under a key; `nil` where none has, and where that is unknown.
    ///
    /// The record's own key is another one where it was kept under an alias.
    func record(under key: Digest) async -> CacheRecord?

    /// Waits while another build makes the result of a key, and has others wait while this one does, until the result is
    /// kept or `unclaim` is called.
    ///
    /// - Parameters:
    ///   - below: The latest key below that was claimed in this way.
    ///   - waits: Called once if another build is waited for.
    /// - Returns: Whether there is a record under the key now; where not, the result is to be made here.
    func isMadeElsewhere(_ key: Digest, after below: Digest?, waits: @Sendable () -> Void) async -> Bool

    /// Lets others make a result that this build does not.
    ///
    /// - Parameter isFailure: Whether they need not wait for each other, since it cannot be made.
    func unclaim(_ key: Digest, isFailure: Bool)

    /// Brings the layer of a record that was found under a key into the store.
    ///
    /// - Throws: Any error, of which the user knows already, or `CancellationError`.
    func fetch(_ layer: CacheRecord.LayerResult, under key: Digest) async throws

    /// Brings what others say that layers hold, by their diff IDs, which are not in the store; as far as anybody says it.
    func bringIndexes(of layers: [Digest]) async

    /// Sends what a layer holds that no step made, and that is in the store; does not wait for that.
    func keepIndex(ofLayer diffID: Digest, _ blob: Descriptor)

    /// Lists documents of base images, blobs of the store, beside the results of this build.
    func keepDocuments(_ documents: [Digest])

    /// Makes what was kept so far, and what the build says of itself, known under the definitions that `begin` was given.
    func keepBuild(_ text: [UInt8])

    /// Sends the result of a step, which the store or this cache has a record of, to where results are kept; does not
    /// wait for that.
    ///
    /// - Parameter alias: Keeps it under this key instead of its own, for those who cannot know that.
    func keep(_ key: StepKey, under alias: Digest?)
}

extension SharedStepCache {
    public func keep(_ key: StepKey) { keep(key, under: nil) }
}
