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
    /// Gives the layers, lowest first, their content in the store; of an image that was left in its registry, it fetches
    /// them.
    public let layers: @Sendable () async throws -> [Layer]

    /// An image of the store.
    ///
    /// - Throws: `ImageError` for one of which something is missing.
    public init(_ image: StoredImage, in images: ImageStore) throws {
        let content = try images.wholeContent(of: image)
        (id, configuration) = (image.id, content.configuration)
        layers = { content.layers }
    }

    init(_ found: ImagePuller.FoundImage, _ layers: @escaping @Sendable () async throws -> [Layer]) {
        (id, configuration, self.layers) = (found.id, found.configuration, layers)
    }
}

/// Finds images in the store, and in their registries where a policy says so: for `FROM` and for `run`.
public struct ImageResolver: Sendable {
    private let images: ImageStore
    private let policy: PullPolicy
    private let emit: @Sendable (TransferEvent) -> Void

    public init(_ images: ImageStore, pull policy: PullPolicy, emit: @escaping @Sendable (TransferEvent) -> Void) {
        self.images = images
        self.policy = policy
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
        if let known, policy != .always {
            do {
                return try ResolvedImage(known, in: images)
            } catch {
                // What is damaged is as good as missing.
                state = "is damaged in the store (\(error))"
            }
        }
        guard policy != .never else {
            throw UserError(
                "image `\(reference.familiar)` \(state), and --pull=never forbids pulling it",
                hints: ["`swiftbuild load` and `swiftbuild import` add images without a registry"]
            )
        }
        let (images, puller) = (images, ImagePuller(.shared, into: images, emit: emit))
        do {
            guard isLazy else {
                return try ResolvedImage(try await puller.pull(reference, platform: platform).image, in: images)
            }
            let found = try await puller.find(reference, platform: platform)
            return ResolvedImage(found) { try images.layers(of: try await puller.pull(found).image) }
        } catch let error as CancellationError {
            throw error
        } catch {
            throw UserError(
                "image `\(reference.familiar)` \(state.isEmpty ? "" : state + " and ")cannot be pulled: \(error)",
                hints: (error as? RegistryError)?.hints ?? (error as? LoginError)?.hint.map { [$0] } ?? []
            )
        }
    }
}
