internal import Layers
public import OCI

/// One row of `history`: an instruction and what it added.
public struct HistoryRow: Sendable, Hashable, Encodable {
    /// The image's ID in the newest row; `nil`, shown as `<missing>`, in the others.
    public fileprivate(set) var id: Digest?
    /// When the instruction ran, as the image says.
    public let created: Timestamp?
    /// The instruction, in the words of the builder.
    public let createdBy: String
    /// The instruction as it would stand in a Dockerfile.
    public let instruction: String
    /// The diff ID of the layer that it made; `nil` for one that made none.
    public let layer: Digest?
    /// The bytes of the files in the instruction's layer; of one that nobody here has seen, its bytes as it is sent.
    public let size: Int64
    /// What the builder noted.
    public let comment: String
}

extension ImageStore {
    /// The instructions that made an image, newest first; layers that no instruction claims come last.
    ///
    /// - Throws: What `content(of:)` throws, or `LayerError`.
    public func history(of image: StoredImage) throws -> [HistoryRow] {
        let content = try content(of: image)
        var layers = content.layers[...]
        var rows: [HistoryRow] = []
        func append(_ entry: ImageConfiguration.HistoryEntry, _ layer: Layer?) throws {
            rows.append(
                HistoryRow(
                    id: nil,
                    created: entry.created,
                    createdBy: entry.createdBy ?? "",
                    instruction: entry.instruction,
                    layer: layer?.diffID,
                    size: try layer.map { try size(of: [$0], mayBePromised: !image.isComplete) } ?? 0,
                    comment: entry.comment ?? ""
                )
            )
        }
        for entry in content.configuration.history {
            try append(entry, entry.emptyLayer == true ? nil : layers.popFirst())
        }
        while let layer = layers.popFirst() { try append(.init(created: image.created, createdBy: nil), layer) }
        if !rows.isEmpty { rows[rows.count - 1].id = image.id }
        return rows.reversed()
    }
}
