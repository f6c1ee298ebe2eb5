import BuildCache
import ContentStore
public import Layers
public import OCI

/// A base image as a build needs it.
public struct BaseImage: Sendable {
    /// The image ID.
    public let id: Digest
    public let configuration: ImageConfiguration
    /// Those that the configuration names, lowest first.
    let layers: [Layer]
    /// Brings the layers into the store; `nil` where they are there.
    ///
    /// It is called once, when something first reads one of them.
    let fetch: (@Sendable () async throws -> Void)?
    /// Blobs of the store that say what it is, which spare others asking for them.
    public var documents: [Digest] = []
    /// Brings what the layers hold that are elsewhere, if anybody says it there.
    public var bringIndexes: (@Sendable () async -> Void)?

    public init(
        id: Digest,
        configuration: ImageConfiguration,
        layers: [Layer],
        fetch: (@Sendable () async throws -> Void)?
    ) {
        self.id = id
        self.configuration = configuration
        self.layers = layers
        self.fetch = fetch
    }
}

extension BaseImage {
    /// Two images with the same files are the same base: what else counts of one is in the keys of the steps.
    var key: StepKey {
        let chain = ChainID(configuration.rootfs.diffIDs, sha256: { SHA256Hasher.digest(of: $0) })
        return StepKey([NamedInput("base", chain.map { $0.digest.description } ?? "scratch")])
    }
}

/// Why a required image is unavailable, in words for the place that names it.
public struct BaseImageError: Error, Sendable {
    public let message: String
    public let hints: [String]

    public init(_ message: String, hints: [String] = []) {
        self.message = message
        self.hints = hints
    }
}

/// Where the images come from that `FROM` and `--from` name; the engine itself knows no network.
public protocol BaseImageProvider: Sendable {
    /// Finds an image, fetching it where that is possible.
    ///
    /// - Throws: `BaseImageError` when there is none of that name, or it cannot be fetched.
    func image(_ reference: ImageReference, platform: Platform) async throws -> BaseImage
}
