internal import BuildEngine
internal import Distribution
internal import Images
internal import OCI
internal import Reporting

/// Base images out of named contexts, out of the store, or else out of a registry.
struct BaseImages: BaseImageProvider {
    let images: ImageStore
    let contexts: NamedContexts
    let resolver: ImageResolver
    /// Whether the layers of a base are left where they are until something needs them.
    let isLazy: Bool

    func image(_ reference: ImageReference, platform: Platform) async throws -> BaseImage {
        if let image = try contexts.images[reference].flatMap(images.image(id:)) ?? layout(reference) {
            return BaseImage(try ResolvedImage(image, in: images))
        }
        do {
            return BaseImage(try await resolver.image(reference, platform: platform, isLazy: isLazy))
        } catch let error as UserError {
            throw BaseImageError(error.message, hints: error.hints)
        }
    }

    private func layout(_ reference: ImageReference) throws -> StoredImage? {
        guard let layout = contexts.layouts[reference] else { return nil }
        do {
            return try images.load(layout.path, selecting: layout.selector)
        } catch let error as ImageError {
            guard case .notInArchive = error else { throw error }
            throw UserError(
                "the layout \(error)",
                hints: ["write oci-layout://DIRECTORY:TAG or oci-layout://DIRECTORY@DIGEST"]
            )
        }
    }
}

extension BaseImage {
    fileprivate init(_ image: ResolvedImage) {
        self.init(id: image.id, configuration: image.configuration, layers: image.layers, fetch: image.fetch)
        documents = image.documents
        bringIndexes = image.bringIndexes
    }
}
