internal import Foundation
internal import Glibc
internal import SystemPackage
internal import Testing

/// Copies of so much that they are written while they are read, by several threads, or put together from an earlier
/// layer.
@Suite("Large copies")
struct LargeCopyTests {
    private static let text = "FROM scratch\nCOPY tree /tree\n"

    /// A few hundred files of all sizes that matter: empty, around a tar block, around a part, and beyond one.
    private func writeTree(_ f: BuildFixture) throws {
        for number in 0..<300 {
            try f.write("tree/\(number % 7)/f\(number)", bytes: bytes(seed: number, count: number * 17 % 9000))
        }
        for (number, size) in [0, 511, 512, 513, 1 << 19, (1 << 19) + 1, 3 << 20].enumerated() {
            try f.write("tree/sizes/\(size)", bytes: bytes(seed: number, count: size))
        }
        try f.write("tree/3/hard", "one file")
        let hard = f.context.pushing("tree/3/hard").string
        try FileManager.default.linkItem(atPath: hard, toPath: f.context.pushing("tree/0/hard").string)
        try f.link("tree/link", to: "3/hard")
    }

    private func bytes(seed: Int, count: Int) -> [UInt8] {
        var state = UInt64(seed &+ 1)
        return (0..<count).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(truncatingIfNeeded: state >> 33)
        }
    }

    /// The same build in a store that knows nothing.
    private func fresh(_ f: BuildFixture, _ name: String) async throws -> BuiltImage {
        let store = f.scratch.appending(name)
        let id = try await f.succeed("-q", "-t", "x", "--root", store.string, "-f", try f.dockerfile(Self.text), ".")
            .line
        return try BuiltImage(id: id, store: store, transcript: "")
    }

    @Test("hold every byte, and are hits afterwards")
    func whole() async throws {
        try await BuildFixture.with { f in
            try writeTree(f)
            let image = try await f.build(Self.text)
            for size in [0, 511, 512, 513, 1 << 19, (1 << 19) + 1, 3 << 20] {
                let expected = try readFile(f.context.pushing(FilePath("tree/sizes/\(size)")))
                #expect(image.tree["/tree/sizes/\(size)"]?.content == expected, "\(size) bytes")
            }
            #expect(image.tree.count == 319)
            #expect(image.tree["/tree/3/hard"]?.kind == .hardLink)
            let again = try await f.build(Self.text)
            #expect(CacheTests.cached(again.transcript) == [2])
            #expect(again.id == image.id)
        }
    }

    @Test(
        "of which one file changed are what a build from nothing makes of them",
        arguments: ["content", "mode", "gone", "directory", "link", "times"]
    )
    func oneChanged(_ change: String) async throws {
        try await BuildFixture.with { f in
            try writeTree(f)
            let first = try await f.build(Self.text)
            switch change {
            case "content": try f.write("tree/4/f4", "another")
            case "mode": try f.write("tree/4/f4", bytes: bytes(seed: 4, count: 68), mode: 0o755)
            case "gone": try f.remove("tree/4/f4")
            case "directory": chmod(f.context.pushing("tree/4").string, 0o700)
            case "link":
                try f.remove("tree/link")
                try f.link("tree/link", to: "elsewhere")
            default:
                for number in 0..<300 where number % 3 > 0 {
                    let path = f.context.pushing(FilePath("tree/\(number % 7)/f\(number)")).string
                    try FileManager.default.setAttributes(
                        [.modificationDate: Date(timeIntervalSince1970: Double(1_000_000 + number))],
                        ofItemAtPath: path
                    )
                }
            }
            try f.write("tree/5/added", "added")
            let second = try await f.build(Self.text)
            #expect(CacheTests.cached(second.transcript) == [])
            #expect(second.layers != first.layers)
            #expect(try await fresh(f, "fresh-\(change)").layers == second.layers)
        }
    }

    @Test("whose earlier layer is damaged are read from the context")
    func damagedEarlier() async throws {
        try await BuildFixture.with { f in
            try writeTree(f)
            let first = try await f.build(Self.text)
            let digest = try #require(first.configuration["rootfs"]["diff_ids"].elements.first?.text)
            let layer = f.store.appending("blobs").appending("sha256").appending(String(digest.dropFirst(7)))
            var damaged = try readFile(layer)
            for place in stride(from: 1000, to: damaged.count, by: 4096) { damaged[place] ^= 0xFF }
            try await Task.sleep(nanoseconds: 20_000_000)
            try Data(damaged).write(to: URL(fileURLWithPath: layer.string))
            try f.write("tree/4/f4", "another")
            let second = try await f.build(Self.text)
            #expect(try await fresh(f, "fresh").layers == second.layers)
        }
    }

    @Test("of files with long paths hold them all, however long their headers become")
    func longHeaders() async throws {
        try await BuildFixture.with { f in
            let directory =
                "tree/" + (0..<14).map { "\($0)-" + String(repeating: "d", count: 200) }.joined(separator: "/")
            let root = "\(f.context)/\(directory)"
            try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
            func write(_ name: String, _ text: String) {
                #expect(FileManager.default.createFile(atPath: "\(root)/\(name)", contents: Data(text.utf8)))
            }
            for number in 0..<300 { write("\(number)", "content \(number)") }
            func contents() async throws -> [String] {
                let members = try await f.build(Self.text).layers.joined().filter { $0.kind == .file }
                return members.map { String(decoding: $0.content, as: UTF8.self) }
            }
            #expect(try await contents() == (0..<300).map(String.init).sorted().map { "content \($0)" })
            write("7", "another")
            #expect(try await contents().filter { $0 == "another" } == ["another"])
            #expect(try await fresh(f, "fresh").layers == f.build(Self.text).layers)
        }
    }

    @Test("with files in place of others, and files of several names, are hits the second time")
    func shadowed() async throws {
        try await BuildFixture.with { f in
            try f.write("one/x", "below")
            try f.write("two/x", "above")
            try f.write("two/y", "y")
            try FileManager.default.linkItem(
                atPath: f.context.pushing("two/y").string,
                toPath: f.context.pushing("two/z").string
            )
            let text = "FROM scratch\nCOPY one two /d/\n"
            let first = try await f.build(text)
            #expect(try first.text("/d/x") == "above")
            let again = try await f.build(text)
            #expect(CacheTests.cached(again.transcript) == [2])
            try f.write("one/x", "BELOW")
            #expect(CacheTests.cached(try await f.build(text).transcript) == [])
        }
    }

    @Test("of four builds at once are made once")
    func atOnce() async throws {
        try await BuildFixture.with { f in
            try writeTree(f)
            let file = try f.dockerfile(Self.text)
            let transcripts = try await withThrowingTaskGroup(of: String.self) { group in
                for _ in 0..<4 { group.addTask { try await f.succeed("-f", file, ".").errors } }
                var transcripts: [String] = []
                for try await transcript in group { transcripts.append(transcript) }
                return transcripts
            }
            #expect(transcripts.map { CacheTests.cached($0) }.sorted { $0.count < $1.count } == [[], [2], [2], [2]])
            try f.expectNothingLeft()
        }
    }

    @Test("of files that are written meanwhile are of one moment or refused, and nothing of it is remembered")
    func changing() async throws {
        try await BuildFixture.with { f in
            try f.write("tree/steady", "steady")
            try f.write("tree/changing", bytes: [UInt8](repeating: 0, count: 4 << 20))
            let path = f.context.pushing("tree/changing").string
            let writer = Task.detached {
                var round: UInt8 = 0
                while !Task.isCancelled {
                    round &+= 1
                    let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
                    try handle.write(contentsOf: [UInt8](repeating: round, count: 4 << 20))
                    try handle.close()
                }
            }
            let file = try f.dockerfile(Self.text)
            for _ in 0..<6 {
                let result = try await f.swiftbuild("-f", file, ".")
                #expect(result.status == 0 || result.errors.contains("changed while"), "\(result)")
            }
            writer.cancel()
            _ = await writer.result
            let image = try await f.build(Self.text)
            #expect(image.tree["/tree/changing"]?.content == (try readFile(FilePath(path))))
            #expect(try await fresh(f, "fresh").layers == image.layers)
            try f.expectNothingLeft()
        }
    }
}
