public import Distribution
public import OCI

/// What a build is asked to do, as it was typed: none of it is parsed yet.
public struct BuildOptions: Sendable, Equatable {
    /// A directory, an address, or `-`.
    public var context: String
    public var file: String?
    public var tags: [String] = []
    public var buildArguments: [String] = []
    public var buildArgumentFiles: [String] = []
    public var buildContexts: [String] = []
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
    public var compression = "gzip"
    public var compressionLevel: Int?
    public var format: ImageFormat?
    public var ignoresCache = false
    public var uncachedStages: [String] = []
    /// Whether cache misses are explained.
    public var explains = false
    /// Whether each step must have one.
    public var expectsCached = false
    public var runs = RunFlags()

    public init(context: String) { self.context = context }
}
