import BuildRecords
import ContentStore
import Images
import OCI

/// Which lines of a Dockerfile made the layers of an image, as long as its build is remembered.
struct DockerfilePlaces: Sendable {
    let record: BuildRecord?
    private let lines: [Digest: Int]

    /// The latest build that gave the image, if there is one.
    init(of opened: OpenedImage) {
        let records = BuildRecordStore(opened.images.store).records
        record = records.first { $0.image == opened.image.id }
        lines = record?.linesOfLayers ?? [:]
    }

    /// Where the instruction stands that made a layer.
    subscript(diffID: Digest) -> (dockerfile: String, line: Int)? {
        guard let record, let line = lines[diffID] else { return nil }
        return (record.dockerfile, line)
    }
}
