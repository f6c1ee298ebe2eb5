internal import ContentStore
internal import FileSystem
internal import Layers
public import OCI

/// Images whose layers are in a registry until something reads them.
extension ImageStore {
    /// Lists an image whose documents are in the store and whose layers need not be.
    ///
    /// Other tools do not see it: `index.json` lists it once its layers are here.
    ///
    /// - Parameter place: The repository that has the layers, with the digest of the manifest there or of an index that lists
    ///   it.
    /// - Throws: `ImageError.malformed` and `.layersDiffer`, `ContentStoreError`, `SystemError`.
    @discardableResult
    public func addPromised(
        manifest bytes: [UInt8],
        mediaType: MediaType,
        names: [ImageReference] = [],
        from place: ImageReference
    ) throws -> StoredImage {
        let lock = try store.lock(.shared)
        defer { withExtendedLifetime(lock) {} }
        let image = try promised(manifest: bytes, mediaType: mediaType).adding([place])
        try register(image, replacing: record(image.id), names: names)
        return record(image.id) ?? image
    }

    /// The same, but lists the image nowhere; the caller holds the store's lock as long as it uses the image.
    public func promised(manifest bytes: [UInt8], mediaType: MediaType) throws -> StoredImage {
        let manifest = try ManifestDocument.manifest(bytes, mediaType: mediaType)
        let configuration = try ManifestDocument.configuration(try store.blobs.read(manifest.config.digest))
        let layers = try ImageStore.layers(manifest, configuration)
        if layers.allSatisfy(self.layers.isAvailable) { return try prepare(manifest: bytes, mediaType: mediaType) }
        return StoredImage(
            id: manifest.config.digest,
            manifest: Descriptor(mediaType: mediaType, digest: try store.blobs.write(bytes), size: Int64(bytes.count)),
            created: configuration.created,
            size: try size(of: layers, mayBePromised: true),
            platform: configuration.platform,
            isComplete: false
        )
    }

    /// Lists an image as complete whose last layer has come.
    ///
    /// - Throws: What `wholeContent(of:)` throws, and `LayerError.unsafeMember`.
    @discardableResult
    public func completed(_ image: StoredImage) throws -> StoredImage {
        let content = try wholeContent(of: image)
        try layers.checkLinks(of: content.layers)
        let lock = try namesLock()
        defer { withExtendedLifetime(lock) {} }
        var complete = record(image.id) ?? image
        guard !complete.isComplete else { return complete }
        complete.isComplete = true
        complete.size = try size(of: content.layers)
        // One that is listed nowhere stays so.
        guard record(image.id) != nil else { return complete }
        let index = LayoutIndex(self)
        try index.invalidate()
        try FileOperations.writeAtomically(
            ImageRecord.encode(complete),
            to: recordPath(image.id),
            temporary: store[.temporary]
        )
        try index.rebuild()
        return complete
    }
}
