/// What points to a blob: type, digest and size in bytes (descriptor.md).
public struct Descriptor: Sendable, Hashable, Codable {
    public var mediaType: MediaType
    public var digest: Digest
    public var size: Int64
    public var annotations: [String: String]?
    public var platform: Platform?
    /// What the manifest is of, where it is not an image.
    public var artifactType: MediaType?

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
    /// Whether an index says of this that it is something other than an image, as BuildKit does of its provenance.
    ///
    /// Not every index does; `Manifest.isImage` tells for certain.
    public var isArtifact: Bool {
        artifactType != nil || annotations?["vnd.docker.reference.type"] == "attestation-manifest"
            || (platform?.os == "unknown" && platform?.architecture == "unknown")
    }
}

/// The manifest of one image: its configuration and its layers, lowest first (manifest.md).
public struct Manifest: Sendable, Hashable, Codable {
    public var schemaVersion = 2
    public var mediaType: MediaType?
    /// What the manifest is of, where it is not an image.
    public var artifactType: MediaType?
    public var config: Descriptor
    public var layers: [Descriptor]
    /// The manifest that this one says something about, such as the image that was signed.
    public var subject: Descriptor?
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

    /// Decodes leniently: some tools write `null` where there is no layer.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        schemaVersion = try container.decode(Int.self, forKey: .schemaVersion)
        mediaType = try container.decodeIfPresent(MediaType.self, forKey: .mediaType)
        artifactType = try container.decodeIfPresent(MediaType.self, forKey: .artifactType)
        config = try container.decode(Descriptor.self, forKey: .config)
        layers = try container.decodeIfPresent([Descriptor].self, forKey: .layers) ?? []
        subject = try container.decodeIfPresent(Descriptor.self, forKey: .subject)
        annotations = try container.decodeIfPresent([String: String].self, forKey: .annotations)
    }

    /// Whether this is an image, and no artifact that is kept as one: a chart, a list of what is in an image, a
    /// signature or an attestation (manifest.md, "Guidelines for Artifact Usage").
    ///
    /// The configuration alone does not tell: signatures and attestations have that of an image, without a platform.
    public var isImage: Bool {
        config.mediaType.isImageConfiguration && subject == nil && artifactType == nil
            && layers.allSatisfy { $0.mediaType.isLayer }
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

    /// Decodes leniently: Docker 25.0 wrote `null` for a list without entries.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        schemaVersion = try container.decode(Int.self, forKey: .schemaVersion)
        mediaType = try container.decodeIfPresent(MediaType.self, forKey: .mediaType)
        manifests = try container.decodeIfPresent([Descriptor].self, forKey: .manifests) ?? []
        annotations = try container.decodeIfPresent([String: String].self, forKey: .annotations)
    }
}

/// Annotation keys that other tools read.
public enum Annotation {
    /// The name by which `skopeo` and `umoci` find an image in a layout.
    public static let referenceName = "org.opencontainers.image.ref.name"
    /// The full image name, as containerd and BuildKit write it.
    public static let imageName = "io.containerd.image.name"
}
