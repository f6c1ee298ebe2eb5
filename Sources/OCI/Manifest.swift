/// What points to a blob: type, digest and size in bytes (descriptor.md).
public struct Descriptor: Sendable, Hashable, Codable {
    public var mediaType: MediaType
    public var digest: Digest
    public var size: Int64
    public var annotations: [String: String]?
    public var platform: Platform?

    public init(
        mediaType: MediaType,
        digest: Digest,
        size: Int64,
        annotations: [String: String]? = nil,
        platform: Platform? = nil
    ) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        self.annotations = annotations
        self.platform = platform
    }
}

extension Descriptor {
    /// Whether this is about another manifest rather than an image of its own, as BuildKit lists its provenance.
    public var isAttestation: Bool {
        annotations?["vnd.docker.reference.type"] == "attestation-manifest"
            || (platform?.os == "unknown" && platform?.architecture == "unknown")
    }
}

/// The manifest of one image: its configuration and its layers, lowest first (manifest.md).
public struct Manifest: Sendable, Hashable, Codable {
    public var schemaVersion = 2
    public var mediaType: MediaType?
    /// What the manifest is of, where it is no image.
    public var artifactType: MediaType?
    public var config: Descriptor
    public var layers: [Descriptor]
    public var annotations: [String: String]?

    public init(
        mediaType: MediaType = .imageManifest,
        config: Descriptor,
        layers: [Descriptor],
        annotations: [String: String]? = nil
    ) {
        self.mediaType = mediaType
        self.config = config
        self.layers = layers
        self.annotations = annotations
    }
}

/// An index of manifests: the `index.json` of a layout, or an image for several platforms (image-index.md).
public struct ImageIndex: Sendable, Hashable, Codable {
    public var schemaVersion = 2
    public var mediaType: MediaType?
    public var manifests: [Descriptor]
    public var annotations: [String: String]?

    public init(manifests: [Descriptor], annotations: [String: String]? = nil) {
        mediaType = .imageIndex
        self.manifests = manifests
        self.annotations = annotations
    }
}

/// Annotation keys that other tools read.
public enum Annotation {
    /// The name by which `skopeo` and `umoci` find an image in a layout.
    public static let referenceName = "org.opencontainers.image.ref.name"
    /// The full image name, as containerd and BuildKit write it.
    public static let imageName = "io.containerd.image.name"
}
