internal import ContentStore
internal import FileSystem
internal import Glibc
internal import Layers
public import OCI
public import SystemPackage
internal import Tar

extension ImageStore {
    /// Loads the images of an OCI layout directory or of an archive file.
    ///
    /// - Throws: What `load(descriptor:name:)` throws.
    public func load(_ path: FilePath) throws -> [ListedImage] {
        let file = try OwnedDescriptor(path, O_RDONLY)
        guard try FileStatus.of(descriptor: file.rawValue, path: path).kind == .directory else {
            return try load(descriptor: file.rawValue, name: "`\(path)`")
        }
        let lock = try store.lock(.shared)
        defer { withExtendedLifetime(lock) {} }
        return try load(from: try DirectorySource(path, store: store))
    }

    /// Loads the images of an archive: an OCI layout or what `docker save` writes, old and new, plain or compressed.
    ///
    /// The archive is read once, from start to end, whatever its order. Every digest, size and diff ID is verified;
    /// no image is listed before all images of the archive were found to be good.
    ///
    /// - Returns: The images with the names that the archive gives them, also those that are there already.
    /// - Throws: `ImageError`, `LayerError`, or `SystemError`.
    public func load(descriptor: Int32, name: String) throws -> [ListedImage] {
        let lock = try store.lock(.shared)
        defer { withExtendedLifetime(lock) {} }
        return try load(from: try ArchiveSource(descriptor: descriptor, name: name, store: store))
    }

    /// Takes one image out of an OCI layout directory or an archive: it is not listed, and gets no name.
    ///
    /// The caller holds the store's lock as long as it uses the image.
    /// - Throws: `ImageError.notInArchive` where there is no such image or several, other `ImageError`s, `LayerError`, or
    ///   `SystemError`.
    public func load(_ path: FilePath, selecting selector: LayoutSelector, platform: Platform = .host) throws
        -> StoredImage
    {
        let file = try OwnedDescriptor(path, O_RDONLY)
        if try FileStatus.of(descriptor: file.rawValue, path: path).kind == .directory {
            return try load(from: try DirectorySource(path, store: store), selecting: selector, platform)
        }
        let source = try ArchiveSource(descriptor: file.rawValue, name: "`\(path)`", store: store)
        return try load(from: source, selecting: selector, platform)
    }

    private func load(from source: some ImageSource, selecting selector: LayoutSelector, _ platform: Platform) throws
        -> StoredImage
    {
        if let bytes = try source.document("index.json") {
            let images = try layoutImages(bytes, from: source)
            let found = selector.choose(images) {
                LayoutReading.names($0)
            } digest: {
                $0.digest
            }
            if let found {
                let manifest = try selectManifest(found, for: platform, from: source)
                return try loadImage(manifest, from: source, try dockerManifestsIfPresent(source))
            }
            throw selector.failure(source.name, available: images.flatMap(LayoutReading.names))
        }
        let images = try dockerManifests(source)
        let found = selector.choose(images) {
            $0.RepoTags ?? []
        } digest: {
            $0.id
        }
        guard let found else {
            throw selector.failure(source.name, available: images.flatMap { $0.RepoTags ?? [] })
        }
        return try loadDocker(found, from: source).image
    }

    /// What `manifest.json` lists.
    private func dockerManifests(_ source: some ImageSource) throws -> [DockerArchiveManifest] {
        if let bytes = try source.document("manifest.json") {
            return try ManifestDocument.decode([DockerArchiveManifest].self, bytes, "`manifest.json`")
        }
        // All that the first versions of `docker save` wrote at the top.
        guard try source.document("repositories") == nil else { throw ImageError.oldArchive(source.name) }
        throw ImageError.unknownArchive(source.name)
    }

    private func dockerManifestsIfPresent(_ source: some ImageSource) throws -> [DockerArchiveManifest] {
        try source.document("manifest.json") == nil ? [] : dockerManifests(source)
    }

    private func load(from source: some ImageSource) throws -> [ListedImage] {
        var found: [ListedImage] = []
        if let bytes = try source.document("index.json") {
            // What `docker save` writes is both.
            let items = try dockerManifestsIfPresent(source)
            found = try loadLayout(bytes, from: source, items)
            for item in items {
                guard let index = found.firstIndex(where: { $0.image.id == item.id }) else {
                    // Docker 25.0.0 left images without names out of the layout.
                    found.append(try loadDocker(item, from: source))
                    continue
                }
                // All names are only here.
                let more = item.names.filter { !found[index].names.contains($0) }
                found[index] = ListedImage(image: found[index].image, names: found[index].names + more)
            }
            try refuseArtifacts(bytes, found, source)
        } else {
            found = try dockerManifests(source).map { try loadDocker($0, from: source) }
        }
        try register(found)
        for listed in found { note("load", listed.image.id) }
        return found
    }

