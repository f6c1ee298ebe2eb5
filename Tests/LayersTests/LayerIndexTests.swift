import ContentStore
import FileSystem
import OCI
import SystemPackage
import Tar
import TestSupport
import Testing

@testable import Layers

@Suite("A layer's index")
struct LayerIndexTests {
    private func digest(_ text: String) -> Digest { SHA256Hasher.digest(of: text) }

    /// Values at both ends of what each field holds.
    private var entries: [LayerEntry] {
        [
            .directory(.root),
            LayerEntry(
                path: PathInRoot("a"),
                kind: .directory,
                permissions: 0o7777,
                userID: .max,
                groupID: .max,
                modified: .min,
                isOpaque: true
            ),
            LayerEntry(path: PathInRoot("a/b"), kind: .directory, permissions: 0, isImplied: true),
            LayerEntry(
                path: PathInRoot("a/b/f"),
                kind: .regular,
                permissions: 0o644,
                size: .max,
                modified: .max,
                extendedAttributes: [.init(name: "user.ü", value: [0, 255]), .init(name: "", value: [])],
                contentOffset: .max,
                contentDigest: digest("f")
            ),
            LayerEntry(path: PathInRoot([0xFF]), kind: .regular, permissions: 0, contentDigest: digest("elsewhere")),
            LayerEntry(
                path: PathInRoot("b"),
                kind: .characterDevice,
                permissions: 0o666,
                deviceMajor: .max,
                deviceMinor: .max
            ),
            LayerEntry(path: PathInRoot("c"), kind: .blockDevice, permissions: 0o600, deviceMajor: 7),
            LayerEntry(path: PathInRoot("d"), kind: .fifo, permissions: 0o600),
            hardLink("e", to: "of another layer"), symbolicLink("g", to: String(repeating: "x", count: 5000)),
            whiteout("h"),
        ]
    }

    private func list(_ index: LayerIndex) -> [LayerEntry] { (0..<index.count).map { index[$0] } }

    @Test("gives every entry back as it was, in memory and from its file")
    func roundTrip() throws {
        try StoreFixture.with { fixture in
            let index = LayerIndex(entries: entries.reversed(), diffID: digest("layer"), tarSize: 12_345)
            let expected = entries.sorted { $0.path < $1.path }
            #expect(list(index) == expected)
            let path = try fixture.write("index", index.withBytes { Array($0) })
            let read = try #require(LayerIndex(path: path))
            #expect(list(read) == expected)
            #expect(read.diffID == digest("layer") && read.tarSize == 12_345)
            #expect(read.fileBytes == index.fileBytes && read.bootID == .current)
            #expect(list(read.markedDurable()) == expected && read.markedDurable().bootID == .durable)
        }
    }

    @Test("finds what it has by its path, and nothing else")
    func lookUp() {
        let index = LayerIndex(entries: entries, diffID: digest(""), tarSize: 0)
        for (position, entry) in list(index).enumerated() {
            #expect(index.entry(at: entry.path) == entry && index.isPath(entry.path, at: position))
            #expect(index.position(of: entry.path) == (position, true))
        }
        for path in ["a/b/f/g", "a/b/", "A", "b/", "zz", "a/a", "a-"].map({ PathInRoot($0) })
        where !entries.contains(where: { $0.path == path }) {
            #expect(index.entry(at: path) == nil, "\(path)")
        }
    }

    @Test("lists parents that nothing describes, and of several entries with a path the last")
    func normalised() {
        var other = file("x/y/f", 0o600)
        other.size = 5
        let index = LayerIndex(entries: [file("x/y/f"), directory("z"), other], diffID: digest(""), tarSize: 0)
        #expect(list(index).map { "\($0.path)" } == ["/x", "/x/y", "/x/y/f", "/z"])
        #expect(list(index).map(\.isImplied) == [true, true, false, false])
        #expect(index.entry(at: PathInRoot("x/y/f"))?.permissions == 0o600 && index.fileBytes == 5)
    }

