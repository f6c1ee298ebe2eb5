public import ContentStore
internal import FileSystem
public import Layers
public import OCI
internal import SystemPackage
internal import Tar

/// The images of a store and their names.
///
/// An image is its configuration and manifest, which are blobs, and a small record (`images-v1`) that lists it. A name
/// is a file (`names-v1`) that holds an image's ID. All of them move by one atomic rename, so a process that is killed
/// leaves the old or the new state; whatever is damaged counts as missing.
public struct ImageStore: Sendable {
    /// Where everything is kept.
    public let store: Store
    /// The layers of the images.
    public let layers: LayerStore

    /// The largest manifest, index or configuration that is read; registries have the same bound or a smaller one.
    public static let documentLimit = 16 << 20

    /// Opens the images of a store.
    public init(_ store: Store, layers: LayerStore) {
        self.store = store
        self.layers = layers
    }

    /// Adds an image of our own making and gives it names; where all of it is there already nothing is written.
    ///
    /// - Parameters:
    ///   - configuration: Its `rootfs` must list exactly `layers`.
    ///   - layers: Lowest first; they must be in the store, unless they are promised.
    ///   - annotations: Those of the manifest.
    ///   - format: The media types of the manifest.
    ///   - names: Names to give to the image in the same step, so that no prune can come in between.
    ///   - mayBePromised: Whether layers may be elsewhere; the image gets its names only if none is, since until a registry
    ///     has it nobody could complete it.
    /// - Throws: `ImageError.layersDiffer`, `LayerError`, or `SystemError`.
    @discardableResult
    public func add(
        configuration: ImageConfiguration,
        layers: [Layer],
        annotations: [String: String] = [:],
        format: ImageFormat = .oci,
        names: [ImageReference] = [],
        mayBePromised: Bool = false
    ) throws -> StoredImage {
        let configurationBytes = try CanonicalJSON.encode(configuration)
        let id = SHA256Hasher.digest(of: configurationBytes)
        guard configuration.rootfs.diffIDs == layers.map(\.diffID) else {
            throw ImageError.layersDiffer(
                "\(id)",
                manifest: layers.count,
                configuration: configuration.rootfs.diffIDs.count
            )
        }
        let manifest = Manifest(
            config: Descriptor(mediaType: .imageConfiguration, digest: id, size: Int64(configurationBytes.count)),
            layers: layers.map(\.blob),
            annotations: annotations.isEmpty ? nil : annotations
        ).converted(to: format)
        let manifestBytes = try CanonicalJSON.encode(manifest)
        let descriptor = Descriptor(
            mediaType: MediaType.imageManifest.form(in: format),
            digest: SHA256Hasher.digest(of: manifestBytes),
            size: Int64(manifestBytes.count)
        )

        let lock = try store.lock(.shared)
        defer { withExtendedLifetime(lock) {} }
        let isComplete = !mayBePromised || layers.allSatisfy(self.layers.isAvailable)
        let names = isComplete ? names : []
        let known = record(id)
        if let known, known.manifest == descriptor, known.isComplete || !isComplete,
            store.blobs.holds(manifestBytes, descriptor.digest),
            store.blobs.holds(configurationBytes, id)
        {
            try tag(known, as: names)
            return known
        }
        try store.blobs.write(configurationBytes)
        try store.blobs.write(manifestBytes)
        let image = StoredImage(
            id: id,
            manifest: descriptor,
            created: configuration.created,
            size: try size(of: layers, mayBePromised: !isComplete),
            platform: configuration.platform,
            isComplete: isComplete
        )
        let changed = names.filter { storedID(of: ImageName($0)) != id }
        try register(image, replacing: known, names: names)
        // Where the image was known already, its new names have been told.
        if known != image { for name in changed { note("tag", id, name: name, labels: configuration.config.labels) } }
        return image
    }

    /// Adds an image whose documents and layers are blobs of the store already, as they were pulled or loaded.
    ///
    /// Every layer is read once and its diff ID verified. The documents stay byte for byte, so that no digest changes.
    ///
    /// - Parameter layersAreVerified: Whether the caller has done that already.
    /// - Throws: `ImageError.malformed` and `.layersDiffer`, `ContentStoreError`, or `LayerError`.
    @discardableResult
    public func add(
        manifest bytes: [UInt8],
        mediaType: MediaType,
        names: [ImageReference] = [],
        layersAreVerified: Bool = false
    ) throws -> StoredImage {
        let lock = try store.lock(.shared)
        defer { withExtendedLifetime(lock) {} }
        let image = try prepare(manifest: bytes, mediaType: mediaType, layersAreVerified: layersAreVerified)
        try register(image, replacing: record(image.id), names: names)
        return image
    }

    /// Verifies an image whose blobs are there and writes its manifest, but lists it nowhere.
    ///
    /// The caller holds the store's lock as long as it uses the image.
    /// - Throws: What `add(manifest:mediaType:names:layersAreVerified:)` throws.
    public func prepare(manifest bytes: [UInt8], mediaType: MediaType, layersAreVerified: Bool = false) throws
        -> StoredImage
    {
        let manifest = try ManifestDocument.manifest(bytes, mediaType: mediaType)
        let configuration = try ManifestDocument.configuration(try store.blobs.read(manifest.config.digest))
        let layers = try ImageStore.layers(manifest, configuration)
        let descriptor = Descriptor(
            mediaType: mediaType,
            digest: try store.blobs.write(bytes),
            size: Int64(bytes.count)
        )
        if let known = record(manifest.config.digest), known.manifest == descriptor, known.isComplete,
            layers.allSatisfy(self.layers.isAvailable)
        {
            return known
        }
        if !layersAreVerified { for layer in layers { try self.layers.verify(layer) } }
        try self.layers.checkLinks(of: layers)
        return StoredImage(
            id: manifest.config.digest,
            manifest: descriptor,
            created: configuration.created,
            size: try size(of: layers),
            platform: configuration.platform
        )
    }

