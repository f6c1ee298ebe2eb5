public import Layers
public import OCI

/// One image of the store, as its record describes it; the documents themselves are blobs.
public struct StoredImage: Sendable, Hashable {
    /// The digest of the configuration: Docker's image ID.
    public let id: Digest
    /// The manifest blob.
    public let manifest: Descriptor
    /// When the image was made; `nil` where its configuration does not say.
    public let created: Timestamp?
    /// The bytes of the files of all layers, which is what users know as the size of an image; of a layer that nobody here
    /// has seen, its bytes as they are sent.
    public internal(set) var size: Int64
    /// What the image runs on.
    public let platform: Platform
    /// Under which digests registries have the image or an index of it, as pulls and pushes learned; the latest last.
    public internal(set) var registryDigests: [ImageReference]
    /// Whether the layers are in the store; if not, the registries of `registryDigests` have them.
    public internal(set) var isComplete: Bool

    /// Those of the latest pushes and pulls; a record has to stay small.
    private static let registryDigestLimit = 64

    init(
        id: Digest,
        manifest: Descriptor,
        created: Timestamp?,
        size: Int64,
        platform: Platform,
        registryDigests: [ImageReference] = [],
        isComplete: Bool = true
    ) {
        self.id = id
        self.manifest = manifest
        self.created = created
        self.size = size
        self.platform = platform
        self.registryDigests = registryDigests
        self.isComplete = isComplete
    }

    /// The image with more digests of registries.
    func adding(_ digests: [ImageReference]) -> StoredImage {
        let new = digests.filter { !registryDigests.contains($0) }
        guard !new.isEmpty else { return self }
        var image = self
        image.registryDigests = (registryDigests + new).suffix(StoredImage.registryDigestLimit)
        return image
    }
}

/// An image with all its names, none for a dangling one.
public struct ListedImage: Sendable, Hashable {
    /// The image.
    public let image: StoredImage
    /// Sorted; references with a tag before those with a digest.
    public let names: [ImageReference]
    /// Those of the image's entry in an index that it is written to.
    public let annotations: [String: String]

    /// How registries know the image: its names with a digest, and what pulls and pushes by tag learned.
    public var registryDigests: [ImageReference] {
        let named = names.filter { $0.digest != nil }
        return named + image.registryDigests.filter { !named.contains($0) }
    }

    /// An image with the names that count for what is done with it.
    public init(image: StoredImage, names: [ImageReference], annotations: [String: String] = [:]) {
        self.image = image
        self.names = names
        self.annotations = annotations
    }
}

/// The documents of an image, decoded.
public struct ImageContent: Sendable {
    /// The image.
    public let image: StoredImage
    /// As it lies in the store.
    public let manifest: Manifest
    /// As it lies in the store; what we do not know of it is left out.
    public let configuration: ImageConfiguration
    /// Lowest first: the manifest's descriptors with the configuration's diff IDs.
    public let layers: [Layer]
}
