internal import OCI
internal import Synchronization

/// Layers that are elsewhere while something is done with the image that they are of.
public final class LayerPromises: Sendable {
    /// One of them.
    struct Promise {
        /// As it is there.
        let blob: Descriptor
        /// The repository that has it, unless it is not in a registry.
        let repository: ImageReference?
        /// Brings it into the store.
        let fetch: @Sendable () async throws -> Void
    }

    private let known = Mutex<[Digest: Promise]>([:])

    public init() {}

    subscript(_ diffID: Digest) -> Promise? { known.withLock { $0[diffID] } }

    func add(
        _ diffID: Digest,
        _ blob: Descriptor,
        at repository: ImageReference?,
        fetch: @escaping @Sendable () async throws -> Void
    ) {
        known.withLock { $0[diffID] = Promise(blob: blob, repository: repository, fetch: fetch) }
    }
}

/// Layers that were counted on, and that nobody gives.
///
/// What was made of them is to be made again without counting on it.
public struct UnkeptPromise: Error, CustomStringConvertible {
    /// What they are of.
    public let subject: String
    public let reason: any Error

    public var description: String { "the layers of \(subject) are unavailable: \(reason)" }
}
