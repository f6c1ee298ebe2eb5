/// The media types of manifests, configurations and layers (OCI image specification and Docker schema 2).
public struct MediaType: Sendable, Hashable, RawRepresentable {
    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }

    public static let imageIndex = MediaType(rawValue: "application/vnd.oci.image.index.v1+json")
    public static let imageManifest = MediaType(rawValue: "application/vnd.oci.image.manifest.v1+json")
    public static let imageConfiguration = MediaType(rawValue: "application/vnd.oci.image.config.v1+json")
    public static let layer = MediaType(rawValue: "application/vnd.oci.image.layer.v1.tar")
    public static let layerGzip = MediaType(rawValue: "application/vnd.oci.image.layer.v1.tar+gzip")
    public static let layerZstd = MediaType(rawValue: "application/vnd.oci.image.layer.v1.tar+zstd")

    public static let dockerManifestList = MediaType(
        rawValue: "application/vnd.docker.distribution.manifest.list.v2+json"
    )
    public static let dockerManifest = MediaType(rawValue: "application/vnd.docker.distribution.manifest.v2+json")
    public static let dockerConfiguration = MediaType(rawValue: "application/vnd.docker.container.image.v1+json")
    public static let dockerLayer = MediaType(rawValue: "application/vnd.docker.image.rootfs.diff.tar")
    public static let dockerLayerGzip = MediaType(rawValue: "application/vnd.docker.image.rootfs.diff.tar.gzip")

    /// Whether this names a layer that only its owner may serve, as Windows had them.
    public var isForeignLayer: Bool {
        rawValue.hasPrefix("application/vnd.oci.image.layer.nondistributable.")
            || rawValue.hasPrefix("application/vnd.docker.image.rootfs.foreign.")
    }
    /// Whether this names the configuration of an image rather than that of a chart, a signature or another artifact.
    public var isImageConfiguration: Bool { self == .imageConfiguration || self == .dockerConfiguration }
    /// Whether this names a layer of an image, in any compression.
    public var isLayer: Bool {
        [
            "application/vnd.oci.image.layer.", "application/vnd.docker.image.rootfs.",
            "application/vnd.docker.container.",
        ]
        .contains { rawValue.hasPrefix($0) }
    }
    /// Whether this names an index of several manifests.
    public var isIndex: Bool { self == .imageIndex || self == .dockerManifestList }
    /// Whether this names the manifest of one image.
    public var isManifest: Bool { self == .imageManifest || self == .dockerManifest }
}

extension MediaType: CustomStringConvertible {
    public var description: String { rawValue }
}

extension MediaType: Codable {
    public init(from decoder: any Decoder) throws {
        rawValue = try decoder.singleValueContainer().decode(String.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rawValue)
    }
}
