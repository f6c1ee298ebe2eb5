import BuildRecords
import ContentStore
import Distribution
import Images
import Layers
import OCI

/// Which lines of a Dockerfile made the layers of an image, as long as its build is remembered.
struct DockerfilePlaces: Sendable {
    let record: BuildRecord?
    /// By position, lowest first.
    private let lines: [Int?]

    /// The latest build that gave the image, if there is one.
    init(of opened: OpenedImage) {
        let records = BuildRecordStore(opened.images.store).records
        record = records.first { $0.image == opened.image.id }
        lines = record?.lines(ofLayers: opened.content.layers.map(\.diffID)) ?? []
    }

    /// Where the instruction stands that made a layer.
    ///
    /// - Parameter layer: Its position, from the lowest one.
    subscript(layer: Int) -> (dockerfile: String, line: Int)? {
        guard let record, lines.indices.contains(layer), let line = lines[layer] else { return nil }
        return (record.dockerfile, line)
    }
}