    /// A layout of charts alone was not meant to be loaded; one without any entry may be.
    private func refuseArtifacts(_ bytes: [UInt8], _ found: [ListedImage], _ source: some ImageSource) throws {
        guard found.isEmpty else { return }
        let entries = try ManifestDocument.index(bytes, mediaType: nil).manifests
        guard !entries.isEmpty else { return }
        let types = entries.map { entry in
            (manifest(entry, from: source)?.artifactType ?? manifest(entry, from: source)?.config.mediaType
                ?? entry.artifactType ?? entry.mediaType).rawValue
        }
        throw ImageError.onlyArtifacts(source.name, types: Set(types).sorted())
    }

    /// The entries of `index.json` that stand for images.
    private func layoutImages(_ bytes: [UInt8], from source: some ImageSource) throws -> [Descriptor] {
        let index = try ManifestDocument.index(bytes, mediaType: nil)
        return LayoutReading.images(images(index.manifests, from: source))
    }

    private func loadLayout(_ bytes: [UInt8], from source: some ImageSource, _ items: [DockerArchiveManifest]) throws
        -> [ListedImage]
    {
        var order: [Descriptor] = []
        var names: [Digest: [ImageReference]] = [:]
        for descriptor in try layoutImages(bytes, from: source) {
            let manifest = try selectManifest(descriptor, for: .host, from: source)
            if names[manifest.digest] == nil { order.append(manifest) }
            let name = LayoutReading.name(descriptor)
            let known = names[manifest.digest] ?? []
            names[manifest.digest] = known + [name].compactMap { $0 }.filter { !known.contains($0) }
        }
        return try order.map { descriptor in
            ListedImage(image: try loadImage(descriptor, from: source, items), names: names[descriptor.digest] ?? [])
        }
    }

    /// - Parameter items: What the `manifest.json` beside the layout lists, if there is one.
    private func loadImage(_ descriptor: Descriptor, from source: some ImageSource, _ items: [DockerArchiveManifest])
        throws -> StoredImage
    {
        let bytes = try readDocument(descriptor, from: source)
        let manifest = try ManifestDocument.manifest(bytes, mediaType: descriptor.mediaType)
        guard manifest.config.size <= ImageStore.documentLimit else {
            throw ImageError.tooLarge("the configuration in \(source.name)", limit: Int64(ImageStore.documentLimit))
        }
        try source.fetch(manifest.config.digest, size: manifest.config.size)
        if let item = items.first(where: { $0.id == manifest.config.digest }), try !isComplete(manifest) {
            return try loadDocker(item, from: source).image
        }
        for blob in manifest.layers { try source.fetch(blob.digest, size: blob.size) }
        return try prepare(manifest: bytes, mediaType: descriptor.mediaType)
    }

    /// Whether a manifest lists the layers of its configuration: those of Docker 25.0 had none, or had them in another
    /// order.
    private func isComplete(_ manifest: Manifest) throws -> Bool {
        let diffIDs = try ManifestDocument.configuration(try store.blobs.read(manifest.config.digest)).rootfs.diffIDs
        return diffIDs.count == manifest.layers.count
            && zip(diffIDs, manifest.layers).allSatisfy { diffID, layer in
                ![MediaType.layer, .dockerLayer].contains(layer.mediaType) || layer.digest == diffID
            }
    }

    /// The manifest that a descriptor of an image leads to on a platform.
    private func selectManifest(
        _ descriptor: Descriptor,
        for platform: Platform,
        from source: some ImageSource,
        depth: Int = 0
    ) throws -> Descriptor {
        guard descriptor.mediaType.isIndex else { return descriptor }
        guard depth < 4 else { throw ImageError.malformed("the image index", reason: "it is nested too deeply") }
        let index = try ManifestDocument.index(
            try readDocument(descriptor, from: source),
            mediaType: descriptor.mediaType
        )
        let candidates = images(index.manifests, from: source, depth: depth + 1)
        if let match = platform.best(among: candidates.map(\.platform)) {
            return try selectManifest(candidates[match], for: platform, from: source, depth: depth + 1)
        }
        guard candidates.count == 1, let only = candidates.first else {
            throw ImageError.noPlatform(platform, available: candidates.map { $0.platform?.description ?? "unknown" })
        }
        return try selectManifest(only, for: platform, from: source, depth: depth + 1)
    }

    /// The descriptors that stand for images, each with its platform: where it names none, that of the configuration.
    ///
    /// One whose documents are not here stays as it is: an archive need not hold all that an index lists.
    private func images(_ descriptors: [Descriptor], from source: some ImageSource, depth: Int = 0) -> [Descriptor] {
        descriptors.filter { !$0.isArtifact }.flatMap { descriptor -> [Descriptor] in
            guard descriptor.mediaType.isManifest else {
                guard descriptor.mediaType.isIndex else { return [] }
                // At the top it is one image; inside of one it is more of the same.
                guard depth > 0, depth < 4, descriptor.platform == nil,
                    let bytes = try? readDocument(descriptor, from: source),
                    let index = try? ManifestDocument.index(bytes, mediaType: descriptor.mediaType)
                else { return [descriptor] }
                return images(index.manifests, from: source, depth: depth + 1)
            }
            guard let manifest = manifest(descriptor, from: source) else { return [descriptor] }
            guard manifest.isImage else { return [] }
            var image = descriptor
            image.platform = descriptor.platform ?? configuration(manifest, from: source)?.platform
            return [image]
        }
    }

