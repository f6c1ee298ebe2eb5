public import OCI

/// One image for several platforms: an index of images of the store, all of which are there.
public struct StoredIndex: Sendable, Hashable {
    /// The index blob.
    public let descriptor: Descriptor
    /// What the blob says.
    public let document: ImageIndex
    /// The images that the document lists, in its order.
    public let images: [StoredImage]

    init(descriptor: Descriptor, document: ImageIndex, images: [StoredImage]) {
        self.descriptor = descriptor
        self.document = document
        self.images = images
    }

    /// The image that serves a platform best.
    public func image(for platform: Platform) -> StoredImage? {
        platform.best(among: document.manifests.map(\.platform)).map { images[$0] }
    }

    /// When its newest image was made.
    public var created: Timestamp? {
        images.compactMap(\.created).max { ($0.secondsSinceEpoch ?? .min) < ($1.secondsSinceEpoch ?? .min) }
    }

    /// The bytes of the files of all its images.
    public var size: Int64 { images.reduce(0) { $0.addingReportingOverflow($1.size).partialValue } }
}

/// An index with all its names.
public struct ListedIndex: Sendable, Hashable {
    public let index: StoredIndex
    /// Sorted, never empty: an index without a name is none.
    public let names: [ImageReference]
}

/// What a name leads to: an image by its ID, or an index by its digest.
struct NamedContent {
    let id: Digest
    /// The manifest or the index.
    let document: Descriptor
    /// Whether other tools find everything of it in the store.
    var isComplete = true
}

extension StoredImage {
    var named: NamedContent { NamedContent(id: id, document: manifest, isComplete: isComplete) }
}
