import ContentStore
import FileSystem
import Glibc
import Layers
import OCI
import SystemPackage
import Tar
import TestSupport
import Testing

@testable import Images

extension StoreFixture {
    var images: ImageStore { ImageStore(store, layers: layers) }

    func otherStore(_ name: String = "other") throws -> ImageStore { try StoreFixture(path(name)).images }

    func file(_ path: String, _ content: String, permissions: UInt16 = 0o644, owner: UInt32 = 0) -> (LayerEntry, String)
    {
        (
            LayerEntry(
                path: PathInRoot(path),
                kind: .regular,
                permissions: permissions,
                userID: owner,
                groupID: owner,
                modified: 1_700_000_000
            ), content
        )
    }

    /// An image of one layer with one file.
    func simple(_ content: String = "hello", created: Int64 = 1_700_000_000, names: [String] = []) throws -> StoredImage
    {
        try image([try layer([file("hello", content)])], created: created, names: names)
    }

    func image(_ layers: [Layer], created: Int64 = 1_700_000_000, names: [String] = []) throws -> StoredImage {
        var configuration = ImageConfiguration(platform: .host)
        configuration.created = Timestamp(secondsSinceEpoch: created)
        configuration.config.cmd = ["/hello"]
        configuration.rootfs = .init(diffIDs: layers.map(\.diffID))
        configuration.history = layers.map { _ in
            .init(created: configuration.created, createdBy: "COPY hello / # buildkit")
        }
        return try images.add(
            configuration: configuration,
            layers: layers,
            names: names.map { try ImageReference(parsing: $0) }
        )
    }
}

func name(_ text: String) throws -> ImageReference { try ImageReference(parsing: text) }

/// Checks that everything about an image agrees.
func validate(_ image: StoredImage, in store: ImageStore) throws {
    let content = try store.content(of: image)
    #expect(SHA256Hasher.digest(of: try store.store.blobs.read(image.id)) == image.id)
    #expect(store.store.blobs.size(image.manifest.digest) == image.manifest.size)
    #expect(content.manifest.config.digest == image.id)
    #expect(store.store.blobs.size(image.id) == content.manifest.config.size)
    #expect(content.layers.count == content.configuration.rootfs.diffIDs.count)
    for layer in content.layers {
        #expect(store.store.blobs.size(layer.blob.digest) == layer.blob.size)
        #expect(store.store.blobs.verify(layer.blob.digest))
        try store.layers.verify(layer)
    }
    #expect(content.configuration.platform == image.platform)
}
