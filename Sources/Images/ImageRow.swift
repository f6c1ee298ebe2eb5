public import OCI

/// One row of `images`: an image or an index under one of its names.
public struct ImageRow: Sendable, Hashable {
    /// `<none>` for an image without a name.
    public let repository: String
    /// `<none>` for a name that is a digest.
    public let tag: String
    /// `<none>` unless the name is a digest, or digests are shown and a registry has the image under one.
    public let digest: String
    /// The ID of an image, or the digest of an index.
    public let id: Digest
    public let created: Timestamp?
    public let size: Int64

    private init(
        _ name: ImageReference?,
        _ id: Digest,
        _ created: Timestamp?,
        _ size: Int64,
        digest: Digest? = nil
    ) {
        repository = name?.familiarRepository ?? "<none>"
        tag = name?.tag ?? "<none>"
        self.digest = (digest ?? name?.digest)?.description ?? "<none>"
        self.id = id
        self.created = created
        self.size = size
    }

    /// The rows of indexes and images, in their order, one for each name.
    ///
    /// - Parameter showingDigests: Whether a name with a tag has a row for each digest that its registry has it under.
    public static func rows(_ images: [ListedImage], _ indexes: [ListedIndex] = [], showingDigests: Bool = false)
        -> [ImageRow]
    {
        indexes.flatMap { listed in
            let index = listed.index
            return listed.names.map { ImageRow($0, index.descriptor.digest, index.created, index.size) }
        }
            + images.flatMap { rows(of: $0, showingDigests: showingDigests) }
    }

    /// As Docker chooses them: a digest has a row of its own only where no tag of its repository is left.
    private static func rows(of listed: ListedImage, showingDigests: Bool) -> [ImageRow] {
        let image = listed.image
        let digests = Dictionary(grouping: listed.registryDigests, by: \.familiarRepository)
        func row(_ name: ImageReference?, _ digest: Digest? = nil) -> ImageRow {
            ImageRow(name, image.id, image.created, image.size, digest: digest)
        }
        let tagged = listed.names.filter { $0.digest == nil }
        var rows = tagged.flatMap { name in
            let known = showingDigests ? digests[name.familiarRepository] ?? [] : []
            return known.isEmpty ? [row(name)] : known.map { row(name, $0.digest) }
        }
        let repositories = Set(tagged.map(\.familiarRepository))
        for (repository, known) in digests.sorted(by: { $0.key < $1.key }) where !repositories.contains(repository) {
            rows += (showingDigests ? known[...] : known.suffix(1)).map { row($0) }
        }
        return rows.isEmpty ? [row(nil)] : rows
    }
}
