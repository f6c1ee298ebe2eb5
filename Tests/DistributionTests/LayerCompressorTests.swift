import ContentStore
import FileSystem
import Glibc
import OCI
import SystemPackage
import TestSupport
import Testing

@testable import Distribution
@testable import Layers

@Suite("Compressing")
struct LayerCompressorTests {
    private static let block = ParallelGzip.blockSize

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

    private func gzip(_ content: [UInt8], level: Int, blocksAtOnce: Int) -> [UInt8] {
        var gzip = ParallelGzip(level: level)
        var result = ParallelGzip.header
        let step = blocksAtOnce * Self.block
        for start in stride(from: 0, to: max(content.count, 1), by: step) {
            let isLast = start + step >= content.count
            content[start..<min(start + step, content.count)].withUnsafeBytes { part in
                result += gzip.compress(part, isLast: isLast).joined()
            }
        }
        return result + gzip.trailer
    }

    @Test(
        "with gzip gives the same bytes however many blocks come at once, and any reader the content",
        arguments: [0, 1, block - 1, block, block + 1, 3 * block + 7, 4 * block],
        [1, 6]
    )
    func gzip(count: Int, level: Int) throws {
        let content = content(count)
        let whole = gzip(content, level: level, blocksAtOnce: 64)
        let isSame = [1, 3].map { gzip(content, level: level, blocksAtOnce: $0) == whole }
        #expect(isSame == [true, true])
        try StoreFixture.with { fixture in
            let path = try fixture.write("f.gz", whole)
            let result = try shell("gzip -t \(path) && gzip -dc \(path) | cmp - \(try fixture.write("f", content))")
            #expect(result.status == 0, "\(result.output)")
        }
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
