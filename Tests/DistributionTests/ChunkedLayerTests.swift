import ContentStore
import FileSystem
import Foundation
import OCI
import SystemPackage
import Tar
import TestSupport
import Testing

@testable import Distribution
@testable import Layers

/// Layers with a table of contents; a reader of its own compares everything in them with the tar.
@Suite("Layers whose files are compressed one by one")
struct ChunkedLayerTests {
    private static let forms: [LayerCompression] = [.estargz(level: 6), .zstdChunked(level: 3), .zstdChunked(level: 1)]
    private static let reader = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("EndToEndTests/Servers/read-chunked").path

    private static let large: [UInt8] = {
        var random = SeededRandom(4)
        return (0..<(10 << 17)).flatMap { _ in withUnsafeBytes(of: random.next() & 0x0F3F_010F_7F0F_030F) { Array($0) }
        }
    }()

    /// Everything that a layer can have.
    private static var entries: [(LayerEntry, [UInt8])] {
        var attributes = file("attributes", 0o4755)
        attributes.extendedAttributes = [ExtendedAttribute(name: "user.note", value: Array("a \"b\"\n\\".utf8))]
        attributes.userID = 3_000_000
        attributes.modified = 1_700_000_001
        var device = file("null")
        (device.kind, device.deviceMajor, device.deviceMinor) = (.characterDevice, 1, 3)
        var block = device
        (block.path, block.kind) = (PathInRoot("sda"), .blockDevice)
        var pipe = file("pipe")
        pipe.kind = .fifo
        let long = String(repeating: "d", count: 120) + "/" + String(repeating: "é", count: 100)
        return [
            (directory("dir", 0o1777), []), (attributes, Array("text".utf8)), (file("big"), large), (file("empty"), []),
            (device, []), (block, []), (pipe, []), (symbolicLink("link", to: "../\(long)"), []),
            (whiteout("dir/gone"), []),
            (hardLink("z", to: "big"), []), (file(long), Array("long".utf8)),
            (file("zeros"), .init(repeating: 0, count: 9999)),
        ]
    }

    /// Runs a test with a store.
    private func with(_ body: (StoreFixture) async throws -> Void) async throws {
        let scratch = try ScratchDirectory()
        defer { withExtendedLifetime(scratch) {} }
        try await body(try StoreFixture(scratch.path))
    }

    /// The diff ID and the number of files with content that the other reader finds.
    private func read(_ blob: Descriptor, _ compression: LayerCompression, _ fixture: StoreFixture) throws -> String {
        let annotations = (blob.annotations ?? [:]).map { "\($0.key)=\($0.value)" }
        let form = compression.changesLayers ? "estargz" : "zstd"
        let result = try run([Self.reader, form, fixture.store.blobs.path(blob.digest).string] + annotations)
        try #require(result.status == 0, "\(result.output)")
        return result.output.split(separator: "\n").joined()
    }

    @Test(
        "have a table by which all of them is found, and any reader their tar",
        .needs(.program("python3"), .program("zstd")),
        arguments: forms
    )
    func whole(_ compression: LayerCompression) async throws {
        try await with { fixture in
            let layer = try fixture.layers.layer(Self.entries)
            let compressor = LayerCompressor(fixture.layers, compression)
            let blob = try await compressor.compressed(layer, in: .oci)
            #expect(blob.mediaType == (compression.changesLayers ? .layerGzip : .layerZstd))
            let diffID = try compressor.diffID(of: layer, sentAs: blob)
            #expect((diffID != layer.diffID) == compression.changesLayers)
            #expect(try read(blob, compression, fixture) == "\(diffID) \(compression.changesLayers ? 5 : 4)")
            let sent = Layer(diffID: diffID, blob: blob)
            try LayerStore(fixture.store).verify(sent)
            // Nothing is lost, and there is nothing but the table and the landmark beside it.
            let (before, after) = (try fixture.layers.index(of: layer), try fixture.layers.index(of: sent))
            let names = (0..<after.count).map { "\(after[$0].path)" }
            let others = compression.changesLayers ? ["/.no.prefetch.landmark", "/stargz.index.json"] : []
            #expect(names == ((0..<before.count).map { "\(before[$0].path)" } + others).sorted())
            // What is known of it is known again.
            #expect(LayerCompressor(LayerStore(fixture.store), compression).known(layer, in: .oci) == blob)
            #expect(try await compressor.compressed(layer, in: .oci) == blob)
        }
    }

