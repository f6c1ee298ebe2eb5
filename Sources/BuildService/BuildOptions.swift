public import Distribution
public import OCI

/// What a build is asked to do, as it was typed: none of it is parsed yet.
public struct BuildOptions: Sendable, Equatable {
    /// A directory, an address, or `-`.
    public var context: String
    public var file: String?
    /// The Dockerfile itself, in the place of `file`.
    public var inlineDockerfile: String?
    public var tags: [String] = []
    public var buildArguments: [String] = []
    public var buildArgumentFiles: [String] = []
    public var buildContexts: [String] = []
    /// Images of the store that are build contexts, by the name of the context.
    public var imageContexts: [String: ContextImage] = [:]
    public var target: String?
    public var labels: [String] = []
    public var annotations: [String] = []
    public var platform: String?
    public var jobs: Int?
    public var outputs: [String] = []
    public var idFile: String?
    public var metadataFile: String?
    public var sourceDateEpoch: String?
    public var pull = PullPolicy.missing
    public var cacheSources: [String] = []
    public var cacheDestinations: [String] = []
    /// Whether the image goes to the registries of its names.
    public var pushes = false
    /// Whether the store gets all layers of an image that is only pushed, too.
    public var keepsWholeImage = false
    public var compression = "gzip"
    public var compressionLevel: Int?
    /// Whether layers that came compressed in another way are compressed anew.
    public var forcesCompression = false
    public var format: ImageFormat?
    public var ignoresCache = false
    public var uncachedStages: [String] = []
    /// Whether cache misses are explained.
    public var explains = false
    /// Whether each step must have one.
    public var expectsCached = false
    public var runs = RunFlags()

    public init(context: String) { self.context = context }

    /// Whether a value for an attestation asks for none: `false`, or `type=sbom,disabled=true`.
    public static func switchesOff(attestation text: String) -> Bool {
        text.split(separator: ",").contains { field in
            ["0", "f", "false", "disabled", "disabled=1", "disabled=t", "disabled=true"].contains(field.lowercased())
        }
    }
}

/// An image of the store as a build context: this very one, whatever the name means elsewhere.
public struct ContextImage: Sendable, Equatable {
    /// What the build calls it.
    public let name: ImageReference
    /// The image ID.
    public let id: Digest

    public init(name: ImageReference, id: Digest) { (self.name, self.id) = (name, id) }
}
