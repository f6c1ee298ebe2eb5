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
    /// Whether the layers of a base are left in its registry until something needs them.
    let isLazy: Bool
    let show: @Sendable (BuildEvent) -> Void

    func image(_ reference: ImageReference, platform: Platform) async throws -> BaseImage {
        if let image = try layout(reference) { return try base(image) }
        let known = images.find(reference: reference, platform: platform) ?? byID(reference)
        var state = known == nil ? "is not in the store" : ""
        if let known, policy != .always {
            do {
                return try base(known)
            } catch {
                // What is damaged is as good as missing.
                state = "is damaged in the store (\(error))"
            }
        }
        guard policy != .never else {
            throw BaseImageError(
                "image `\(reference.familiar)` \(state), and --pull=never forbids pulling it",
                hints: ["`swiftbuild load` and `swiftbuild import` bring images in without a registry"]
            )
        }
        let (show, images) = (show, images)
        let puller = ImagePuller(.shared, into: images) { show(.transfer($0)) }
        do {
            guard isLazy else { return try base(try await puller.pull(reference, platform: platform).image) }
            let found = try await puller.find(reference, platform: platform)
            return BaseImage(id: found.id, configuration: found.configuration) {
                try images.layers(of: try await puller.pull(found).image)
            }
        } catch let error as CancellationError {
            throw error
        } catch {
            throw BaseImageError(
                "image `\(reference.familiar)` \(state.isEmpty ? "" : state + " and ")cannot be pulled: \(error)",
                hints: (error as? RegistryError)?.hints ?? (error as? LoginError)?.hint.map { [$0] } ?? []
            )
        }
    }

    private func base(_ image: StoredImage) throws -> BaseImage {
        let content = try images.wholeContent(of: image)
        let layers = content.layers
        return BaseImage(id: image.id, configuration: content.configuration) { layers }
    }

    private func layout(_ reference: ImageReference) throws -> StoredImage? {
        guard let layout = layouts[reference] else { return nil }
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

    /// `FROM 833f479d9b64`: the start of an ID works wherever a name does, unless an image has that name.
    private func byID(_ reference: ImageReference) -> StoredImage? {
        let text = reference.familiarRepository
        guard reference.tag == "latest", reference.digest == nil, text.utf8.count >= 4, text.allSatisfy(\.isHexDigit)
        else { return nil }
        return try? images.find(text)
    }
}
