import ContentStore
import FileSystem
import Glibc
import OCI
import SystemPackage
import Tar
import TestSupport
import Testing

@testable import Layers

@Suite("After a power loss")
struct PowerLossTests {
    /// Marks the index of a layer as written during another boot.
    private func age(_ layer: Layer, in fixture: StoreFixture) throws {
        let path = fixture.layers.store[.layers].appending(layer.diffID.hex)
        var bytes = try FileOperations.read(path)
        bytes.replaceSubrange(64..<80, with: [UInt8](repeating: 7, count: 16))
        let sum = bytes.withUnsafeBytes { LayerIndex.checksum($0) }
        withUnsafeBytes(of: sum.littleEndian) { bytes.replaceSubrange(88..<96, with: $0) }
        try FileOperations.writeAtomically(bytes, to: path, temporary: fixture.directory)
    }

    @Test("a whole layer is verified once and then trusted; a torn one is a miss, and making it again heals it")
    func verified() throws {
        try StoreFixture.with { fixture in
            let layer = try fixture.layer(file("f"))
            try age(layer, in: fixture)
            #expect(LayerStore(fixture.layers.store).isAvailable(layer))
            let path = fixture.layers.store[.layers].appending(layer.diffID.hex)
            #expect(LayerIndex.bootID(path: path) == .durable)
            try age(layer, in: fixture)
            try damage(fixture.layers.store.blobs.path(layer.diffID))
            let later = LayerStore(fixture.layers.store)
            #expect(!later.isAvailable(layer))
            #expect(throws: LayerError.self) { try later.index(of: layer) }
            // The step runs again and writes the same bytes under the same name.
            #expect(try fixture.layer(file("f")) == layer)
            #expect(fixture.layers.store.blobs.verify(layer.diffID))
            #expect(LayerStore(fixture.layers.store).isAvailable(layer))
        }
    }

    @Test("and without one, a blob that was written to after its index is a miss")
    func touched() throws {
        try StoreFixture.with { fixture in
            let layer = try fixture.layer(file("f"))
            #expect(LayerStore(fixture.layers.store).isAvailable(layer))
            let blob = fixture.layers.store.blobs.path(layer.diffID)
            usleep(20_000)
            try #require(link(blob.string, fixture.directory.appending("export").string) == 0)
            #expect(LayerStore(fixture.layers.store).isAvailable(layer))
            usleep(20_000)
            try damage(blob)
            #expect(!LayerStore(fixture.layers.store).isAvailable(layer))
            #expect(throws: LayerError.self) { try LayerStore(fixture.layers.store).index(of: layer) }
        }
    }

    /// Flips one byte without changing the size.
    private func damage(_ path: FilePath) throws {
        let descriptor = try FileOperations.open(path, O_RDWR)
        defer { close(descriptor) }
        var byte: UInt8 = 0
        #expect(pread(descriptor, &byte, 1, 512) == 1)
        byte ^= 0xFF
        #expect(pwrite(descriptor, &byte, 1, 512) == 1)
    }
}
