internal import ContentStore
internal import FileSystem
public import Images
internal import Layers
public import OCI
public import Registry
public import Reporting
internal import Tar

/// Brings images from registries into the store.
public struct ImagePuller: Sendable {
    let connections: RegistryConnections
    let images: ImageStore
    /// Brings documents into the store that others have kept of images, where they may have done so.
    let bringDocuments: (@Sendable () async -> Void)?
    let emit: @Sendable (TransferEvent) -> Void

    /// Layers that are fetched at the same time.
    private static let parallelLayers = 4
    /// Each entry of an index that names no platform costs two requests.
    private static let unlabelledLimit = 16

    public init(
        _ connections: RegistryConnections,
        into images: ImageStore,
        emit: @escaping @Sendable (TransferEvent) -> Void = { _ in },
        bringDocuments: (@Sendable () async -> Void)? = nil
    ) {
        self.connections = connections
        self.images = images
        self.bringDocuments = bringDocuments
        self.emit = emit
    }

    /// What a pull brought.
    public struct Pulled: Sendable {
        public let image: StoredImage
        /// The digest by which the registry knows what the name means: of the index, where there is one.
        public let digest: Digest
        /// Whether the name did not mean this image before.
        public let isNew: Bool
    }

    /// Fetches an image for a platform, and gives it its name.
    ///
    /// Every blob is verified while it streams and every layer unpacked once, before the name moves. What is in the
    /// store already is not fetched again.
    ///
    /// - Parameter isNamed: Whether the image is listed at all. Of one that is not, the caller holds the store's lock as
    ///   long as it uses the image.
    /// - Throws: `RegistryError`, `ImageError`, `LayerError`, `LoginError`, `SystemError`, `CancellationError`.
    public func pull(_ reference: ImageReference, platform: Platform, isNamed: Bool = true) async throws -> Pulled {
        emit(.started(.pull, repository: reference.repositoryText, tag: reference.tagText))
        return try await RegistryConnections.telling({ [emit] in emit(.note($0)) }) {
            try await complete(
                try await anywhere(reference) { place in
                    try await find(reference, platform, ManifestKey(reference), at: place)
                },
                isNamed: isNamed
            )
        }
    }

    /// The digest by which the registry knows what a name means: of the index, where there is one.
    ///
    /// - Throws: `RegistryError`, `LoginError`.
    public func digest(of reference: ImageReference) async throws -> Digest {
        try await anywhere(reference) { try await $0.client.manifest(ManifestKey(reference), in: $0.repository).digest }
    }

    /// The names of everything in a repository.
    ///
    /// - Throws: `RegistryError`, `LoginError`.
    public func tags(of repository: ImageReference) async throws -> [ImageReference] {
        try await anywhere(repository) { place in
            try await place.client.tags(in: place.repository).map { tag in
                try ImageReference(parsing: "\(repository.registry)/\(repository.repository):\(tag)")
            }
        }
    }

    /// What a name means for a platform: all but the layers.
    public struct FoundImage: Sendable {
        public let reference: ImageReference
        public let configuration: ImageConfiguration
        /// The image ID.
        public let id: Digest
        let platform: Platform
        let top: Digest
        let document: RemoteManifest
        let layers: [Layer]
        let place: RegistryConnections.Place

        /// The repository with the digest of what the name means there.
        var placeOfLayers: ImageReference { reference.naming(top) }
    }

    /// Asks what a name means, without fetching a layer.
    ///
    /// - Throws: As `pull` does.
    public func find(_ reference: ImageReference, platform: Platform) async throws -> FoundImage {
        try await RegistryConnections.telling({ [emit] in emit(.note($0)) }) {
            try await anywhere(reference) { try await find(reference, platform, ManifestKey(reference), at: $0) }
        }
    }

    /// Fetches the layers of an image that was found, and gives it its name; the image is the one that was found,
    /// whatever the name means meanwhile.
    ///
    /// - Throws: As `pull` does.
    public func pull(_ found: FoundImage, isNamed: Bool = true) async throws -> Pulled {
        emit(.started(.pull, repository: found.reference.repositoryText, tag: found.reference.tagText))
        return try await RegistryConnections.telling({ [emit] in emit(.note($0)) }) {
            try await complete(found, isNamed: isNamed)
        }
    }

    /// Does something with the mirrors of a registry, in their order, and then with the registry itself.
    func anywhere<Result>(
        _ reference: ImageReference,
        _ body: (RegistryConnections.Place) async throws -> Result
    ) async throws -> Result {
        try await anyOf(try connections.places(for: reference), body)
    }

