internal import ContentStore
internal import FileSystem
public import Images
internal import Layers
public import OCI
public import Registry
public import Reporting
internal import Tar

/// Brings images of the store to registries.
public struct ImagePusher: Sendable {
    private let connections: RegistryConnections
    private let images: ImageStore
    private let sending: LayerSending
    private let format: ImageFormat?
    private let caches: [ImageReference]
    private let promises: LayerPromises?
    private let emit: @Sendable (TransferEvent) -> Void

    /// Layers that are sent at the same time.
    private static let parallelLayers = 3
    /// From this size on a layer is sent while it is compressed: what is smaller takes fewer requests in one piece.
    private static let sentEarlySize: Int64 = 16 << 20
    /// Layers that are asked for or mounted at the same time.
    private static let parallelQuestions = 32

    /// How long sending what the layers hold may take, in seconds.
    private static let indexSeconds = 60.0

    /// - Parameters:
    ///   - format: `nil` leaves an image in the one that it has.
    ///   - caches: Repositories that have layers which no image in the store is named after.
    ///   - promises: How layers come here that are elsewhere; `nil` where only the images themselves tell.
    public init(
        _ connections: RegistryConnections,
        from images: ImageStore,
        sending: LayerSending = LayerSending(.usual),
        format: ImageFormat? = nil,
        caches: [ImageReference] = [],
        promises: LayerPromises? = nil,
        emit: @escaping @Sendable (TransferEvent) -> Void = { _ in }
    ) {
        self.connections = connections
        self.images = images
        self.sending = sending
        self.format = format
        self.caches = caches
        self.promises = promises
        self.emit = emit
    }

    /// Sends what a name of the store means, an image or an index, under that name.
    ///
    /// - Parameter onlyIndexes: Whether the name of an image is refused.
    /// - Throws: What `push(_:as:)` throws; `ImageError.notFound`.
    public func push(_ name: ImageReference, onlyIndexes: Bool = false) async throws -> Descriptor {
        if let index = images.index(named: name) { return try await push(index, as: name) }
        guard !onlyIndexes, !name.hasFormOfID, let image = images.find(reference: name) else {
            throw ImageError.notFound(name.familiar, similar: [])
        }
        return try await push(image, as: name)
    }

    private var compressor: LayerCompressor {
        LayerCompressor(images.layers, sending.compression, isForced: sending.isForced)
    }

    /// Sends an image under a name: what the registry does not have of its layers, then its manifest.
    ///
    /// - Returns: The manifest's descriptor in the registry.
    /// - Throws: `RegistryError`, `ImageError`, `LayerError`, `LoginError`, `SystemError`, `CancellationError`.
    public func push(_ image: StoredImage, as reference: ImageReference) async throws -> Descriptor {
        try await pushing(reference) { place in
            let (manifest, isSame) = try await send(image, to: place, reference, as: ManifestKey(reference))
            if isSame { try images.remember(reference.naming(manifest.digest), of: image) }
            return manifest.descriptor
        }
    }

    /// Sends all images of an index by their digests, and then the index under a name.
    ///
    /// - Returns: The index's descriptor in the registry, where compressed layers give manifests other digests.
    /// - Throws: What `push(_:as:)` of an image throws.
    public func push(_ index: StoredIndex, as reference: ImageReference) async throws -> Descriptor {
        try await pushing(reference) { place in
            var document = index.document
            for (position, image) in index.images.enumerated() {
                let (manifest, _) = try await send(image, to: place, reference, as: nil)
                document.manifests[position].mediaType = manifest.mediaType
                document.manifests[position].digest = manifest.digest
                document.manifests[position].size = Int64(manifest.bytes.count)
            }
            let sent = RemoteManifest(
                mediaType: format.map { index.descriptor.mediaType.form(in: $0) } ?? index.descriptor.mediaType,
                bytes: try CanonicalJSON.encode(document.converted(to: format ?? index.descriptor.mediaType.format))
            )
            try await place.client.put(sent, as: ManifestKey(reference), in: place.repository)
            return sent.descriptor
        }
    }

