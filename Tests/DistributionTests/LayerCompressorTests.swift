import ContentStore
import FileSystem
import Glibc
import OCI
import SystemPackage
import Tar
import TestSupport
import Testing

@testable import Distribution
@testable import Layers

@Suite("Compressing")
struct LayerCompressorTests {
    private static let block = GzipBlocks.blockSize

    /// Bytes that can be made smaller, and that a decompressor cannot mix up.
    private static let pattern: [UInt8] = {
        var random = SeededRandom(1)
        return (0..<1 << 17).flatMap { _ in withUnsafeBytes(of: random.next() & 0x0F3F_010F_7F0F_030F) { Array($0) } }
    }()

    private func content(_ count: Int) -> [UInt8] {
        var content: [UInt8] = []
        while content.count < count { content += Self.pattern.prefix(count - content.count) }
        return content
    }

    private final class Bytes: ByteSink {
        var bytes: [UInt8] = []
        func write(_ bytes: UnsafeRawBufferPointer) { self.bytes += bytes }
    }

    private func gzip(_ path: FilePath, level: Int, threads: Int) throws -> [UInt8] {
        let file = try OwnedDescriptor(regularFile: path)
        let sink = Bytes()
        try GzipBlocks(level: level, threads: threads).compress(file.rawValue, path: path, to: sink)
        return sink.bytes
    }

    @Test(
        "with gzip gives the same bytes whatever the number of threads, and any reader the content",
        arguments: [0, 1, block - 1, block, block + 1, 3 * block + 7, 14 * block],
        [1, 6, 9]
    )
    func gzip(count: Int, level: Int) throws {
        try StoreFixture.with { fixture in
            let path = try fixture.write("f", content(count))
            let whole = try gzip(path, level: level, threads: 1)
            let isSame = try [2, 5].map { try gzip(path, level: level, threads: $0) == whole }
            #expect(isSame == [true, true])
            let compressed = try fixture.write("f.gz", whole)
            let result = try shell("gzip -t \(compressed) && gzip -dc \(compressed) | cmp - \(path)")
            #expect(result.status == 0, "\(result.output)")
        }
    }

    @Test("with gzip makes what cannot be made smaller hardly larger, and all else smaller")
    func dense() throws {
        var random = SeededRandom(2)
        let noise = (0..<2 * Self.block / 8).flatMap { _ in withUnsafeBytes(of: random.next()) { Array($0) } }
        let text = [UInt8](repeating: 7, count: Self.block * 3 / 4)
        try StoreFixture.with { fixture in
            let dense = try gzip(try fixture.write("dense", noise), level: 6, threads: 2)
            #expect(dense.count > noise.count && dense.count < noise.count + 200)
            // The first part of a block says nothing about the rest.
            let mixed = try fixture.write("mixed", noise.prefix(Self.block / 4) + text)
            let compressed = try gzip(mixed, level: 6, threads: 2)
            #expect(compressed.count < Self.block / 3)
            let path = try fixture.write("mixed.gz", dense + compressed)
            let result = try shell(
                "gzip -dc \(path) | cmp - \(try fixture.write("both", noise + noise.prefix(Self.block / 4) + text))"
            )
            #expect(result.status == 0, "\(result.output)")
        }
    }

    @Test("shows a blob while it is written", arguments: [LayerCompression.gzip(level: 1), .zstd(level: 1)])
    func growing(compression: LayerCompression) async throws {
        let scratch = try ScratchDirectory()
        defer { withExtendedLifetime(scratch) {} }
        let fixture = try StoreFixture(scratch.path)
        let compressor = LayerCompressor(fixture.layers, compression)
        let layer = try layer(fixture)
        let growing = GrowingFile()
        async let seen = whole(growing)
        let blob = try await compressor.compressed(layer, in: .oci, to: growing)
        let bytes = try await seen
        #expect(SHA256Hasher.digest(of: bytes) == blob.digest)
        // Nothing is written for what is there.
        let unused = GrowingFile()
        #expect(try await compressor.compressed(layer, in: .oci, to: unused) == blob)
        await #expect(throws: GrowingFile.Abandoned.self) { try await unused.hasBytes(at: 0) }
    }

    private func whole(_ file: GrowingFile) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 1, count: 1000)
        while try await file.hasBytes(at: Int64(bytes.count)) {
            let count = try buffer.withUnsafeMutableBytes { try file.read($0, at: Int64(bytes.count)) }
            bytes += buffer[..<count]
        }
        return bytes
    }

    /// A layer of several blocks of a compressor.
    private func layer(_ fixture: StoreFixture) throws -> Layer {
        try fixture.layers.layer([(file("a"), content(5 << 18)), (file("b"), [])])
    }

    @Test(
        "makes a blob that is the layer again, once for each way",
        arguments: [
            (LayerCompression.gzip(level: 1), MediaType.layerGzip), (.gzip(level: 6), .layerGzip),
            (.zstd(level: 1), .layerZstd), (.zstd(level: 3), .layerZstd),
        ]
    )
    func blobs(compression: LayerCompression, type: MediaType) async throws {
        let scratch = try ScratchDirectory()
        defer { withExtendedLifetime(scratch) {} }
        let fixture = try StoreFixture(scratch.path)
        let layer = try layer(fixture)
        let compressor = LayerCompressor(fixture.layers, compression)
        #expect(compressor.known(layer, in: .oci) == nil)
        let blob = try await compressor.compressed(layer, in: .oci)
        #expect(blob.mediaType == type && fixture.store.blobs.size(blob.digest) == blob.size)
        #expect(blob.size < layer.blob.size)
        try LayerStore(fixture.store).verify(Layer(diffID: layer.diffID, blob: blob))
        #expect(compressor.known(layer, in: .oci) == blob)
        #expect(compressor.known(layer, in: .docker)?.mediaType == type.form(in: .docker))
        #expect(LayerCompressor(fixture.layers, .gzip(level: 7)).known(layer, in: .oci) == nil)
        // What came compressed stays as it came.
        let compressed = Layer(diffID: layer.diffID, blob: blob)
        #expect(LayerCompressor(fixture.layers, .gzip(level: 7)).known(compressed, in: .oci) == blob)
        // Without the blob, or a record of it, the same one is made again.
        try FileOperations.remove(fixture.store.blobs.path(blob.digest))
        #expect(try await compressor.compressed(layer, in: .oci) == blob)
        let record = fixture.store[.compressed].appending("\(layer.diffID.hex)-\(compression.name)")
        for text in [
            "", "swiftbuild-compressed 1\n\(blob.digest.hex)\n0\n", "swiftbuild-compressed 2\n\(blob.digest.hex)\n1\n",
        ] {
            try FileOperations.writeAtomically(Array(text.utf8), to: record, temporary: fixture.directory)
            #expect(compressor.known(layer, in: .oci) == nil, "\(text)")
        }
        #expect(try await compressor.compressed(layer, in: .docker).digest == blob.digest)
        #expect(fixture.store.blobs.verify(blob.digest))
    }

    @Test("in no way leaves the layer as it is")
    func uncompressed() async throws {
        let scratch = try ScratchDirectory()
        defer { withExtendedLifetime(scratch) {} }
        let fixture = try StoreFixture(scratch.path)
        let layer = try layer(fixture)
        let compressor = LayerCompressor(fixture.layers, .uncompressed)
        #expect(try await compressor.compressed(layer, in: .oci) == layer.blob)
        #expect(compressor.known(layer, in: .docker)?.mediaType == .dockerLayer)
    }
}