    @Test(
        "may be empty",
        .needs(.program("python3"), .program("zstd")),
        arguments: forms
    )
    func empty(_ compression: LayerCompression) async throws {
        try await with { fixture in
            let layer = try fixture.layers.layer([])
            let compressor = LayerCompressor(fixture.layers, compression)
            let blob = try await compressor.compressed(layer, in: .oci)
            let diffID = try compressor.diffID(of: layer, sentAs: blob)
            #expect(try read(blob, compression, fixture) == "\(diffID) \(compression.changesLayers ? 1 : 0)")
        }
    }

    private final class Bytes: ByteSink {
        var bytes: [UInt8] = []
        func write(_ bytes: UnsafeRawBufferPointer) { self.bytes += bytes }
    }

    @Test("are the same bytes whatever the number of threads", arguments: [1, 3, 7])
    func threads(count: Int) throws {
        try StoreFixture.with { fixture in
            let many = (0..<3000).map { (file("f\($0)"), Array("content of \($0)".utf8)) }
            let layer = try fixture.layers.layer(Self.entries + many)
            let contents = try fixture.layers.contents(of: layer)
            let members = try TarMembers.read(contents.descriptor, path: "layer")
            func write(_ form: ChunkedForm, _ threads: Int) throws -> [UInt8] {
                let sink = Bytes()
                let writer = ChunkedWriter(
                    form: form,
                    descriptor: contents.descriptor,
                    path: "layer",
                    members: members,
                    digests: [:],
                    earlier: EarlierFrames([], in: fixture.store.blobs),
                    threads: threads
                )
                if case .estargz = form {
                    _ = try EStargz.write(writer, to: sink)
                } else {
                    _ = try ZstdChunked.write(writer, size: layer.blob.size, to: sink)
                }
                return sink.bytes
            }
            for form in [ChunkedForm.estargz(level: 1), .zstd(level: 1)] {
                let isSame = try write(form, count) == write(form, 2)
                #expect(isSame, "\(form)")
            }
            withExtendedLifetime(contents) {}
        }
    }

    /// Takes the second of two layers, of which one file differs, after the first one.
    private func second(_ compression: LayerCompression, damages: Bool, isAlone: Bool) async throws -> Descriptor {
        var result: Descriptor?
        try await with { fixture in
            let compressor = LayerCompressor(fixture.layers, compression)
            let files = (0..<50).map { (file("f\($0)"), Array("content \($0)".utf8) + Self.large.prefix(20_000)) }
            if !isAlone {
                let blob = try await compressor.compressed(fixture.layers.layer(files + Self.entries), in: .oci)
                if damages {
                    let path = fixture.store.blobs.path(blob.digest)
                    var bytes = try FileOperations.read(path)
                    for position in stride(from: 2000, to: bytes.count, by: 1000) { bytes[position] ^= 1 }
                    try FileOperations.writeAtomically(bytes, to: path, temporary: fixture.directory)
                }
            }
            let changed = try fixture.layers.layer(files.dropFirst() + Self.entries + [(file("f0"), Array("new".utf8))])
            let blob = try await compressor.compressed(changed, in: .oci)
            #expect(fixture.store.blobs.verify(blob.digest))
            result = blob
        }
        return try #require(result)
    }

    @Test("become what they become without an earlier one to copy from, damaged or not", arguments: forms)
    func reuse(_ compression: LayerCompression) async throws {
        let alone = try await second(compression, damages: false, isAlone: true)
        #expect(try await second(compression, damages: false, isAlone: false) == alone)
        #expect(try await second(compression, damages: true, isAlone: false) == alone)
    }

