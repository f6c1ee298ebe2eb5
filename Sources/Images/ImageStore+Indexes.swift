internal import ContentStore
internal import FileSystem
public import OCI

extension ImageStore {
    /// Makes an index of images and gives it a name, away from whatever had it.
    ///
    /// - Throws: `ImageError.samePlatform`, `.notFound` when an image was removed, `.invalidAnnotation`, `SystemError`.
    public func makeIndex(_ images: [StoredImage], annotations: IndexAnnotations, name: ImageReference) throws
        -> StoredIndex
    {
        for (platform, same) in Dictionary(grouping: images, by: \.platform) where same.count > 1 {
            throw ImageError.samePlatform(platform, same.map(\.id).sorted())
        }
        let document = try annotations.annotate(
            ImageIndex(
                manifests: images.map { image in
                    var descriptor = image.manifest
                    descriptor.platform = image.platform
                    return descriptor
                }
            )
        )
        let bytes = try CanonicalJSON.encode(document)
        // From here on until it has its name, no prune may take it.
        let lock = try store.lock(.shared)
        defer { withExtendedLifetime(lock) {} }
        let digest = try store.blobs.write(bytes)
        try self.name(digest, [name])
        let descriptor = Descriptor(mediaType: .imageIndex, digest: digest, size: Int64(bytes.count))
        return StoredIndex(descriptor: descriptor, document: document, images: images)
    }

    /// Makes a further name lead to an index.
    public func tag(_ index: StoredIndex, as name: ImageReference) throws {
        try self.name(index.descriptor.digest, [name])
    }

    /// The index that a name means.
    public func index(named reference: ImageReference) -> StoredIndex? {
        guard let id = id(of: ImageName(reference)), record(id) == nil else { return nil }
        return index(id)
    }

    /// All indexes with their names.
    public func indexes() throws -> [ListedIndex] {
        let images = Set(try imageIDs())
        let names = Dictionary(grouping: try allNames().filter { !images.contains($0.id) }, by: \.id)
        return names.compactMap { id, names in
            index(id).map { ListedIndex(index: $0, names: names.map(\.name.reference)) }
        }.sorted { $0.names[0].description < $1.names[0].description }
    }

    /// The index that a user means: by name, by digest, or by the start of the digest's digits.
    public func findIndex(_ text: String) throws -> ListedIndex? {
        if let reference = try? ImageReference(parsing: text), let id = id(of: ImageName(reference)) {
            return record(id) == nil ? try indexes().first { $0.index.descriptor.digest == id } : nil
        }
        let digits = text.hasPrefix("sha256:") ? text.dropFirst("sha256:".count) : text[...]
        guard digits.utf8.count >= 4, digits.allSatisfy(\.isHexDigit) else { return nil }
        return try indexes().first { $0.index.descriptor.digest.hex.hasPrefix(digits) }
    }

    /// The index with this digest, if it is one and all its images are there.
    func index(_ digest: Digest) -> StoredIndex? {
        guard let bytes = try? store.blobs.read(digest, limit: ImageStore.documentLimit),
            let document = try? ManifestDocument.index(bytes, mediaType: nil),
            let mediaType = document.mediaType, mediaType.isIndex
        else { return nil }
        let images = document.manifests.compactMap(image)
        guard images.count == document.manifests.count else { return nil }
        let descriptor = Descriptor(mediaType: mediaType, digest: digest, size: Int64(bytes.count))
        return StoredIndex(descriptor: descriptor, document: document, images: images)
    }

    /// The image that a manifest of an index describes.
    private func image(_ descriptor: Descriptor) -> StoredImage? {
        guard let bytes = try? store.blobs.read(descriptor.digest, limit: ImageStore.documentLimit),
            let manifest = try? ManifestDocument.manifest(bytes, mediaType: descriptor.mediaType),
            let known = record(manifest.config.digest)
        else { return nil }
        // The image may have got another manifest since, as when it was built again with annotations.
        return StoredImage(
            id: known.id,
            manifest: Descriptor(mediaType: descriptor.mediaType, digest: descriptor.digest, size: descriptor.size),
            created: known.created,
            size: known.size,
            platform: known.platform,
            registryDigests: known.registryDigests,
            isComplete: known.isComplete
        )
    }

    /// What an ID or a digest in a name leads to.
    func named(_ id: Digest) -> NamedContent? {
        record(id)?.named
            ?? index(id).map {
                NamedContent(id: id, document: $0.descriptor, isComplete: $0.images.allSatisfy(\.isComplete))
            }
    }
}
