internal import ContentStore
internal import FileSystem
public import Images
internal import Layers
public import OCI
public import Registry
public import Reporting

/// Brings images from registries into the store.
public struct ImagePuller: Sendable {
    private let connections: RegistryConnections
    private let images: ImageStore
    private let emit: @Sendable (TransferEvent) -> Void

    /// Layers that are fetched at the same time.
    private static let parallelLayers = 4

    public init(
        _ connections: RegistryConnections,
        into images: ImageStore,
        emit: @escaping @Sendable (TransferEvent) -> Void = { _ in }
    ) {
        self.connections = connections
        self.images = images
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
        let places = try connections.places(for: reference)
        for (position, place) in places.enumerated() {
            do {
                return try await pull(reference, platform, from: place, isNamed: isNamed)
            } catch let error as RegistryError where position < places.count - 1 {
                emit(.note("\(error); trying `\(places[position + 1].client.endpoint.host)`"))
            }
        }
        preconditionFailure("a registry has at least one place")
    }

    private func pull(
        _ reference: ImageReference,
        _ platform: Platform,
        from place: RegistryConnections.Place,
        isNamed: Bool
    ) async throws -> Pulled {
        // Nothing that is fetched here has a name yet.
        let lock = try images.store.lock(.shared)
        defer { withExtendedLifetime(lock) {} }
        let top = try await place.client.manifest(ManifestKey(reference), in: place.repository)
        let document = try await choose(top, platform, place, depth: 0)
        let manifest = try ManifestDocument.manifest(document.bytes, mediaType: document.mediaType)
        guard manifest.config.size <= ImageStore.documentLimit else {
            throw ImageError.tooLarge("the configuration of `\(reference)`", limit: Int64(ImageStore.documentLimit))
        }
        try await fetch(manifest.config, from: place)
        let configuration = try ManifestDocument.configuration(try images.store.blobs.read(manifest.config.digest))
        let layers = try ImageStore.layers(manifest, configuration)
        try await fetch(layers, from: place)
        let before = images.find(reference: reference)
        let (bytes, type) = (document.bytes, document.mediaType)
        let image =
            try isNamed
            ? images.add(manifest: bytes, mediaType: type, names: [reference], layersAreVerified: true)
            : images.prepare(manifest: bytes, mediaType: type, layersAreVerified: true)
        return Pulled(image: image, digest: top.digest, isNew: before?.id != image.id)
    }

    /// The manifest for a platform: the document itself, or one of those that an index lists.
    private func choose(
        _ document: RemoteManifest,
        _ platform: Platform,
        _ place: RegistryConnections.Place,
        depth: Int
    )
        async throws -> RemoteManifest
    {
        guard document.mediaType.isIndex else { return document }
        guard depth < 4 else { throw ImageError.malformed("the image index", reason: "it is nested too deep") }
        let index = try ManifestDocument.index(document.bytes, mediaType: document.mediaType)
        let candidates = index.manifests.filter { !$0.isAttestation }
        guard let best = platform.best(among: candidates.map(\.platform)) else {
            throw ImageError.noPlatform(platform, available: candidates.map { $0.platform?.description ?? "unknown" })
        }
        let next = try await place.client.manifest(.digest(candidates[best].digest), in: place.repository)
        return try await choose(next, platform, place, depth: depth + 1)
    }

    private func fetch(_ layers: [Layer], from place: RegistryConnections.Place) async throws {
        for layer in layers { emit(.layer(.pull, id: layer.blob.digest.short, .waiting)) }
        // Images may have one layer several times.
        var waiting = Array(Dictionary(layers.map { ($0.blob.digest, $0) }) { first, _ in first }.values)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<ImagePuller.parallelLayers {
                if let layer = waiting.popLast() { group.addTask { try await fetch(layer, from: place) } }
            }
            while try await group.next() != nil {
                if let layer = waiting.popLast() { group.addTask { try await fetch(layer, from: place) } }
            }
        }
    }

    private func fetch(_ layer: Layer, from place: RegistryConnections.Place) async throws {
        let id = layer.blob.digest.short
        // Whoever else pulls the same layer waits, and then finds it.
        let lock = try await images.store.waitForLock(key: layer.blob.digest)
        defer { withExtendedLifetime(lock) {} }
        if images.layers.isAvailable(layer) { return emit(.layer(.pull, id: id, .exists)) }
        do {
            try await fetch(layer.blob, from: place) { emit(.layer(.pull, id: id, .moving($0, of: layer.blob.size))) }
        } catch let error as RegistryError where error.isNotFound && layer.blob.mediaType.isForeignLayer {
            throw ImageError.foreignLayer(layer.blob.digest)
        }
        emit(.layer(.pull, id: id, .working))
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

extension ImageReference {
    /// `library/alpine` for Docker's own registry, with the host for others, as Docker says it.
    var repositoryText: String { registry == "docker.io" ? repository : familiarRepository }

    var tagText: String { digest.map { "\($0)" } ?? tag ?? "latest" }
}
