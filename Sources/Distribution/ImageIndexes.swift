internal import ContentStore
internal import Images
internal import Layers
internal import OCI
internal import Registry

/// What the layers of an image hold, as it lies beside the image in a registry: an OCI artifact about the image's manifest
/// (image specification 1.1, "Guidelines for Artifact Usage") with one blob for each layer.
enum ImageIndexes {
    static let artifactType = MediaType(rawValue: "application/vnd.swiftbuild.layer.indexes.v1")
    private static let diffID = "dev.swiftbuild.layer.diff-id"
    /// Artifacts about one image that are looked at.
    private static let candidates = 3
    /// Blobs that are sent or fetched at the same time.
    private static let parallelBlobs = 8

    /// Sends it for an image that is in the store, unless the registry has it, or could not tell others of it.
    ///
    /// - Parameter subject: The image's manifest in the registry.
    /// - Throws: `RegistryError`, `LayerError`, `SystemError`, `CancellationError`.
    static func send(
        _ layers: [Layer],
        of subject: Descriptor,
        _ store: LayerStore,
        to place: RegistryConnections.Place
    )
        async throws
    {
        // What others say of a layer is not said again.
        guard !layers.isEmpty, layers.allSatisfy(store.isAvailable),
            let known = try await place.client.referrers(of: subject.digest, type: artifactType, in: place.repository)
        else { return }
        var seen: Set<Digest> = []
        let blobs = try layers.filter { seen.insert($0.diffID).inserted }.map { layer in
            var blob = try SharedLayerIndex.write(layer, store)
            blob.annotations = [diffID: "\(layer.diffID)"]
            return blob
        }
        var manifest = Manifest(config: CacheEntry.emptyDescriptor, layers: blobs)
        manifest.artifactType = artifactType
        manifest.subject = subject
        let document = RemoteManifest(mediaType: .imageManifest, bytes: try CanonicalJSON.encode(manifest))
        if known.contains(where: { $0.digest == document.digest }) { return }
        try store.store.blobs.write(CacheEntry.emptyBytes)
        try await each(Array(Set(blobs.map(\.plain))) + [CacheEntry.emptyDescriptor]) { blob in
            let path = store.store.blobs.path(blob.digest)
            try await place.client.provide(blob, from: path, to: place.repository)
        }
        try await place.client.put(document, as: .digest(document.digest), in: place.repository)
    }

    /// Brings the indexes of those of some layers of which nothing is known; they are claims until the layers come.
    ///
    /// - Parameter subject: The digest of the image's manifest in the registry.
    /// - Throws: `RegistryError`, `LayerError`, `SystemError`, `CancellationError`.
    static func bring(
        _ layers: [Layer],
        of subject: Digest,
        into store: LayerStore,
        at place: RegistryConnections.Place
    )
        async throws
    {
        let known = try await place.client.referrers(of: subject, type: artifactType, in: place.repository)
        for found in (known ?? []).suffix(candidates) {
            let wanted = Set(layers.filter { store.knownIndex(of: $0) == nil }.map(\.diffID))
            if wanted.isEmpty { return }
            let bytes = try await place.client.manifest(.digest(found.digest), in: place.repository).bytes
            guard let manifest = try? CanonicalJSON.decode(Manifest.self, from: bytes),
                manifest.artifactType == artifactType, manifest.subject?.digest == subject
            else { continue }
            try await each(manifest.layers.filter(SharedLayerIndex.isOne)) { blob in
                guard let diffID = blob.annotations?[diffID].flatMap({ try? Digest(parsing: $0) }),
                    wanted.contains(diffID)
                else { return }
                let blobs = store.store.blobs
                if blobs.size(blob.digest) != blob.size || !blobs.verify(blob.digest) {
                    try await place.client.fetch(blob, in: place.repository, to: blobs)
                }
                _ = store.claim(try SharedLayerIndex.read(blob, blobs), of: diffID)
            }
        }
    }

    private static func each(_ blobs: [Descriptor], _ body: @escaping @Sendable (Descriptor) async throws -> Void)
        async throws
    {
        var waiting = blobs.makeIterator()
        try await withThrowingTaskGroup(of: Void.self) { group in
            func add() {
                guard let blob = waiting.next() else { return }
                group.addTask { try await body(blob) }
            }
            for _ in 0..<parallelBlobs { add() }
            while try await group.next() != nil { add() }
        }
    }
}

extension Descriptor {
    /// Without what only one manifest says of it.
    fileprivate var plain: Descriptor { Descriptor(mediaType: mediaType, digest: digest, size: size) }
}
