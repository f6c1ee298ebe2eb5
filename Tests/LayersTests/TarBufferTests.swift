import ContentStore
import FileSystem
import Glibc
import OCI
import SystemPackage
import Tar
import TestSupport
import Testing

@testable import Layers

/// One block of a ustar header, read by offsets (IEEE 1003.1, "ustar Interchange Format").
private struct Header {
    let bytes: [UInt8]

    func text(_ offset: Int, _ length: Int) -> String {
        String(decoding: bytes[offset..<offset + length].prefix { $0 != 0 }, as: UTF8.self)
    }

    func number(_ offset: Int, _ length: Int) -> Int64? { Int64(text(offset, length), radix: 8) }

    var name: String { text(345, 155).isEmpty ? text(0, 100) : text(345, 155) + "/" + text(0, 100) }
    var type: String { text(156, 1) }
    /// The checksum is taken with blanks in its own place.
    var isSealed: Bool {
        let sum = bytes.enumerated().reduce(0) { $0 + ((148..<156).contains($1.offset) ? 32 : Int($1.element)) }
        return number(148, 7) == Int64(sum) && text(257, 6) == "ustar" && text(263, 2) == "00"
    }
}

@Suite("A tar header")
struct TarBufferTests {
    private func blocks(_ entry: LayerEntry) -> [[UInt8]] {
        let buffer = TarBuffer(capacity: 1)
        buffer.appendHeader(of: entry)
        let bytes = Array(buffer.bytes)
        return stride(from: 0, to: bytes.count, by: 512).map { Array(bytes[$0..<min($0 + 512, bytes.count)]) }
    }