    /// The documents of an image, decoded once.
    ///
    /// - Throws: `ContentStoreError.missing` or `.damaged`, `ImageError.malformed` and `.layersDiffer`.
    public func content(of image: StoredImage) throws -> ImageContent {
        let manifest = try ManifestDocument.manifest(
            try store.blobs.read(image.manifest.digest),
            mediaType: image.manifest.mediaType
        )
        guard manifest.config.digest == image.id else { throw ContentStoreError.damaged(image.manifest.digest) }
        let configuration = try ManifestDocument.configuration(try store.blobs.read(image.id))
        return ImageContent(
            image: image,
            manifest: manifest,
            configuration: configuration,
            layers: try ImageStore.layers(manifest, configuration)
        )
    }

    /// The documents of an image of which everything is there, its layers included.
    ///
    /// - Throws: What `content(of:)` throws, `LayerError.missing` and `.damaged`.
    public func wholeContent(of image: StoredImage) throws -> ImageContent {
        let content = try content(of: image)
        if let layer = content.layers.first(where: { !layers.isAvailable($0) }) {
            throw FileStatus.ifPresent(store.blobs.path(layer.blob.digest)) == nil
                ? LayerError.missing(layer.diffID) : LayerError.damaged(layer.diffID)
        }
        return content
    }

    /// The configuration of an image.
    ///
    /// - Throws: `ContentStoreError.missing` or `.damaged`, `ImageError.malformed`.
    public func configuration(of image: StoredImage) throws -> ImageConfiguration {
        try ManifestDocument.configuration(try store.blobs.read(image.id))
    }

    /// The labels of an image; none where its configuration is not readable.
    public func labels(of image: StoredImage) -> [String: String] {
        (try? configuration(of: image))?.config.labels ?? [:]
    }

    /// The layers of an image, lowest first.
    ///
    /// - Throws: What `content(of:)` throws.
    public func layers(of image: StoredImage) throws -> [Layer] { try content(of: image).layers }

    /// The image with exactly this ID.
    public func image(id: Digest) -> StoredImage? { record(id) }

    func record(_ id: Digest) -> StoredImage? {
        guard let bytes = try? FileOperations.readRegular(recordPath(id), limit: 1 << 16) else { return nil }
        return ImageRecord.decode(bytes, id: id)
    }

    func recordPath(_ id: Digest) -> FilePath { store[.images].appending(id.hex) }

    func size(of layers: [Layer], mayBePromised: Bool = false) throws -> Int64 {
        try layers.reduce(Int64(0)) { total, layer in
            let size =
                try mayBePromised
                ? self.layers.knownIndex(of: layer)?.fileBytes ?? layer.blob.size
                : self.layers.index(of: layer).fileBytes
            let (sum, overflow) = total.addingReportingOverflow(size)
            return overflow ? .max : sum
        }
    }

    /// Lists an image and names it; where it is listed and named already nothing is written.
    func register(_ image: StoredImage, replacing known: StoredImage?, names: [ImageReference]) throws {
        if known == image { return try tag(image, as: names) }
        try register([ListedImage(image: image, names: names)])
    }

    /// Lists images and names them, with one change of the index.
    func register(_ images: [ListedImage]) throws {
        for listed in images {
            for name in listed.names { try check(name, for: listed.image.named) }
        }
        let lock = try namesLock()
        defer { withExtendedLifetime(lock) {} }
        let index = LayoutIndex(self)
        for listed in images.map(\.image) {
            let known = record(listed.id)
            let image = known.map { listed.adding($0.registryDigests) } ?? listed
            if known == image { continue }
            // Another manifest for the same ID changes the index at every name of the image.
            if let known, known.manifest != image.manifest || known.isComplete != image.isComplete {
                try index.invalidate()
            }
            try FileOperations.writeAtomically(
                ImageRecord.encode(image),
                to: recordPath(image.id),
                temporary: store[.temporary]
            )
        }
        // Of several images with one name the last one gets it.
        let names = images.flatMap { listed in listed.names.map { (ImageName($0), listed.image.named) } }
        let changed = Dictionary(names) { $1 }.filter { storedID(of: $0.key) != $0.value.id }
        if !changed.isEmpty || !index.isCurrent { try setNames(changed.map { ($0.key, $0.value) }, index) }
    }

    /// Remembers under which digest a registry has an image, or the index that it is of.
    public func remember(_ reference: ImageReference, of image: StoredImage) throws {
        let lock = try namesLock()
        defer { withExtendedLifetime(lock) {} }
        guard let known = record(image.id) else { return }
        try replace(known, by: known.adding([reference]))
    }

    /// Writes a record that only says more of the same image; the names lock must be held.
    func replace(_ known: StoredImage, by image: StoredImage) throws {
        guard known != image else { return }
        try FileOperations.writeAtomically(
            ImageRecord.encode(image),
            to: recordPath(image.id),
            temporary: store[.temporary]
        )
    }

    /// The layers that a manifest and a configuration describe together, lowest first.
    ///
    /// - Throws: `ImageError.layersDiffer`.
    public static func layers(_ manifest: Manifest, _ configuration: ImageConfiguration) throws -> [Layer] {
        let diffIDs = configuration.rootfs.diffIDs
        guard diffIDs.count == manifest.layers.count else {
            throw ImageError.layersDiffer(
                "\(manifest.config.digest)",
                manifest: manifest.layers.count,
                configuration: diffIDs.count
            )
        }
        return zip(diffIDs, manifest.layers).map { Layer(diffID: $0, blob: $1) }
    }
}
