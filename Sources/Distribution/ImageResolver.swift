public import Images
public import Layers
public import OCI
internal import Registry
public import Reporting

/// When an image is looked for in its registry.
public enum PullPolicy: String, Sendable, CaseIterable {
    /// Where the store has none of that name.
    case missing
    /// Always, so that the newest one is used.
    case always
    case never
}

/// What a name of an image means.
public struct ResolvedImage: Sendable {
    /// The image ID.
    public let id: Digest
    public let configuration: ImageConfiguration
    /// Lowest first.
    public let layers: [Layer]
    /// Brings the layers into the store; `nil` where they are there.
    public let fetch: (@Sendable () async throws -> Void)?
    /// What says what it is, of which others may be told: manifests and the configuration.
    public let documents: [Digest]
    /// Brings what its layers hold, if that is known where they are.
    public let bringIndexes: (@Sendable () async -> Void)?

    /// An image of the store.
    ///
    /// - Throws: `ImageError` for one of which something is missing.
    public init(_ image: StoredImage, in images: ImageStore) throws {
        let content = try images.wholeContent(of: image)
        (id, configuration, layers) = (image.id, content.configuration, content.layers)
        fetch = nil
        documents = image.documents
        bringIndexes = nil
    }

    /// An image of the store whose layers are elsewhere.
    init(
        _ content: ImageContent,
        bringIndexes: @escaping @Sendable () async -> Void,
        fetch: @escaping @Sendable () async throws -> Void
    ) {
        (id, configuration, layers) = (content.image.id, content.configuration, content.layers)
        self.fetch = fetch
        documents = content.image.documents
        self.bringIndexes = bringIndexes
    }

    init(_ found: ImagePuller.FoundImage, fetch: @escaping @Sendable () async throws -> Void) {
        (id, configuration, layers, self.fetch) = (found.id, found.configuration, found.layers, fetch)
        documents = []
        bringIndexes = nil
    }
}

extension StoredImage {
    /// Its documents, if a registry has it.
    fileprivate var documents: [Digest] {
        let places = registryDigests.compactMap(\.digest)
        return places.isEmpty ? [] : places + [manifest.digest, id]
    }
}

/// Finds images in the store, and in their registries where a policy says so: for `FROM` and for `run`.
public struct ImageResolver: Sendable {
    private let images: ImageStore
    private let policy: PullPolicy
    private let promises: LayerPromises
    private let isLooking: Bool
    private let bringDocuments: (@Sendable () async -> Void)?
    private let emit: @Sendable (TransferEvent) -> Void

    /// - Parameters:
    ///   - promises: Gets what is left in its registry.
    ///   - isLooking: Whether no image that is found gets its name.
    ///   - bringDocuments: Brings documents into the store that others have kept of images.
    public init(
        _ images: ImageStore,
        pull policy: PullPolicy,
        promises: LayerPromises = LayerPromises(),
        isLooking: Bool = false,
        emit: @escaping @Sendable (TransferEvent) -> Void,
        bringDocuments: (@Sendable () async -> Void)? = nil
    ) {
        self.images = images
        self.policy = policy
        self.promises = promises
        self.isLooking = isLooking
        self.bringDocuments = bringDocuments
        self.emit = emit
    }

    /// The image that a Dockerfile means: by name, by ID, or by the start of one, unless an image has that name.
    ///
    /// - Parameter isLazy: Whether the layers of an image are left in its registry until something needs them.
    /// - Throws: `UserError`, `CancellationError`.
    public func image(_ reference: ImageReference, platform: Platform, isLazy: Bool) async throws -> ResolvedImage {
        let known = images.find(reference: reference, platform: platform) ?? image(withID: reference)
        return try await resolve(reference, platform, known, isLazy: isLazy)
    }

