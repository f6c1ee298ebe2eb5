/// How the image of a service is built.
public struct BuildDefinition: Sendable {
    public enum Dockerfile: Sendable, Equatable {
        /// Relative to the context.
        case path(String)
        case inline(String)
    }

    public struct Secret: Sendable, Equatable {
        /// The name of a secret of the project.
        public let source: String
        /// The identifier in the Dockerfile.
        public let target: String
    }

    /// An absolute path or an address.
    public let context: String
    public let dockerfile: Dockerfile
    public let arguments: [String: String]
    public let target: String?
    public let labels: [String: String]
    public let tags: [String]
    public let platforms: [String]
    public let cacheFrom: [String]
    public let cacheTo: [String]
    public let ignoresCache: Bool
    public let ignoresCacheOf: [String]
    public let pulls: Bool
    public let network: String?
    public let extraHosts: [String]
    public let secrets: [Secret]
    /// `default` or `id=path`.
    public let ssh: [String]
    public let additionalContexts: [String: String]
    public let provenance: String?
    public let billOfMaterials: String?
    /// Bytes.
    public let sharedMemory: Int64?
    public let limits: [String: ServiceResources.Limit]

    init(_ fields: Fields) {
        context = fields.text("context") ?? "."
        dockerfile =
            fields.text("dockerfile_inline").map(Dockerfile.inline) ?? .path(fields.text("dockerfile") ?? "Dockerfile")
        arguments = fields.valuesOnly("args")
        // Of a variable that is empty, as with Docker Compose.
        target = fields.text("target").flatMap { $0.isEmpty ? nil : $0 }
        labels = fields.texts("labels")
        tags = fields.strings("tags")
        platforms = fields.strings("platforms")
        cacheFrom = fields.strings("cache_from")
        cacheTo = fields.strings("cache_to")
        ignoresCache = fields.isOn("no_cache")
        ignoresCacheOf = fields.strings("no_cache_filter")
        pulls = fields.isOn("pull")
        network = fields.text("network")
        extraHosts = fields.strings("extra_hosts")
        secrets = fields.list("secrets").compactMap { secret in
            secret.text("source").map { Secret(source: $0, target: secret.text("target") ?? $0) }
        }
        ssh = fields.strings("ssh")
        additionalContexts = fields.texts("additional_contexts")
        provenance = fields.text("provenance")
        billOfMaterials = fields.text("sbom")
        sharedMemory = fields.integer("shm_size")
        limits = ServiceResources.Limit.all(fields)
    }
}
