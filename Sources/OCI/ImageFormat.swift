/// Which specification's media types the documents of an image have.
public enum ImageFormat: String, Sendable, CaseIterable {
    case oci, docker
}

extension MediaType {
    /// What something of this type is called in a format; types that only one of them has stay as they are.
    public func form(in format: ImageFormat) -> MediaType {
        let pairs: [(oci: MediaType, docker: MediaType)] = [
            (.imageIndex, .dockerManifestList), (.imageManifest, .dockerManifest),
            (.imageConfiguration, .dockerConfiguration), (.layer, .dockerLayer), (.layerGzip, .dockerLayerGzip),
        ]
        guard let pair = pairs.first(where: { self == $0.oci || self == $0.docker }) else { return self }
        return format == .docker ? pair.docker : pair.oci
    }

    /// The format whose manifest or index this is.
    public var format: ImageFormat { self == .dockerManifest || self == .dockerManifestList ? .docker : .oci }
}

extension Manifest {
    /// The same image with the media types of a format; Docker's has no annotations, and is about no other manifest.
    public func converted(to format: ImageFormat) -> Manifest {
        var manifest = self
        manifest.mediaType = MediaType.imageManifest.form(in: format)
        manifest.config.mediaType = config.mediaType.form(in: format)
        for position in layers.indices {
            manifest.layers[position].mediaType = layers[position].mediaType.form(in: format)
        }
        if format == .docker { (manifest.annotations, manifest.artifactType, manifest.subject) = (nil, nil, nil) }
        return manifest
    }
}

extension ImageIndex {
    /// The same index with the media type of a format, whatever its manifests are; Docker's has no annotations.
    public func converted(to format: ImageFormat) -> ImageIndex {
        var index = self
        index.mediaType = MediaType.imageIndex.form(in: format)
        guard format == .docker else { return index }
        index.annotations = nil
        for position in manifests.indices { index.manifests[position].annotations = nil }
        return index
    }
}
