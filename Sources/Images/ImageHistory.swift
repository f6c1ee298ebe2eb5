internal import Layers
public import OCI

/// One row of `history`: an instruction and what it added.
public struct HistoryRow: Sendable, Hashable {
    /// The image's ID in the newest row; `nil`, shown as `<missing>`, in the others.
    public let id: Digest?
    /// When the instruction ran, as the image says.
    public let created: Timestamp?
    /// The instruction, in the words of the builder.
    public let createdBy: String
    /// The bytes of the files in the instruction's layer.
    public let size: Int64
    /// What the builder noted.
    public let comment: String

    /// The table that `docker history` prints.
    ///
    /// - Parameter now: Seconds since 1970.
    public static func table(_ rows: [HistoryRow], now: Int64, truncated: Bool = true) -> TextTable {
        var table = TextTable(["IMAGE", "CREATED", "CREATED BY", "SIZE", "COMMENT"])
        for row in rows {
            let command = TextTable.escaped(row.createdBy)
            table.append([
                row.id.map { truncated ? $0.short : $0.description } ?? "<missing>",
                HumanReadable.age(secondsSinceEpoch: row.created?.secondsSinceEpoch, now: now),
                truncated && command.count > 45 ? command.prefix(44) + "…" : command,
                HumanReadable.size(row.size), row.comment,
            ])
        }
        return table
    }
}

extension ImageStore {
    /// The instructions that made an image, newest first; layers that no instruction claims come last.
    ///
    /// - Throws: What `content(of:)` throws, or `LayerError`.
    public func history(of image: StoredImage) throws -> [HistoryRow] {
        let content = try content(of: image)
        var sizes = try content.layers.map { try layers.index(of: $0).fileBytes }[...]
        var rows: [HistoryRow] = []
        for entry in content.configuration.history {
            let size = entry.emptyLayer == true ? 0 : sizes.popFirst() ?? 0
            rows.append(
                HistoryRow(
                    id: nil,
                    created: entry.created,
                    createdBy: entry.createdBy ?? "",
                    size: size,
                    comment: entry.comment ?? ""
                )
            )
        }
        while let size = sizes.popFirst() {
            rows.append(HistoryRow(id: nil, created: image.created, createdBy: "", size: size, comment: ""))
        }
        if let newest = rows.popLast() {
            rows.append(
                HistoryRow(
                    id: image.id,
                    created: newest.created,
                    createdBy: newest.createdBy,
                    size: newest.size,
                    comment: newest.comment
                )
            )
        }
        return rows.reversed()
    }
}