    @Test("has every field where ustar has it")
    func fields() throws {
        var entry = file("dir/file", 0o4755, size: 0o12345)
        (entry.userID, entry.groupID, entry.modified) = (1000, 100, 1_700_000_000)
        let blocks = blocks(entry)
        let header = Header(bytes: try #require(blocks.first))
        #expect(blocks.count == 1 && header.isSealed && header.bytes.count == 512)
        #expect(header.name == "dir/file" && header.type == "0")
        #expect(header.number(100, 8) == 0o4755 && header.number(108, 8) == 1000 && header.number(116, 8) == 100)
        #expect(header.number(124, 12) == 0o12345 && header.number(136, 12) == 1_700_000_000)
        // No names of users, and nothing behind the prefix.
        #expect(header.text(265, 32).isEmpty && header.text(297, 32).isEmpty && header.text(500, 12).isEmpty)
    }

    @Test("has a type for each kind, and a whiteout is an empty file by its name (layer.md)")
    func kinds() throws {
        var device = LayerEntry(path: PathInRoot("d/null"), kind: .characterDevice, permissions: 0o666)
        (device.deviceMajor, device.deviceMinor) = (1, 300)
        var block = device
        block.kind = .blockDevice
        var opaque = directory("d")
        opaque.isOpaque = true
        for (entry, names, types) in [
            (file("f"), ["f"], ["0"]), (hardLink("h", to: "d/f"), ["h"], ["1"]),
            (symbolicLink("s", to: "../t"), ["s"], ["2"]), (device, ["d/null"], ["3"]), (block, ["d/null"], ["4"]),
            (directory("d"), ["d/"], ["5"]), (.directory(.root), ["./"], ["5"]),
            (LayerEntry(path: PathInRoot("p"), kind: .fifo, permissions: 0), ["p"], ["6"]),
            (whiteout("d/gone"), ["d/.wh.gone"], ["0"]), (whiteout("gone"), [".wh.gone"], ["0"]),
            (opaque, ["d/", "d/.wh..wh..opq"], ["5", "0"]),
        ] as [(LayerEntry, [String], [String])] {
            let headers = blocks(entry).map { Header(bytes: $0) }
            #expect(headers.map(\.name) == names && headers.map(\.type) == types, "\(entry.path)")
            #expect(headers.allSatisfy { $0.isSealed && $0.number(124, 12) == 0 }, "\(entry.path)")
        }
        let header = Header(bytes: try #require(blocks(device).first))
        #expect(header.number(329, 8) == 1 && header.number(337, 8) == 300)
        #expect(Header(bytes: try #require(blocks(symbolicLink("s", to: "../t")).first)).text(157, 100) == "../t")
    }

    /// A path of as many bytes, with a slash at each of the places.
    private static func path(_ count: Int, slashes: Int...) -> String {
        String((0..<count).map { slashes.contains($0) ? "/" : "n" })
    }

    static let names: [(path: String, fits: Bool)] = [
        (path(100), true), (path(101), false), (path(101, slashes: 1), true), (path(256, slashes: 155), true),
        (path(257, slashes: 155), false), (path(256, slashes: 154), false), (path(256, slashes: 156), false),
        (path(200, slashes: 50), false), (path(200, slashes: 50, 120), true), (path(255, slashes: 155), true),
        ("ä", false),
        ("d/" + path(99), true),
    ]

    @Test("splits a name at a slash where it is too long, and has a record where that does not help", arguments: names)
    func splitting(path: String, fits: Bool) throws {
        let headers = blocks(file(path)).map { Header(bytes: $0) }
        #expect((headers.count == 1) == fits)
        if fits { #expect(headers[0].name == path) } else { #expect(headers[0].type == "x") }
    }

    static let records: [(change: @Sendable (inout LayerEntry) -> Void, records: [String])] = [
        ({ $0.modified = -1 }, ["12 mtime=-1"]), ({ $0.modified = 1 << 33 }, ["20 mtime=8589934592"]),
        ({ $0.modified = (1 << 33) - 1 }, []), ({ $0.userID = 1 << 21 }, ["15 uid=2097152"]),
        ({ $0.userID = (1 << 21) - 1 }, []), ({ $0.groupID = .max }, ["18 gid=4294967295"]),
        ({ $0.size = 1 << 33 }, ["19 size=8589934592"]),
        (
            {
                $0.linkTarget = Array("ü".utf8); $0.kind = .symbolicLink
            }, ["15 linkpath=ü"]
        ),
        (
            {
                $0.linkTarget = Array(repeating: 0x6C, count: 101); $0.kind = .symbolicLink
            },
            ["115 linkpath=" + String(repeating: "l", count: 101)]
        ),
        (
            {
                $0.linkTarget = Array(repeating: 0x6C, count: 100); $0.kind = .symbolicLink
            }, []
        ),
        (
            {
                $0.extendedAttributes = [
                    .init(name: "user.a", value: Array("b\n".utf8)), .init(name: "user.c", value: []),
                ]
            },
            ["26 SCHILY.xattr.user.a=b\n", "24 SCHILY.xattr.user.c="]
        ),
        // Those of a hard link are its target's.
        (
            {
                $0.extendedAttributes = [.init(name: "user.a", value: [1])]; $0.kind = .hardLink; $0.linkTarget = [0x61]
            }, []
        ),
        // The length of a record counts itself, also where that takes one digit more.
        (
            { $0.extendedAttributes = [.init(name: "a", value: Array(repeating: 0x62, count: 80))] },
            ["99 SCHILY.xattr.a=" + String(repeating: "b", count: 80)]
        ),
        (
            { $0.extendedAttributes = [.init(name: "a", value: Array(repeating: 0x62, count: 81))] },
            ["101 SCHILY.xattr.a=" + String(repeating: "b", count: 81)]
        ),
    ]

    @Test("has a record for each value that does not fit, and for nothing else", arguments: records.indices)
    func record(index: Int) throws {
        var entry = file("f")
        Self.records[index].change(&entry)
        let expected = Self.records[index].records.map { $0 + "\n" }.joined()
        let blocks = blocks(entry)
        guard !expected.isEmpty else {
            #expect(blocks.count == 1)
            return
        }
        let extended = Header(bytes: blocks[0])
        #expect(extended.type == "x" && extended.isSealed && extended.name == "PaxHeaders.0/f")
        #expect(extended.number(124, 12) == Int64(expected.utf8.count))
        let content = blocks[1..<blocks.count - 1].joined()
        #expect(String(decoding: content, as: UTF8.self).prefix { $0 != "\0" } == expected)
        #expect(Header(bytes: blocks[blocks.count - 1]).isSealed)
    }

    @Test("is followed by content that is filled up to whole blocks")
    func padding() {
        for (size, expected) in [(0, 0), (1, 512), (511, 512), (512, 512), (513, 1024)] {
            let buffer = TarBuffer(capacity: 512)
            [UInt8](repeating: 7, count: size).withUnsafeBytes { buffer.append($0) }
            buffer.appendPadding(after: Int64(size))
            #expect(buffer.count == expected && buffer.bytes.dropFirst(size).allSatisfy { $0 == 0 })
        }
    }

    @Test("lies in a buffer that grows and keeps what it has")
    func growing() {
        let buffer = TarBuffer(capacity: 0)
        var expected: [UInt8] = []
        for size in [1, 511, 1, 5000, 0, 100_000] {
            let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ size) }
            bytes.withUnsafeBytes { buffer.append($0) }
            expected += bytes
            #expect(buffer.bytes.elementsEqual(expected))
        }
        buffer.removeAll()
        #expect(buffer.count == 0 && buffer.space >= expected.count)
    }

    /// Entries of every kind with the values that are hard to write.
    static let hard: [LayerEntry] = {
        var entries = [
            directory("d", 0o1777), symbolicLink("l", to: String(repeating: "../", count: 60)), whiteout("w"),
            LayerEntry(path: PathInRoot("p"), kind: .fifo, permissions: 0o600, modified: 1 << 40),
            LayerEntry(
                path: PathInRoot(Array("d/".utf8) + [0xFF, 0xFE]),
                kind: .regular,
                permissions: 0o7777,
                userID: .max - 1,
                groupID: 1 << 21,
                modified: -62_135_596_800
            ),
        ]
        for length in [99, 100, 101, 155, 156, 200, 255] {
            entries.append(file("d/" + String(repeating: "n", count: length)))
            entries.append(file("d/" + String(repeating: "d/", count: 70) + String(repeating: "n", count: length)))
        }
        var attributes = file("x")
        attributes.extendedAttributes = [
            ExtendedAttribute(name: "user.a", value: (0...255).map { UInt8($0) }),
            ExtendedAttribute(name: "user.empty", value: []),
        ]
        var opaque = directory("o", 0o700)
        opaque.isOpaque = true
        return entries + [attributes, opaque]
    }()

    @Test("is read by libarchive as what was written, whatever that is")
    func roundTrip() throws {
        try StoreFixture.with { fixture in
            let layer = try fixture.layer(Self.hard.map { ($0, $0.kind == .regular ? "content of \($0.path)" : "") })
            let written = try fixture.layers.index(of: layer)
            try FileOperations.remove(fixture.store[.layers].appending(layer.diffID.hex))
            let read = try LayerStore(fixture.store).index(of: layer)
            #expect((0..<read.count).map { read[$0] } == (0..<written.count).map { written[$0] })
            for entry in Self.hard {
                let found = try #require(read.entry(at: entry.path), "\(entry.path)")
                #expect(found.kind == entry.kind && found.permissions == entry.permissions, "\(entry.path)")
                #expect(found.userID == entry.userID && found.groupID == entry.groupID, "\(entry.path)")
                #expect(found.modified == entry.modified && found.linkTarget == entry.linkTarget, "\(entry.path)")
                #expect(found.extendedAttributes == entry.extendedAttributes, "\(entry.path)")
                #expect(found.isOpaque == entry.isOpaque && !found.isImplied, "\(entry.path)")
            }
        }
    }

    @Test("and the content behind it lie in the same bytes whatever pieces they come in, holes included")
    func pieces() throws {
        try withScratch { scratch in
            let path = scratch.appending("sparse")
            let content =
                [UInt8](repeating: 1, count: 5000) + [UInt8](repeating: 0, count: 3 << 20) + [2, 3]
                + [UInt8](repeating: 0, count: 1 << 20)
            let descriptor = try FileOperations.open(path, O_RDWR | O_CREAT, 0o600)
            defer { close(descriptor) }
            var sparse = SparseWriter(descriptor: descriptor, path: path)
            try content.withUnsafeBytes { try sparse.write($0) }
            try sparse.finish()
            func tar(_ write: (TarWriter) throws -> Void) throws -> [UInt8] {
                let sink = CollectingSink()
                let writer = TarWriter(sink: sink)
                try writer.writeHeader(file("f", size: Int64(content.count)))
                try write(writer)
                try writer.finishContent()
                #expect(writer.position == Int64(512 + (content.count + 511) / 512 * 512))
                try writer.finish()
                return sink.bytes
            }
            let whole = try tar { writer in try content.withUnsafeBytes { try writer.write($0) } }
            let isContent = whole.dropFirst(512).prefix(content.count).elementsEqual(content)
            #expect(isContent)
            #expect(whole.count == 512 + (content.count + 511) / 512 * 512 + 1024)
            var hasher = SHA256Hasher()
            let copied = try tar { writer in
                try writer.copy(
                    descriptor: descriptor,
                    offset: 0,
                    size: Int64(content.count),
                    path: path,
                    onBytes: { hasher.update($0) }
                )
            }
            let isSame = copied == whole
            #expect(isSame && hasher.finish() == SHA256Hasher.digest(of: content))
            let pieces = try tar { writer in
                for start in stride(from: 0, to: content.count, by: 70_001) {
                    try content[start..<min(start + 70_001, content.count)].withUnsafeBytes { try writer.write($0) }
                }
            }
            let isWhole = pieces == whole
            #expect(isWhole)
            #expect(throws: LayerError.shortContent(path)) {
                try tar { try $0.copy(descriptor: descriptor, offset: 1, size: Int64(content.count), path: path) }
            }
        }
    }
}

private final class CollectingSink: ByteSink {
    var bytes: [UInt8] = []

    func write(_ bytes: UnsafeRawBufferPointer) { self.bytes += bytes }
}
