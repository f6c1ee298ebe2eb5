internal import BuildRecords
internal import Images
internal import OCI

/// What `--metadata-file` tells of a finished build, with the members that `docker buildx build` writes, and in
/// one of ours what became of each step.
struct BuildMetadata: Encodable {
    private let image: ListedImage
    private let record: BuildRecord

    init(_ image: ListedImage, _ record: BuildRecord) {
        self.image = image
        self.record = record
    }

    private enum CodingKeys: String, CodingKey {
        case configuration = "containerimage.config.digest"
        case descriptor = "containerimage.descriptor"
        case digest = "containerimage.digest"
        case name = "image.name"
        case build = "swiftbuild.build"
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        var descriptor = image.image.manifest
        descriptor.platform = image.image.platform
        if !image.annotations.isEmpty { descriptor.annotations = image.annotations }
        try container.encode(image.image.id, forKey: .configuration)
        try container.encode(descriptor, forKey: .descriptor)
        try container.encode(descriptor.digest, forKey: .digest)
        try container.encode(record.document(), forKey: .build)
        // Without a name there is no such member.
        if !image.names.isEmpty {
            try container.encode(image.names.map(\.description).joined(separator: ","), forKey: .name)
        }
    }

    var json: [UInt8] { get throws { try CanonicalJSON.encodePretty(self) + [UInt8(ascii: "\n")] } }
}
