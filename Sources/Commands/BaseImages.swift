import BuildEngine
import Distribution
import Images
import OCI
import Registry
import Reporting

/// When a base image is looked for in its registry.
enum PullPolicy: String, Sendable, CaseIterable {
    /// Where the store has none of that name.
    case missing
    /// Always, so that the newest one is used.
    case always
    case never
}

/// Base images out of layouts that `--build-context` names, out of the store, or else out of a registry.
struct BaseImages: BaseImageProvider {
    let images: ImageStore
    let layouts: [ImageReference: NamedContexts.Layout]
    let policy: PullPolicy
    let show: @Sendable (BuildEvent) -> Void

    func image(_ reference: ImageReference, platform: Platform) async throws -> BaseImage {
        let content = try images.content(of: try await stored(reference, platform))
        return BaseImage(
            id: content.image.id,
            configuration: content.configuration,
            layers: content.layers
        )
    }

    private func stored(_ reference: ImageReference, _ platform: Platform) async throws -> StoredImage {
        if let image = try layout(reference) { return image }
        let known = images.find(reference: reference, platform: platform) ?? byID(reference)
        if let known, policy != .always { return known }
        guard policy != .never else {
            throw BaseImageError(
                "image `\(reference.familiar)` is not in the store, and --pull=never forbids to pull it",
                hints: ["`swiftbuild load` and `swiftbuild import` bring images in without a registry"]
            )
        }
        let show = show
        do {
            return try await ImagePuller(.shared, into: images) { show(.transfer($0)) }
                .pull(reference, platform: platform).image
        } catch let error as CancellationError {
            throw error
        } catch {
            let why = CommandFailure.registry(error)
            let store = known == nil ? "is not in the store and " : ""
            throw BaseImageError(
                "image `\(reference.familiar)` \(store)cannot be pulled: \(why.message)",
                hints: why.hints
            )
        }
    }

    private func layout(_ reference: ImageReference) throws -> StoredImage? {
        guard let layout = layouts[reference] else { return nil }
        do {
            return try images.load(layout.path, selecting: layout.selector)
        } catch let error as ImageError {
            guard case .notInArchive = error else { throw error }
            throw CommandFailure(
                "the layout \(error)",
                hints: ["write oci-layout://DIRECTORY:TAG or oci-layout://DIRECTORY@DIGEST"]
            )
        }
    }

    /// `FROM 833f479d9b64`: the start of an ID works wherever a name does, unless an image has that name.
    private func byID(_ reference: ImageReference) -> StoredImage? {
        let text = reference.familiarRepository
        guard reference.tag == "latest", reference.digest == nil, text.utf8.count >= 4, text.allSatisfy(\.isHexDigit)
        else { return nil }
        return try? images.find(text)
    }
}