    private func pushing(
        _ reference: ImageReference,
        _ body: (RegistryConnections.Place) async throws -> Descriptor
    ) async throws -> Descriptor {
        emit(.started(.push, repository: reference.familiarRepository, tag: reference.tagText))
        let lock = try images.store.lock(.shared)
        defer { withExtendedLifetime(lock) {} }
        guard let place = try connections.places(for: reference, forPush: true).last else {
            preconditionFailure("a registry has at least one place")
        }
        let sent = try await RegistryConnections.telling({ [emit] in emit(.note($0)) }) { try await body(place) }
        images.note("push", inRegistry: reference)
        return sent
    }

    /// Sends an image.
    ///
    /// - Parameter key: `nil` for its digest.
    /// - Returns: Its manifest there, and whether it is the same image: with other layers it has another ID.
    private func send(
        _ image: StoredImage,
        to place: RegistryConnections.Place,
        _ reference: ImageReference,
        as key: ManifestKey?
    ) async throws -> (RemoteManifest, isSame: Bool) {
        func send(_ believesOthers: Bool) async throws -> (RemoteManifest, isSame: Bool) {
            let (manifest, isSame) = try await sendBlobs(of: image, to: place, reference, believesOthers)
            async let indexes: Void = isSame ? sendIndexes(of: image, manifest.descriptor, to: place) : ()
            try await place.client.put(manifest, as: key ?? .digest(manifest.digest), in: place.repository)
            await indexes
            // It tells this store's other builds what the registry has, and those of others.
            try images.store.blobs.write(manifest.bytes)
            return (manifest, isSame)
        }
        do {
            return try await send(true)
        } catch let error as RegistryError where error.isOfManifestWithoutBlobs {
            // What others said that the repository has may be gone.
            place.client.forgetBlobs(in: place.repository)
            return try await send(false)
        }
    }

    /// Sends what the layers hold beside the image, for those who need no more of them; no push fails because of it.
    private func sendIndexes(of image: StoredImage, _ subject: Descriptor, to place: RegistryConnections.Place) async {
        guard let content = try? images.content(of: image) else { return }
        try? await limited(ImagePusher.indexSeconds) {
            try await ImageIndexes.send(content.layers, of: subject, images.layers, to: place)
        }
    }

    /// Sends everything of an image but its manifest.
    ///
    /// - Parameter believesOthers: Whether a repository is not asked for layers of which others said that it has them.
    private func sendBlobs(
        of image: StoredImage,
        to place: RegistryConnections.Place,
        _ reference: ImageReference,
        _ believesOthers: Bool
    ) async throws -> (RemoteManifest, isSame: Bool) {
        let content = try images.content(of: image)
        let format = format ?? image.manifest.mediaType.format
        let puller = ImagePuller(connections, into: images, emit: emit)
        let promises = if let promises { promises } else { try await puller.promises(of: image) }
        for promise in content.layers.compactMap({ promises[$0.diffID] }) where believesOthers {
            guard let other = promise.repository, other.registry == reference.registry,
                other.repository == reference.repository
            else { continue }
            place.client.believe(promise.blob.digest, in: place.repository)
        }
        // The configuration is small, and only the manifest needs it, unless it depends on what is sent.
        let isEarly = !sending.compression.changesLayers
        async let isSent: Void = isEarly ? sendConfiguration(content.manifest.config, to: place) : ()
        let blobs = try await send(content.layers, promises, to: place, reference, format)
        try await isSent
        let configuration = try configuration(content, blobs)
        if !isEarly { try await sendConfiguration(configuration, to: place) }
        let isSame = configuration.digest == content.manifest.config.digest
        return (try document(content, configuration, blobs, format), isSame)
    }

