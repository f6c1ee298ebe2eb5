import BuildEngine
import Images
import OCI

/// Base images out of the store.
struct LocalImages: BaseImageProvider {
    let images: ImageStore

    func image(_ reference: ImageReference, platform: Platform) async throws -> BaseImage? {
        guard let found = images.find(reference: reference) else { return nil }
        let content = try images.content(of: found)
        return BaseImage(id: found.id, configuration: content.configuration, layers: content.layers)
    }
}
