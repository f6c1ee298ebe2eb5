public import ContentStore
public import OCI

/// Which lines of a Dockerfile made the layers of an image, as long as its build is remembered.
public struct DockerfilePlaces: Sendable {
    public let record: BuildRecord?
    /// By position, lowest first.
    private let lines: [Int?]

    /// The latest build that gave the image, if there is one.
    ///
    /// - Parameter layers: Their diff IDs, lowest first.
    public init(ofImage id: Digest, layers: [Digest], in store: Store) {
        record = BuildRecordStore(store).records.first { $0.image == id }
        lines = record?.lines(ofLayers: layers) ?? []
    }

    /// Where the instruction stands that made a layer.
    ///
    /// - Parameter layer: Its position, from the lowest one.
    public subscript(layer: Int) -> (dockerfile: String, line: Int)? {
        guard let record, lines.indices.contains(layer), let line = lines[layer] else { return nil }
        return (record.dockerfile, line)
    }
}