    /// The configuration that names the layers as they were sent.
    private func configuration(_ content: ImageContent, _ blobs: [Descriptor]) throws -> Descriptor {
        let diffIDs = try zip(content.layers, blobs).map { try compressor.diffID(of: $0, sentAs: $1) }
        var descriptor = content.manifest.config
        guard diffIDs != content.layers.map(\.diffID) else { return descriptor }
        // What we do not know of it stays as it is.
        let bytes = try images.store.blobs.read(descriptor.digest)
        guard case .object(var members) = try CanonicalJSON.decode(JSONValue.self, from: bytes) else {
            throw ContentStoreError.damaged(descriptor.digest)
        }
        members["rootfs"] = .object(["type": "layers", "diff_ids": .strings(diffIDs.map { "\($0)" })])
        let changed = try CanonicalJSON.encode(JSONValue.object(members))
        descriptor.digest = try images.store.blobs.write(changed)
        descriptor.size = Int64(changed.count)
        return descriptor
    }

    /// The manifest as it is stored, byte for byte, where it says the same as what was sent.
    private func document(
        _ content: ImageContent,
        _ configuration: Descriptor,
        _ layers: [Descriptor],
        _ format: ImageFormat
    ) throws -> RemoteManifest {
        var manifest = content.manifest.converted(to: format)
        manifest.layers = layers
        manifest.config.digest = configuration.digest
        manifest.config.size = configuration.size
        let stored = content.image.manifest
        var comparable = content.manifest
        comparable.mediaType = manifest.mediaType
        let isStored = stored.mediaType == manifest.mediaType && comparable == manifest
        return RemoteManifest(
            mediaType: MediaType.imageManifest.form(in: format),
            bytes: isStored ? try images.store.blobs.read(stored.digest) : try CanonicalJSON.encode(manifest)
        )
    }

    private func sendConfiguration(_ configuration: Descriptor, to place: RegistryConnections.Place) async throws {
        let path = images.store.blobs.path(configuration.digest)
        try await place.client.provide(configuration, from: path, to: place.repository)
    }

    private func send(
        _ layers: [Layer],
        _ promises: LayerPromises,
        to place: RegistryConnections.Place,
        _ reference: ImageReference,
        _ format: ImageFormat
    ) async throws -> [Descriptor] {
        for layer in layers { emit(.layer(.push, id: layer.diffID.short, .waiting)) }
        let different = Dictionary(layers.map { ($0.diffID, $0) }) { first, _ in first }
        let others = try repositories(besides: reference, having: Set(different.keys))
        // The lowest first, as people expect to see it.
        let waiting = different.values.sorted { left, right in
            (layers.firstIndex(of: left) ?? 0) < (layers.firstIndex(of: right) ?? 0)
        }
        // Requests without content first: a promised layer moves none.
        var sent = try await concurrently(waiting, limit: ImagePusher.parallelQuestions) { layer in
            if !sending.isForced, let promise = promises[layer.diffID], !images.layers.isAvailable(layer) {
                return try await pass(promise, layer, to: place, reference, format)
            }
            guard let known = compressor.known(layer, in: format),
                try await place.client.hasBlob(known.digest, in: place.repository)
            else { return nil }
            emit(.layer(.push, id: layer.diffID.short, .exists))
            return known
        }
        let missing = waiting.filter { sent[$0.diffID] == nil }
        sent.merge(
            try await concurrently(missing, limit: ImagePusher.parallelLayers) { layer in
                if !images.layers.isAvailable(layer) { try await promises[layer.diffID]?.fetch() }
                return try await send(layer, to: place, format, mountedFrom: others[layer.diffID])
            }
        ) { first, _ in first }
        return layers.compactMap { sent[$0.diffID] }
    }

    /// Finds the blobs of layers, several at once in their order.
    private func concurrently(
        _ layers: [Layer],
        limit: Int,
        _ body: @escaping @Sendable (Layer) async throws -> Descriptor?
    ) async throws -> [Digest: Descriptor] {
        var waiting = layers.makeIterator()
        var result: [Digest: Descriptor] = [:]
        try await withThrowingTaskGroup(of: (Digest, Descriptor?).self) { group in
            func add() {
                guard let layer = waiting.next() else { return }
                group.addTask { (layer.diffID, try await body(layer)) }
            }
            for _ in 0..<limit { add() }
            while let (diffID, blob) = try await group.next() {
                result[diffID] = blob
                add()
            }
        }
        return result
    }