    /// The image that a user means.
    ///
    /// - Parameter platform: What the image must be for, where that matters.
    /// - Throws: `UserError`, `ImageError` for what can be no name, `CancellationError`.
    public func image(named text: String, platform: Platform?) async throws -> ResolvedImage {
        guard let reference = try? ImageReference(parsing: text) else {
            return try ResolvedImage(try images.find(text), in: images)
        }
        var known = images.find(reference: reference, platform: platform ?? .host)
        if let other = known, let platform, platform.best(among: [other.platform]) == nil {
            known = nil
        } else if known == nil {
            do {
                known = try images.find(text)
            } catch ImageError.notFound {}
        }
        if known == nil, policy != .never {
            emit(.note("image `\(reference.familiar)` is not in the store; pulling it"))
        }
        return try await resolve(reference, platform ?? .host, known, isLazy: false)
    }

    private func image(withID reference: ImageReference) -> StoredImage? {
        let text = reference.familiarRepository
        guard reference.tag == "latest", reference.digest == nil, text.utf8.count >= 4, text.allSatisfy(\.isHexDigit)
        else { return nil }
        return try? images.find(text)
    }

    private func resolve(_ reference: ImageReference, _ platform: Platform, _ known: StoredImage?, isLazy: Bool)
        async throws -> ResolvedImage
    {
        var state = known == nil ? "is not in the store" : ""
        let (images, bring) = (images, isLazy ? bringDocuments : nil)
        let puller = ImagePuller(.shared, into: images, emit: emit, bringDocuments: bring)
        if let known, await isGood(known, reference, puller) {
            do {
                if known.isComplete { return try ResolvedImage(known, in: images) }
                if isLazy { return try promised(known, reference, puller) }
                if policy == .never {
                    state = "has layers that were never fetched"
                } else {
                    return try ResolvedImage(try await puller.complete(known), in: images)
                }
            } catch let error as CancellationError {
                throw error
            } catch {
                // What is damaged is as good as missing, and so is what nobody gives.
                state = "is damaged in the store (\(error))"
            }
        }
        guard policy != .never else {
            throw UserError(
                "image `\(reference.familiar)` \(state), and --pull=never forbids pulling it",
                hints: ["`swiftbuild load` and `swiftbuild import` add images without a registry"]
            )
        }
        do {
            guard isLazy else {
                return try ResolvedImage(try await puller.pull(reference, platform: platform).image, in: images)
            }
            let found = try await puller.find(reference, platform: platform)
            guard isLooking else { return try promised(try puller.promise(found), reference, puller) }
            return ResolvedImage(found) { _ = try await puller.pull(found) }
        } catch let error as CancellationError {
            throw error
        } catch {
            throw UserError(
                "image `\(reference.familiar)` \(state.isEmpty ? "" : state + " and ")cannot be pulled: \(error)",
                hints: (error as? RegistryError)?.hints ?? (error as? LoginError)?.hint.map { [$0] } ?? []
            )
        }
    }

    /// Whether what the store has under a name is what the policy asks for.
    private func isGood(_ known: StoredImage, _ reference: ImageReference, _ puller: ImagePuller) async -> Bool {
        if policy != .always { return true }
        return await puller.isCurrent(known, reference)
    }

    /// An image of the store whose layers come when something reads them.
    private func promised(_ image: StoredImage, _ reference: ImageReference, _ puller: ImagePuller) throws
        -> ResolvedImage
    {
        if image.isComplete { return try ResolvedImage(image, in: images) }
        let (content, policy) = (try images.content(of: image), policy)
        let fetch: @Sendable () async throws -> Void = {
            guard policy != .never else {
                throw UserError(
                    "the layers of image `\(reference.familiar)` are not in the store, and --pull=never forbids fetching them"
                )
            }
            do {
                _ = try await puller.complete(image)
                try images.layers.checkClaims()
            } catch let error as CancellationError {
                throw error
            } catch {
                throw UnkeptPromise(subject: "image `\(reference.familiar)`", reason: error)
            }
        }
        let place = image.registryDigests.last
        for layer in content.layers where !images.layers.isAvailable(layer) {
            promises.add(layer.diffID, layer.blob, at: place, fetch: fetch)
        }
        return ResolvedImage(content, bringIndexes: { _ = await puller.bringIndexes(of: image) }, fetch: fetch)
    }
}