    @Test("copy chunks of an earlier one that this store has compressed", arguments: [ChunkedForm.zstd(level: 3)])
    func copies(form: ChunkedForm) async throws {
        try await with { fixture in
            let compression = LayerCompression.zstdChunked(level: 3)
            let layer = try fixture.layers.layer(Self.entries)
            _ = try await LayerCompressor(fixture.layers, compression).compressed(layer, in: .oci)
            let tables = FrameTable.newest(in: fixture.store, compression.name, form)
            let table = try #require(tables.first)
            #expect(tables.count == 1 && table.frames.count == 6)
            let earlier = EarlierFrames(tables, in: fixture.store.blobs)
            let frame = try #require(table.frames.first { $0.count == 4 })
            let found = try #require(earlier.frame(SHA256Hasher.digest(of: "text"), count: 4))
            #expect(found.frame.offset == frame.offset && Int64(found.bytes.count) == frame.length)
            #expect(earlier.frame(SHA256Hasher.digest(of: "text"), count: 5) == nil)
            // Those of another version of a compressor would be other bytes, and so would damaged ones.
            let path = FrameTable.path(fixture.store[.compressed].appending("\(layer.diffID.hex)-\(compression.name)"))
            #expect(FrameTable(path, .zstd(level: 4)) == nil)
            var bytes = try FileOperations.read(path)
            bytes[100] ^= 1
            try FileOperations.writeAtomically(bytes, to: path, temporary: fixture.directory)
            #expect(FrameTable.newest(in: fixture.store, compression.name, form).isEmpty)
            #expect(FileStatus.ifPresent(path) == nil)
        }
    }

    @Test("are compressed as a whole where a table cannot say what they have", .needs(.program("tar")))
    func undescribable() async throws {
        try await with { fixture in
            try #require(succeeds("cd \(fixture.directory) && printf x > \"$(printf 'a\\377')\" && tar -cf t a*"))
            let layer = try fixture.layer(tar: FileOperations.read(fixture.path("t")))
            for compression in Self.forms {
                let compressor = LayerCompressor(fixture.layers, compression)
                let blob = try await compressor.compressed(layer, in: .oci)
                #expect(blob.annotations == nil)
                #expect(try compressor.diffID(of: layer, sentAs: blob) == layer.diffID)
                try LayerStore(fixture.store).verify(Layer(diffID: layer.diffID, blob: blob))
            }
        }
    }

    @Test(
        "of other programs are read as Go does",
        .needs(.program("tar"), .program("python3"), .program("zstd")),
        arguments: ["gnu", "pax", "ustar"],
        forms
    )
    func otherTars(format: String, compression: LayerCompression) async throws {
        try await with { fixture in
            let command = """
                cd \(fixture.directory) && mkdir -p x/sub && printf one >x/sub/one && ln x/sub/one x/two && ln -s one x/link \
                && mkfifo x/pipe && printf 2 >x/\(String(repeating: "n", count: 99)) && touch -d @7.5 x/two \
                && tar --format=\(format) -cf t ./x
                """
            try #require(succeeds(command))
            let layer = try fixture.layer(tar: FileOperations.read(fixture.path("t")))
            let compressor = LayerCompressor(fixture.layers, compression)
            let blob = try await compressor.compressed(layer, in: .oci)
            let diffID = try compressor.diffID(of: layer, sentAs: blob)
            #expect(try read(blob, compression, fixture) == "\(diffID) \(compression.changesLayers ? 3 : 2)")
        }
    }

    @Test("of eStargz made anew have one table", .needs(.program("python3")))
    func again() async throws {
        try await with { fixture in
            let compression = LayerCompression.estargz(level: 6)
            let layer = try fixture.layers.layer(Self.entries)
            let compressor = LayerCompressor(fixture.layers, compression, isForced: true)
            let blob = try await compressor.compressed(layer, in: .oci)
            let sent = Layer(diffID: try compressor.diffID(of: layer, sentAs: blob), blob: blob)
            // It is in the form already.
            #expect(try await compressor.compressed(sent, in: .oci) == blob)
            #expect(try compressor.diffID(of: sent, sentAs: blob) == sent.diffID)
            // Without what says so it is not, and comes out the same.
            var plain = blob
            plain.annotations = nil
            let unknown = Layer(diffID: sent.diffID, blob: plain)
            #expect(try await compressor.compressed(unknown, in: .oci) == blob)
            #expect(try compressor.diffID(of: unknown, sentAs: blob) == sent.diffID)
        }
    }

    @Test("have checksums that can be joined", arguments: [0, 1, 7, 8, 4095, 70_001])
    func checksums(count: Int) {
        let bytes = Array(Self.large.prefix(70_001))
        // From Go's hash/crc64 with its table of ISO 3309.
        #expect(Array("123456789".utf8).withUnsafeBytes(CRC64.of) == 0xB909_56C7_75A4_1001)
        let (first, second) = (bytes[..<count], bytes[count...])
        let joined = CRC64.joined(
            Array(first).withUnsafeBytes(CRC64.of),
            Array(second).withUnsafeBytes(CRC64.of),
            count: Int64(second.count)
        )
        #expect(joined == bytes.withUnsafeBytes(CRC64.of))
    }
}