    @Test("says nothing where any byte of its file is wrong, or one is missing")
    func damaged() throws {
        try StoreFixture.with { fixture in
            let bytes = LayerIndex(entries: [file("a"), file("b")], diffID: digest(""), tarSize: 0).withBytes {
                Array($0)
            }
            for position in bytes.indices {
                var damaged = bytes
                damaged[position] ^= 0x10
                let path = try fixture.write("index", damaged)
                #expect(LayerIndex(path: path) == nil, "byte \(position)")
            }
            for count in stride(from: 0, to: bytes.count, by: 7) {
                let path = try fixture.write("index", Array(bytes[..<count]))
                #expect(LayerIndex(path: path) == nil, "\(count) bytes")
            }
            #expect(LayerIndex(path: fixture.path("none")) == nil)
        }
    }

    @Test("of hard links has what they lead to, through other links, and ends where these lead in a circle")
    func hardLinks() throws {
        try StoreFixture.with { fixture in
            let links = [
                hardLink("a", to: "b"), hardLink("b", to: "c"), hardLink("loop", to: "pool"),
                hardLink("pool", to: "loop"),
                hardLink("lost", to: "nothing"), hardLink("pipes", to: "pipe"),
                LayerEntry(path: PathInRoot("pipe"), kind: .fifo, permissions: 0o640),
            ]
            let layer = try fixture.layer(links.map { ($0, "") } + [(file("c", 0o4711), "content")])
            let index = try fixture.layers.index(of: layer)
            for name in ["a", "b"] {
                let entry = try #require(index.entry(at: PathInRoot(name)))
                #expect(entry.kind == .hardLink && entry.permissions == 0o4711 && entry.size == 7)
                #expect(entry.contentDigest == digest("content") && entry.contentOffset != nil)
            }
            for name in ["loop", "lost"] { #expect(index.entry(at: PathInRoot(name))?.contentDigest == nil) }
            let pipe = try #require(index.entry(at: PathInRoot("pipes")))
            #expect(pipe.kind == .fifo && pipe.permissions == 0o640)
            // Counted once.
            #expect(index.fileBytes == 7)
        }
    }

    @Test("of a layer that takes members of an earlier one is the one that it would have alone")
    func runs() throws {
        try StoreFixture.with { fixture in
            let names = (0..<40).map { "d/\($0)" }
            let earlier = try fixture.layer(names.map { (file($0), "content of \($0)") })
            let before = try fixture.layers.index(of: earlier)
            let more = (file("d/1-new"), "new")
            let alone = try fixture.layer(names.map { (file($0), "content of \($0)") } + [more])
            let expected = try fixture.layers.index(of: alone)
            // The same layer, its members as far as possible in the runs of the earlier one.
            let contents = try fixture.layers.contents(of: earlier)
            let tar = try FileOperations.read(descriptor: contents.descriptor, path: "tar")
            let writer = try fixture.layers.writer()
            let part = LayerPart(capacity: 0)
            var comparison = LayerComparison(with: before)
            var run: LayerSlice?
            func close() {
                guard let finished = run else { return }
                part.append(finished).copyBytes(
                    from: tar[Int(finished.bytes.lowerBound)..<Int(finished.bytes.upperBound)]
                )
                run = nil
            }
            for entry in list(expected) where entry.kind == .regular {
                if case .member(let member) = comparison.find(entry) {
                    if run?.append(member) != true {
                        close()
                        run = member
                    }
                } else {
                    close()
                    part.tar.appendHeader(of: entry)
                    var listed = entry
                    listed.contentOffset = Int64(part.tar.count)
                    Array(more.1.utf8).withUnsafeBytes { part.tar.append($0) }
                    part.tar.appendPadding(after: entry.size)
                    part.list(listed)
                }
            }
            close()
            #expect(part.members.count == 3)
            try writer.append(part)
            let layer = try writer.finish()
            #expect(layer == alone)
            #expect(try list(fixture.layers.index(of: layer)) == list(expected))
        }
    }
}