    /// Lets the registry have a layer that is elsewhere without fetching it: it has it already, or in another of its
    /// repositories.
    ///
    /// - Returns: `nil` where that does not work.
    private func pass(
        _ promise: LayerPromises.Promise,
        _ layer: Layer,
        to place: RegistryConnections.Place,
        _ reference: ImageReference,
        _ format: ImageFormat
    ) async throws -> Descriptor? {
        let id = layer.diffID.short
        var promised = Descriptor(
            mediaType: promise.blob.mediaType,
            digest: promise.blob.digest,
            size: promise.blob.size,
            annotations: ChunkAnnotations.of(promise.blob)
        )
        promised.mediaType = promised.mediaType.form(in: format)
        // Taking it over costs one request, whether it is there already or not.
        if let other = promise.repository, other.registry == reference.registry, other.repository != place.repository,
            try await place.client.mount(promised, from: other.repository, to: place.repository)
        {
            emit(.layer(.push, id: id, .mounted(from: other.repository)))
            return promised
        }
        let known = compressor.known(layer, in: format)
        for blob in [promised] + (known.map { $0.digest == promised.digest ? [] : [$0] } ?? [])
        where try await place.client.hasBlob(blob.digest, in: place.repository) {
            emit(.layer(.push, id: id, .exists))
            return blob
        }
        return nil
    }

    private func send(
        _ layer: Layer,
        to place: RegistryConnections.Place,
        _ format: ImageFormat,
        mountedFrom other: String?
    ) async throws -> Descriptor {
        let id = layer.diffID.short
        // If the registry has what was known before, that was found already.
        let isKnown = compressor.known(layer, in: format) != nil
        emit(.layer(.push, id: id, .working))
        let (blob, begun) =
            isKnown || other != nil || layer.blob.size < ImagePusher.sentEarlySize
            ? (try await compressor.compressed(layer, in: format), nil)
            : try await sendWhileCompressing(layer, to: place, format)
        if !isKnown, begun == nil, try await place.client.hasBlob(blob.digest, in: place.repository) {
            emit(.layer(.push, id: id, .exists))
            return blob
        }
        let result = try await place.client.upload(
            blob,
            from: images.store.blobs.path(blob.digest),
            to: place.repository,
            mountedFrom: other,
            begun: begun
        ) { emit(.layer(.push, id: id, .moving($0, of: blob.size))) }
        switch result {
        case .mounted: emit(.layer(.push, id: id, .mounted(from: other ?? "")))
        case .sent: emit(.layer(.push, id: id, .done))
        }
        return blob
    }

    /// Compresses a layer and sends what there is of it meanwhile.
    private func sendWhileCompressing(
        _ layer: Layer,
        to place: RegistryConnections.Place,
        _ format: ImageFormat
    ) async throws -> (Descriptor, RegistryClient.BegunUpload?) {
        let growing = GrowingFile()
        async let begun = place.client.begin(growing, to: place.repository)
        let blob = try await compressor.compressed(layer, in: format, to: growing)
        return (blob, await begun)
    }

    /// Repositories of the same registry that may have the layers, by the names of images in the store.
    private func repositories(besides reference: ImageReference, having wanted: Set<Digest>) throws -> [Digest: String]
    {
        var result: [Digest: String] = [:]
        if let cache = caches.first(where: { $0.registry == reference.registry }) {
            for diffID in wanted { result[diffID] = cache.repository }
        }
        // What an image brought along is in no cache.
        var unknown = wanted
        for listed in try images.list() {
            guard !unknown.isEmpty else { break }
            let name = (listed.names + listed.image.registryDigests).first {
                $0.registry == reference.registry && $0.repository != reference.repository
            }
            guard let name, let layers = try? images.layers(of: listed.image) else { continue }
            for layer in layers where unknown.remove(layer.diffID) != nil {
                result[layer.diffID] = name.repository
            }
        }
        return result
    }
}
