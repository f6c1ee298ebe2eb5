internal import ContentStore
internal import FileSystem
public import Images
public import Layers
public import OCI
internal import Registry
public import Reporting
internal import SystemPackage
internal import Tar

/// An image that is looked at, wherever it came from.
///
/// One from outside the store is taken in as blobs and gets no name, so the next `prune` removes it again.
public struct OpenedImage: Sendable {
    /// As the user called it.
    public let name: String
    public let images: ImageStore
    public let content: ImageContent
    /// Keeps what has no name from being removed.
    private let lock: FileLock

    public var image: StoredImage { content.image }

    /// What of an image is looked at.
    public enum Need: Sendable {
        /// Its manifest and configuration, which is all that a registry is asked for.
        case documents
        /// What is where in it; its layers are fetched only where nobody says that.
        case names
        case layers
    }

    /// - Parameters:
    ///   - location: What the name means.
    ///   - platform: What the image has to be for; `nil` for this machine, or else for whatever it is for.
    ///   - needs: What has to be in the store.
    /// - Throws: `UserError`, `ImageError`, `RegistryError`, `LayerError`, `LoginError`, `SystemError`, `CancellationError`.
    public init(
        _ name: String,
        at location: ImageLocation,
        in images: ImageStore,
        platform: Platform? = nil,
        needs: Need = .layers,
        emit: @escaping @Sendable (TransferEvent) -> Void
    ) async throws {
        self.name = name
        var images = images
        if !images.isThere {
            // Only what comes from elsewhere needs a place.
            if case .store(let text) = location { _ = try OpenedImage.find(text, platform, in: images) }
            images = try StoreLocation(images.store.root.string).open()
        }
        self.images = images
        lock = try images.store.lock(.shared)
        let puller = ImagePuller(.shared, into: images, emit: emit)
        let image: StoredImage
        switch location {
        case .store(let text): image = try OpenedImage.find(text, platform, in: images)
        case .file(let path, let selector): image = try OpenedImage.load(path, selector, platform, into: images)
        case .registry(let reference):
            let found = try await puller.find(reference, platform: platform ?? .host)
            let isEnough = needs == .documents ? true : needs == .names ? await puller.bringIndexes(of: found) : false
            image = try await isEnough ? puller.look(at: found) : puller.pull(found, isNamed: false).image
        }
        if let platform, platform.best(among: [image.platform]) == nil {
            throw ImageError.noPlatform(platform, available: [image.platform.description])
        }
        let isEnough =
            needs == .documents
            ? true : needs == .names && !image.isComplete ? await puller.bringIndexes(of: image) : false
        content = try images.content(of: isEnough ? image : await puller.complete(image))
    }

    /// The files of the image.
    public func files() throws -> LayerStack { try LayerStack(content.layers, in: images.layers) }

    /// What is where in the image.
    public func names() throws -> LayerStack {
        let isHere = content.layers.allSatisfy(images.layers.isAvailable)
        return try (isHere ? nil : LayerStack(known: content.layers, in: images.layers)) ?? files()
    }

    private static func find(_ text: String, _ platform: Platform?, in images: ImageStore) throws -> StoredImage {
        if let platform, let reference = try? ImageReference(parsing: text),
            let image = images.find(reference: reference, platform: platform)
        {
            return image
        }
        do {
            return try images.find(text)
        } catch let error as ImageError {
            guard case .notFound = error, let kind = FileStatus.ifPresent(FilePath(text))?.kind else { throw error }
            let transport = kind == .directory ? "oci" : "oci-archive"
            throw UserError("\(error)", hints: ["to read the file of that name, write `\(transport):\(text)`"])
        }
    }

    private static func load(
        _ path: FilePath,
        _ selector: LayoutSelector,
        _ platform: Platform?,
        into images: ImageStore
    ) throws -> StoredImage {
        do {
            return try images.load(path, selecting: selector, platform: platform ?? .host)
        } catch let error as SystemError where error.errno == .noSuchFileOrDirectory {
            throw UserError("\(error)")
        }
    }
}

extension ImageStore {
    /// Whether the store was ever made.
    var isThere: Bool { FileStatus.ifPresent(store[.locks]) != nil }
}