    /// A manifest that may be missing or anything; what is wrong with it is reported when it is loaded.
    private func manifest(_ descriptor: Descriptor, from source: some ImageSource) -> Manifest? {
        guard let bytes = try? readDocument(descriptor, from: source) else { return nil }
        return try? ManifestDocument.manifest(bytes, mediaType: descriptor.mediaType)
    }

    private func configuration(_ manifest: Manifest, from source: some ImageSource) -> ImageConfiguration? {
        guard let bytes = try? readDocument(manifest.config, from: source) else { return nil }
        return try? ManifestDocument.configuration(bytes)
    }

    private func readDocument(_ descriptor: Descriptor, from source: some ImageSource) throws -> [UInt8] {
        guard descriptor.size >= 0, descriptor.size <= ImageStore.documentLimit else {
            throw ImageError.tooLarge(
                "manifest \(descriptor.digest.short) of \(source.name)",
                limit: Int64(ImageStore.documentLimit)
            )
        }
        try source.fetch(descriptor.digest, size: descriptor.size)
        return try store.blobs.read(descriptor.digest)
    }

    /// An image of the form before OCI: a configuration and layers, for which we write the manifest.
    private func loadDocker(_ item: DockerArchiveManifest, from source: some ImageSource) throws -> ListedImage {
        let configuration = try source.fetch(member: item.Config)
        guard configuration.size <= ImageStore.documentLimit else {
            throw ImageError.tooLarge("`\(item.Config)` of \(source.name)", limit: Int64(ImageStore.documentLimit))
        }
        let diffIDs = try ManifestDocument.configuration(try store.blobs.read(configuration.digest)).rootfs.diffIDs
        let members = item.Layers ?? []
        guard diffIDs.count == members.count else {
            throw ImageError.layersDiffer(source.name, manifest: members.count, configuration: diffIDs.count)
        }
        let layers = try zip(diffIDs, members).map { diffID, member in
            let blob = try source.fetch(member: member)
            return try describeLayer(diffID: diffID, digest: blob.digest, size: blob.size)
        }
        let manifest = Manifest(
            config: Descriptor(mediaType: .imageConfiguration, digest: configuration.digest, size: configuration.size),
            layers: layers
        )
        let image = try prepare(manifest: try CanonicalJSON.encode(manifest), mediaType: .imageManifest)
        return ListedImage(image: image, names: item.names)
    }

    /// The descriptor of a layer file, by what its first bytes say about its compression.
    private func describeLayer(diffID: Digest, digest: Digest, size: Int64) throws -> Descriptor {
        if digest == diffID { return Descriptor(mediaType: .layer, digest: digest, size: size) }
        let start = try FileOperations.readPrefix(store.blobs.path(digest), count: 4)
        if start.starts(with: [0x1F, 0x8B]) { return Descriptor(mediaType: .layerGzip, digest: digest, size: size) }
        if start == [0x28, 0xB5, 0x2F, 0xFD] { return Descriptor(mediaType: .layerZstd, digest: digest, size: size) }
        // OCI knows no other compression, so the layer is kept as it is without it.
        let original = Layer(diffID: diffID, blob: Descriptor(mediaType: .layer, digest: digest, size: size))
        _ = try layers.contents(of: original)
        guard let plainSize = store.blobs.size(diffID) else { throw LayerError.missing(diffID) }
        return Descriptor(mediaType: .layer, digest: diffID, size: plainSize)
    }
}

/// One image in the `manifest.json` of `docker save`.
struct DockerArchiveManifest: Codable {
    var Config: String
    var RepoTags: [String]?
    var Layers: [String]?

    /// The image's ID; `nil` where older archives call the configuration otherwise.
    var id: Digest? { Digest(hex: (Config.split(separator: "/").last ?? "").split(separator: ".").first ?? "") }

    /// The tags that are valid names.
    var names: [ImageReference] { (RepoTags ?? []).compactMap { try? ImageReference(parsing: $0) } }
}

/// How to read the `index.json` of other tools.
private enum LayoutReading {
    /// Of one image for several platforms only that for ours.
    static func images(_ images: [Descriptor]) -> [Descriptor] {
        let best = Dictionary(grouping: images, by: name).mapValues { same in
            Platform.host.best(among: same.map(\.platform)).flatMap { same[$0].platform }
        }
        return images.filter { descriptor in
            guard let platform = descriptor.platform, let best = best[name(descriptor)] ?? nil else { return true }
            return platform == best
        }
    }

    /// What tools call an image: a name, or only its tag.
    static func names(_ descriptor: Descriptor) -> [String] {
        [Annotation.imageName, Annotation.referenceName].compactMap { descriptor.annotations?[$0] }
    }

    /// The full name where a tool wrote it; else the reference name, unless it is only a tag.
    static func name(_ descriptor: Descriptor) -> ImageReference? {
        if let full = descriptor.annotations?[Annotation.imageName], let name = try? ImageReference(parsing: full) {
            return name
        }
        guard let short = descriptor.annotations?[Annotation.referenceName], short != "latest" else { return nil }
        return try? ImageReference(parsing: short)
    }
}
