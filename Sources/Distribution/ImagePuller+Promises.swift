internal import ContentStore
internal import FileSystem
public import Images
internal import Layers
internal import OCI
internal import Registry
internal import Reporting

/// Images of which the store has the documents and a registry the layers.
extension ImagePuller {
    /// Gives an image its name that was found, and leaves its layers where they are.
    ///
    /// - Throws: `ImageError`, `ContentStoreError`, `SystemError`.
    public func promise(_ found: FoundImage) throws -> StoredImage {
        try images.addPromised(
            manifest: found.document.bytes,
            mediaType: found.document.mediaType,
            names: [found.reference],
            from: found.placeOfLayers
        )
    }

    /// What was found as an image to look at, which is listed nowhere.
    ///
    /// The caller holds the store's lock as long as it uses the image.
    func look(at found: FoundImage) throws -> StoredImage {
        try images.promised(manifest: found.document.bytes, mediaType: found.document.mediaType)
    }

    /// Brings what the layers of an image hold, as far as whoever pushed it has said it beside it.
    ///
    /// - Returns: Whether something is known of each.
    func bringIndexes(of image: StoredImage) async -> Bool {
        guard let content = try? images.content(of: image) else { return false }
        func isKnown() -> Bool { content.layers.allSatisfy { images.layers.knownIndex(of: $0) != nil } }
        if isKnown() { return true }
        guard let reference = image.registryDigests.last, let place = try? connections.places(for: reference).first
        else { return false }
        // A registry has our own layers compressed, and the manifest is another one.
        let subject = reference.digest.flatMap { images.store.blobs.isIndex($0) ? nil : $0 } ?? image.manifest.digest
        return await bringIndexes(of: content.layers, subject, at: place)
    }

    private func bringIndexes(of layers: [Layer], _ subject: Digest, at place: RegistryConnections.Place) async -> Bool
    {
        try? await limited(ImagePuller.indexSeconds) {
            try await ImageIndexes.bring(layers, of: subject, into: images.layers, at: place)
        }
        return layers.allSatisfy { images.layers.knownIndex(of: $0) != nil }
    }

    /// The same for one that is only looked at.
    func bringIndexes(of found: FoundImage) async -> Bool {
        await bringIndexes(of: found.layers, found.document.digest, at: found.place)
    }

    /// How long that may take, in seconds.
    private static let indexSeconds = 10.0

    /// Fetches the layers of an image that are elsewhere, from the registry that had the image last, or else from another.
    ///
    /// - Throws: `UserError` where no registry is known to have it, and what `pull` throws.
    public func complete(_ image: StoredImage) async throws -> StoredImage {
        guard !image.isComplete else { return image }
        let lock = try images.store.lock(.shared)
        defer { withExtendedLifetime(lock) {} }
        let content = try images.content(of: image)
        let missing = content.layers.indices.filter { !images.layers.isAvailable(content.layers[$0]) }
        guard !missing.isEmpty else { return try images.completed(image) }
        var failure: any Error = UserError(
            "the layers of image \(image.id.short) are not in the store, and no registry is known to have them",
            hints: ["pull or build it again"]
        )
        for reference in image.registryDigests.reversed() {
            emit(.started(.pull, repository: reference.repositoryText, tag: reference.tagText))
            do {
                let layers = try await blobs(of: content, at: reference)
                try await RegistryConnections.telling({ [emit] in emit(.note($0)) }) {
                    try await fetch(missing.map { layers[$0] }, from: connections.places(for: reference))
                }
                return try images.completed(image)
            } catch let error as CancellationError {
                throw error
            } catch {
                failure = error
            }
        }
        throw failure
    }

    /// How the layers of an image come here that are elsewhere.
    ///
    /// - Parameter emit: Told about layers that are fetched.
    func promises(of image: StoredImage) async throws -> LayerPromises {
        let promises = LayerPromises()
        guard !image.isComplete else { return promises }
        let content = try images.content(of: image)
        for reference in image.registryDigests.reversed() {
            guard let layers = try? await blobs(of: content, at: reference) else { continue }
            for (layer, blob) in layers {
                promises.add(layer.diffID, blob, at: reference) { _ = try await complete(image) }
            }
            break
        }
        return promises
    }

    /// What a registry has for each layer of an image.
    private func blobs(of content: ImageContent, at reference: ImageReference) async throws -> [(Layer, Descriptor)] {
        guard let digest = reference.digest, !images.isContent(content.image.manifest, digest) else {
            return content.layers.map { ($0, $0.blob) }
        }
        // One that was pushed from here has other blobs there.
        let document = try await anywhere(reference) { place in
            let top = try await place.client.manifest(.digest(digest), in: place.repository)
            return try await choose(top, content.image.platform, place, depth: 0)
        }
        let manifest = try ManifestDocument.manifest(document.bytes, mediaType: document.mediaType)
        guard manifest.config.digest == content.image.id, manifest.layers.count == content.layers.count else {
            throw ImageError.notFound("\(content.image.id.short)", similar: [])
        }
        return zip(content.layers, manifest.layers).map { layer, blob in
            (layer, layer.blob.digest == layer.diffID ? blob : layer.blob)
        }
    }

    /// Whether a name still means in its registry what an image of the store is known by there.
    ///
    /// Asks for nothing but a header, which does not count against the limit on pulls of Docker's registry.
    func isCurrent(_ image: StoredImage, _ reference: ImageReference) async -> Bool {
        // What has a digest in its name was found by it.
        guard reference.digest == nil else { return true }
        let known = image.registryDigests.filter {
            $0.registry == reference.registry && $0.repository == reference.repository
        }.compactMap(\.digest)
        guard !known.isEmpty else { return false }
        let current = try? await anywhere(reference) { place in
            try await place.client.digest(ofTag: reference.tag ?? "latest", in: place.repository)
        }
        return current.flatMap { $0 }.map(known.contains) ?? false
    }
}

extension BlobStore {
    /// Whether a document that is here lists several images.
    fileprivate func isIndex(_ digest: Digest) -> Bool {
        (try? read(digest, limit: ImageStore.documentLimit)).flatMap { RemoteManifest(kept: $0) }?.mediaType.isIndex
            ?? false
    }
}
