public import Images
internal import Layers
public import OCI

/// Which layers several images have, as `docker system df -v` tells them apart.
public struct LayerSharing {
    private var shared: [Digest: Int64] = [:]

    /// - Throws: `SystemError`.
    public init(_ images: ImageStore) throws {
        var layers: [Digest: Set<Layer>] = [:]
        for listed in try images.list() {
            // What is not readable shares nothing.
            layers[listed.image.id] = Set((try? images.layers(of: listed.image)) ?? [])
        }
        let users = Dictionary(layers.values.joined().map { ($0.diffID, 1) }) { $0 + $1 }
        for (id, layers) in layers {
            shared[id] = layers.filter { users[$0.diffID] ?? 0 > 1 }
                .reduce(0) { $0 + ((try? images.layers.index(of: $1).fileBytes) ?? 0) }
        }
        for index in try images.indexes().map(\.index) {
            shared[index.descriptor.digest] = index.images.reduce(0) { $0 + (shared[$1.id] ?? 0) }
        }
    }

    /// Bytes of an image's files that are in layers of other images, too; of an index, of all its images.
    public func sharedBytes(of id: Digest) -> Int64 { shared[id] ?? 0 }
}
