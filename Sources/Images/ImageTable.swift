public import OCI

/// One row of `images`: an image or an index under one of its names.
public struct ImageRow: Sendable, Hashable {
    /// `<none>` for an image without a name.
    public let repository: String
    /// `<none>` for a name that is a digest.
    public let tag: String
    /// `<none>` unless the name is a digest.
    public let digest: String
    /// The ID of an image, or the digest of an index.
    public let id: Digest
    public let created: Timestamp?
    public let size: Int64

    private init(_ name: ImageReference?, _ id: Digest, _ created: Timestamp?, _ size: Int64) {
        repository = name?.familiarRepository ?? "<none>"
        tag = name?.tag ?? "<none>"
        digest = name?.digest?.description ?? "<none>"
        self.id = id
        self.created = created
        self.size = size
    }

    /// The rows of indexes and images, in their order, one for each name.
    public static func rows(_ images: [ListedImage], _ indexes: [ListedIndex] = []) -> [ImageRow] {
        indexes.flatMap { listed in
            let index = listed.index
            return listed.names.map { ImageRow($0, index.descriptor.digest, index.created, index.size) }
        }
            + images.flatMap { listed in
                let (image, names) = (listed.image, listed.names.isEmpty ? [nil] : listed.names.map(Optional.some))
                return names.map { ImageRow($0, image.id, image.created, image.size) }
            }
    }

    /// The table that `docker images` prints.
    ///
    /// - Parameter now: Seconds since 1970.
    public static func table(_ rows: [ImageRow], now: Int64, showingDigests: Bool = false, fullIDs: Bool = false)
        -> TextTable
    {
        var table = TextTable(
            ["REPOSITORY", "TAG"] + (showingDigests ? ["DIGEST"] : []) + ["IMAGE ID", "CREATED", "SIZE"]
        )
        for row in rows {
            table.append(
                [row.repository, row.tag] + (showingDigests ? [row.digest] : []) + [
                    fullIDs ? row.id.description : row.id.short,
                    HumanReadable.age(secondsSinceEpoch: row.created?.secondsSinceEpoch, now: now),
                    HumanReadable.size(row.size),
                ]
            )
        }
        return table
    }
}