    func anyOf<Result>(
        _ places: [RegistryConnections.Place],
        _ body: (RegistryConnections.Place) async throws -> Result
    ) async throws -> Result {
        for (position, place) in places.enumerated() {
            do {
                return try await body(place)
            } catch let error as RegistryError where position < places.count - 1 {
                emit(.note("\(error); trying `\(places[position + 1].client.endpoint.host)`"))
            }
        }
        preconditionFailure("a registry has at least one place")
    }

    private func find(
        _ reference: ImageReference,
        _ platform: Platform,
        _ key: ManifestKey,
        at place: RegistryConnections.Place
    ) async throws -> FoundImage {
        let top = try await top(key, at: place)
        let document = try await choose(top, platform, place, depth: 0)
        let manifest = try ManifestDocument.manifest(document.bytes, mediaType: document.mediaType)
        guard manifest.config.size <= ImageStore.documentLimit else {
            throw ImageError.tooLarge("the configuration of `\(reference)`", limit: Int64(ImageStore.documentLimit))
        }
        // Nothing that is fetched here has a name yet.
        let lock = try images.store.lock(.shared)
        defer { withExtendedLifetime(lock) {} }
        try await fetch(manifest.config, from: place)
        let configuration = try ManifestDocument.configuration(try images.store.blobs.read(manifest.config.digest))
        guard manifest.isImage || configuration.rootfs.diffIDs.count == manifest.layers.count else {
            let type = manifest.artifactType ?? manifest.config.mediaType
            throw ImageError.onlyArtifacts("`\(reference.familiar)`", types: [type.rawValue])
        }
        return FoundImage(
            reference: reference,
            configuration: configuration,
            id: manifest.config.digest,
            platform: platform,
            top: top.digest,
            document: document,
            layers: try ImageStore.layers(manifest, configuration),
            place: place
        )
    }

    /// What a key means; only its header is asked for where others may have kept the document.
    private func top(_ key: ManifestKey, at place: RegistryConnections.Place) async throws -> RemoteManifest {
        if let bringDocuments {
            async let isThere: Void = bringDocuments()
            let digest: Digest? =
                switch key {
                case .digest(let digest): digest
                case .tag(let tag): try await place.client.digest(ofTag: tag, in: place.repository)
                }
            await isThere
            if let digest, let kept = keptDocument(digest) { return kept }
        }
        return try await place.client.manifest(key, in: place.repository)
    }

    /// A document that an index lists.
    private func listed(_ digest: Digest, at place: RegistryConnections.Place) async throws -> RemoteManifest {
        if let kept = keptDocument(digest) { return kept }
        return try await place.client.manifest(.digest(digest), in: place.repository)
    }

    private func keptDocument(_ digest: Digest) -> RemoteManifest? {
        (try? images.store.blobs.read(digest, limit: ImageStore.documentLimit)).flatMap { RemoteManifest(kept: $0) }
    }

    private func complete(_ found: FoundImage, isNamed: Bool = true) async throws -> Pulled {
        let lock = try images.store.lock(.shared)
        defer { withExtendedLifetime(lock) {} }
        // Who was asked before had nothing, or failed.
        let all = try connections.places(for: found.reference)
        let places = all.firstIndex { $0.client === found.place.client }.map { Array(all[$0...]) } ?? [found.place]
        // Between the two, prune may have taken it for something unused.
        let manifest = try ManifestDocument.manifest(found.document.bytes, mediaType: found.document.mediaType)
        try await anyOf(places) { try await fetch(manifest.config, from: $0) }
        try await fetch(found.layers.map { ($0, $0.blob) }, from: places)
        let before = images.find(reference: found.reference, platform: found.platform)
        let (bytes, type) = (found.document.bytes, found.document.mediaType)
        let image =
            try isNamed
            ? images.add(manifest: bytes, mediaType: type, names: [found.reference], layersAreVerified: true)
            : images.prepare(manifest: bytes, mediaType: type, layersAreVerified: true)
        if isNamed {
            images.confirm(found.reference)
            try images.remember(found.reference.naming(found.top), of: image)
            images.note("pull", inRegistry: found.reference)
        }
        return Pulled(image: image, digest: found.top, isNew: before?.id != image.id)
    }

