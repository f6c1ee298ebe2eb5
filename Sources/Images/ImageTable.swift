internal import OCI

/// One row of `images`: an image under one of its names.
public struct ImageRow: Sendable, Hashable {
    /// `<none>` for an image without a name.
    public let repository: String
    /// `<none>` for a name that is a digest.
    public let tag: String
    /// `<none>` unless the name is a digest.
    public let digest: String
    /// The image itself.
    public let image: StoredImage

    /// The rows of a list of images, in its order, one for each name.
    public static func rows(_ images: [ListedImage]) -> [ImageRow] {
        images.flatMap { listed -> [ImageRow] in
            guard !listed.names.isEmpty else {
                return [ImageRow(repository: "<none>", tag: "<none>", digest: "<none>", image: listed.image)]
            }
            return listed.names.map { name in
                ImageRow(
                    repository: name.familiarRepository,
                    tag: name.tag ?? "<none>",
                    digest: name.digest?.description ?? "<none>",
                    image: listed.image
                )
            }
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
                    fullIDs ? row.image.id.description : row.image.id.short,
                    HumanReadable.age(secondsSinceEpoch: row.image.created?.secondsSinceEpoch, now: now),
                    HumanReadable.size(row.image.size),
                ]
            )
        }
        return table
    }
}
