internal import ContentStore
internal import FileSystem
internal import Glibc
internal import Layers
internal import OCI
public import SystemPackage

extension ImageStore {
    /// Loads the images of an OCI layout directory or of an archive file.
    ///
    /// - Throws: What `load(descriptor:name:)` throws.
    public func load(_ path: FilePath) throws -> [ListedImage] {
        let descriptor = try FileOperations.open(path, O_RDONLY)
        defer { close(descriptor) }
        guard try FileStatus.of(descriptor: descriptor, path: path).kind == .directory else {
            return try load(descriptor: descriptor, name: "`\(path)`")
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

    /// Takes one image out of an OCI layout directory for a build: it is not listed, and gets no name.
    ///
    /// The caller holds the store's lock as long as it uses the image.
    /// - Returns: `nil` when the layout has no such image, or several and none called `latest`.
    /// - Throws: `ImageError`, `LayerError`, or `SystemError`.
    public func load(_ path: FilePath, selecting selector: LayoutSelector) throws -> StoredImage? {
        let source = try DirectorySource(path, store: store)
        guard let bytes = try source.document("index.json") else { throw ImageError.unknownArchive(source.name) }
        let images = LayoutReading.images(try ManifestDocument.index(bytes, mediaType: nil).manifests)
        let found: Descriptor?
        switch selector {
        case .digest(let digest): found = images.first { $0.digest == digest }
        case .tag(let tag): found = images.first { LayoutReading.hasTag(tag, $0) }
        case .only: found = images.first { LayoutReading.hasTag("latest", $0) } ?? (images.count == 1 ? images[0] : nil)
        }
        guard let found, let manifest = try selectManifest(found, from: source, depth: 0) else { return nil }
        return try loadImage(manifest, from: source)
    }

    private func load(from source: some ImageSource) throws -> [ListedImage] {
        var found: [ListedImage] = []
        let dockerManifests = try source.document("manifest.json").map {
            try ManifestDocument.decode([DockerArchiveManifest].self, $0, "`manifest.json`")
        }
        if let bytes = try source.document("index.json") {
            found = try loadLayout(bytes, from: source)
            for item in dockerManifests ?? [] {
                guard let id = Digest(hex: item.Config.split(separator: "/").last ?? "") else { continue }
                for index in found.indices where found[index].image.id == id {
                    let more = item.names.filter { !found[index].names.contains($0) }
                    found[index] = ListedImage(image: found[index].image, names: found[index].names + more)
                }
            }
        } else if let dockerManifests {
            found = try dockerManifests.map { try loadDocker($0, from: source) }
        } else {
            throw ImageError.unknownArchive(source.name)
        }
        try register(found)
        return found
    }

    private func loadLayout(_ bytes: [UInt8], from source: some ImageSource) throws -> [ListedImage] {
        let index = try ManifestDocument.index(bytes, mediaType: nil)
        var order: [Descriptor] = []
        var names: [Digest: [ImageReference]] = [:]
        for descriptor in LayoutReading.images(index.manifests) {
            guard let manifest = try selectManifest(descriptor, from: source, depth: 0) else { continue }
            if names[manifest.digest] == nil { order.append(manifest) }
            let name = LayoutReading.name(descriptor)
            let known = names[manifest.digest] ?? []
            names[manifest.digest] = known + [name].compactMap { $0 }.filter { !known.contains($0) }
        }
        return try order.map { descriptor in
            ListedImage(image: try loadImage(descriptor, from: source), names: names[descriptor.digest] ?? [])
        }
    }

    private func loadImage(_ descriptor: Descriptor, from source: some ImageSource) throws -> StoredImage {
        let bytes = try readDocument(descriptor, from: source)
        let manifest = try ManifestDocument.manifest(bytes, mediaType: descriptor.mediaType)
        guard manifest.config.size <= ImageStore.documentLimit else {
            throw ImageError.tooLarge("the configuration in \(source.name)", limit: Int64(ImageStore.documentLimit))
        }
        for blob in [manifest.config] + manifest.layers { try source.fetch(blob.digest, size: blob.size) }
        return try prepare(manifest: bytes, mediaType: descriptor.mediaType)
    }

    /// The manifest that a descriptor leads to on this machine; `nil` for what is no image.
    private func selectManifest(_ descriptor: Descriptor, from source: some ImageSource, depth: Int) throws
        -> Descriptor?
    {
        if descriptor.mediaType.isManifest { return descriptor }
        guard descriptor.mediaType.isIndex else { return nil }
        guard depth < 4 else { throw ImageError.malformed("the image index", reason: "it is nested too deep") }
        let index = try ManifestDocument.index(
            try readDocument(descriptor, from: source),
            mediaType: descriptor.mediaType
        )
        let candidates = index.manifests.filter { !$0.isAttestation }
        if let match = Platform.host.best(among: candidates.map(\.platform)) {
            return try selectManifest(candidates[match], from: source, depth: depth + 1)
        }
        guard candidates.count == 1, let only = candidates.first else {
            throw ImageError.noPlatform(.host, available: candidates.map { $0.platform?.description ?? "unknown" })
        }
        return try selectManifest(only, from: source, depth: depth + 1)
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

    /// The tags that are valid names.
    var names: [ImageReference] { (RepoTags ?? []).compactMap { try? ImageReference(parsing: $0) } }
}

/// How the `index.json` of other tools is to be understood.
private enum LayoutReading {
    /// The descriptors that stand for images: no attestations, and of one image for several platforms only ours.
    static func images(_ descriptors: [Descriptor]) -> [Descriptor] {
        let images = descriptors.filter { !$0.isAttestation }
        let best = Dictionary(grouping: images, by: name).mapValues { same in
            Platform.host.best(among: same.map(\.platform)).flatMap { same[$0].platform }
        }
        return images.filter { descriptor in
            guard let platform = descriptor.platform, let best = best[name(descriptor)] ?? nil else { return true }
            return platform == best
        }
    }

    /// Whether a descriptor is called by a tag, alone or as part of a name.
    static func hasTag(_ tag: String, _ descriptor: Descriptor) -> Bool {
        let names = [Annotation.referenceName, Annotation.imageName].compactMap { descriptor.annotations?[$0] }
        return names.contains { $0 == tag || $0.hasSuffix(":" + tag) }
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