    /// The manifest for a platform: the document itself, or one of those that an index lists.
    func choose(
        _ document: RemoteManifest,
        _ platform: Platform,
        _ place: RegistryConnections.Place,
        depth: Int
    )
        async throws -> RemoteManifest
    {
        guard document.mediaType.isIndex else { return document }
        guard depth < 4 else { throw ImageError.malformed("the image index", reason: "it is nested too deeply") }
        let index = try ManifestDocument.index(document.bytes, mediaType: document.mediaType)
        // By it a digest of the index is known to be one of the image, too.
        try images.store.blobs.write(document.bytes)
        let listed = index.manifests.filter { !$0.isArtifact }
        var candidates = listed.filter { $0.platform != nil }
        while let best = platform.best(among: candidates.map(\.platform)) {
            let next = try await self.listed(candidates[best].digest, at: place)
            if try next.isIndexOrImage { return try await choose(next, platform, place, depth: depth + 1) }
            candidates.remove(at: best)
        }
        var others: [(platform: Platform, document: RemoteManifest)] = []
        for descriptor in listed.filter({ $0.platform == nil }).prefix(ImagePuller.unlabelledLimit) {
            let next = try await self.listed(descriptor.digest, at: place)
            if let found = try await image(next, platform, place, depth: depth + 1) { others.append(found) }
        }
        if let best = platform.best(among: others.map(\.platform)) { return others[best].document }
        let available = candidates.compactMap(\.platform) + others.map(\.platform)
        throw ImageError.noPlatform(platform, available: available.map(\.description))
    }

    /// What an entry of an index that names no platform stands for; `nil` where it is not an image, or not one for ours.
    private func image(_ document: RemoteManifest, _ platform: Platform, _ place: RegistryConnections.Place, depth: Int)
        async throws -> (platform: Platform, document: RemoteManifest)?
    {
        var document = document
        if document.mediaType.isIndex {
            do {
                document = try await choose(document, platform, place, depth: depth)
            } catch ImageError.noPlatform {
                return nil
            }
        }
        let manifest = try ManifestDocument.manifest(document.bytes, mediaType: document.mediaType)
        guard manifest.isImage, manifest.config.size <= ImageStore.documentLimit else { return nil }
        let lock = try images.store.lock(.shared)
        defer { withExtendedLifetime(lock) {} }
        try await fetch(manifest.config, from: place)
        let bytes = try images.store.blobs.read(manifest.config.digest)
        return (try ManifestDocument.configuration(bytes).platform, document)
    }

    /// Fetches layers as the blobs that the places have for them, several at once.
    func fetch(_ layers: [(layer: Layer, blob: Descriptor)], from places: [RegistryConnections.Place]) async throws {
        for (_, blob) in layers { emit(.layer(.pull, id: blob.digest.short, .waiting)) }
        // Images may have one layer several times.
        var waiting = Array(Dictionary(layers.map { ($0.blob.digest, $0) }) { first, _ in first }.values)
        try await withThrowingTaskGroup(of: Void.self) { group in
            func add() {
                guard let (layer, blob) = waiting.popLast() else { return }
                group.addTask { try await fetch(layer, as: blob, from: places) }
            }
            for _ in 0..<ImagePuller.parallelLayers { add() }
            while try await group.next() != nil { add() }
        }
    }

    private func fetch(_ layer: Layer, as blob: Descriptor, from places: [RegistryConnections.Place]) async throws {
        let id = blob.digest.short
        // Concurrent pulls of the same layer wait, and then find it.
        let lock = try await images.store.waitForLock(key: blob.digest)
        defer { withExtendedLifetime(lock) {} }
        if images.layers.isAvailable(layer) { return emit(.layer(.pull, id: id, .exists)) }
        do {
            // One that fails in the middle is left for the next.
            try await anyOf(places) { place in
                try await fetch(blob, from: place) { emit(.layer(.pull, id: id, .moving($0, of: blob.size))) }
            }
        } catch let error as RegistryError where error.isNotFound && blob.mediaType.isForeignLayer {
            throw ImageError.foreignLayer(blob.digest)
        }
        emit(.layer(.pull, id: id, .working))
        if blob.digest != layer.blob.digest {
            // One of our own, which has its tar as its blob here.
            _ = try images.layers.contents(of: Layer(diffID: layer.diffID, blob: blob))
            try LayerCompressor(images.layers, .usual).remember(layer, as: blob)
        }
        try images.layers.verify(layer)
        emit(.layer(.pull, id: id, .done))
    }

    private func fetch(
        _ blob: Descriptor,
        from place: RegistryConnections.Place,
        progress: @escaping @Sendable (Int64) -> Void = { _ in }
    ) async throws {
        let blobs = images.store.blobs
        if blobs.size(blob.digest) == blob.size, blobs.verify(blob.digest) { return }
        try await place.client.fetch(blob, in: place.repository, to: blobs, progress: progress)
    }
}

extension RemoteManifest {
    /// Whether this leads to images, rather than being an artifact that is listed beside them.
    fileprivate var isIndexOrImage: Bool {
        get throws {
            if mediaType.isIndex { return true }
            return try ManifestDocument.manifest(bytes, mediaType: mediaType).isImage
        }
    }
}

extension ImageReference {
    /// `library/alpine` for Docker's own registry, with the host for others, as Docker says it.
    var repositoryText: String { registry == "docker.io" ? repository : familiarRepository }

    var tagText: String { digest.map { "\($0)" } ?? tag ?? "latest" }
}
