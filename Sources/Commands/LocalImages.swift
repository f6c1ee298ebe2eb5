import BuildEngine
import Images
import OCI

/// Base images out of the store, and out of layouts that `--build-context` names.
struct LocalImages: BaseImageProvider {
    let images: ImageStore
    let layouts: [ImageReference: NamedContexts.Layout]

    func image(_ reference: ImageReference, platform: Platform) async throws -> BaseImage? {
        guard let found = try layout(reference) ?? images.find(reference: reference) ?? byID(reference) else {
            return nil
        }
        let content = try images.content(of: found)
        return BaseImage(id: found.id, configuration: content.configuration, layers: content.layers)
    }

    private func layout(_ reference: ImageReference) throws -> StoredImage? {
        guard let layout = layouts[reference] else { return nil }
        guard let image = try images.load(layout.path, selecting: layout.selector) else {
            throw CommandFailure(
                "the layout `\(layout.path)` has no such image",
                hints: ["write oci-layout://DIRECTORY:TAG or oci-layout://DIRECTORY@DIGEST"]
            )
        }
        return image
    }

    /// `FROM 833f479d9b64`: the start of an ID works wherever a name does, unless an image has that name.
    private func byID(_ reference: ImageReference) -> StoredImage? {
        let text = reference.familiarRepository
        guard reference.tag == "latest", reference.digest == nil, text.utf8.count >= 4, text.allSatisfy(\.isHexDigit)
        else { return nil }
        return try? images.find(text)
    }
}
