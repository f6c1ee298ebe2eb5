internal import Testing

@Suite(".dockerignore")
struct IgnoreFileTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let lines: String
        let kept: [String]
        var testDescription: String { lines.split(separator: "\n").joined(separator: " | ") }
    }

    static let cases = [
        Case(lines: "a", kept: ["/b/a", "/b/c", "/d.txt", "/e/f/g.txt"]),
        Case(lines: "**/a", kept: ["/b/c", "/d.txt", "/e/f/g.txt"]),
        Case(lines: "*.txt", kept: ["/a", "/b/a", "/b/c", "/e/f/g.txt"]),
        Case(lines: "**/*.txt", kept: ["/a", "/b/a", "/b/c"]),
        Case(lines: "b", kept: ["/a", "/d.txt", "/e/f/g.txt"]),
        Case(lines: "/b/", kept: ["/a", "/d.txt", "/e/f/g.txt"]),
        Case(lines: "b\n!b/c", kept: ["/a", "/b/c", "/d.txt", "/e/f/g.txt"]),
        Case(lines: "!b/c\nb", kept: ["/a", "/d.txt", "/e/f/g.txt"]),
        Case(lines: "*\n!e/f/g.txt", kept: ["/e/f/g.txt"]),
        Case(lines: "**\n!**/*.txt", kept: ["/d.txt", "/e/f/g.txt"]),
        Case(lines: "  a  \n# b\n\n", kept: ["/b/a", "/b/c", "/d.txt", "/e/f/g.txt"]),
        Case(lines: "?\n[d-e]*", kept: []),
        Case(lines: "e/**/g.txt\nb/**", kept: ["/a", "/d.txt"]),
        Case(lines: "\u{FEFF}a", kept: ["/b/a", "/b/c", "/d.txt", "/e/f/g.txt"]),
    ]

    @Test("decides what COPY . takes", arguments: cases)
    func patterns(example: Case) async throws {
        try await BuildFixture.with { f in
            for path in ["a", "b/a", "b/c", "d.txt", "e/f/g.txt"] { try f.write(path, path) }
            try f.write(".dockerignore", example.lines + "\n.dockerignore\n")
            let image = try await f.build("FROM scratch\nCOPY . /")
            #expect(image.tree.values.filter { $0.kind == .file }.map(\.path).sorted() == example.kept)
        }
    }

    @Test("an excepted file brings its directories with their real modes")
    func parents() async throws {
        try await BuildFixture.with { f in
            try f.write("d/sub/keep", "k")
            try f.write("d/drop", "x")
            try f.makeDirectory("d", mode: 0o711)
            try f.makeDirectory("d/sub", mode: 0o700)
            try f.write(".dockerignore", "*\n!d/sub/keep\n")
            let image = try await f.build("FROM scratch\nCOPY . /x/")
            #expect(image.listing("/x/d") == ["d711 0:0 /x/d", "d700 0:0 /x/d/sub", "-644 0:0 /x/d/sub/keep"])
        }
    }

    @Test("NAME.dockerignore beside the Dockerfile beats the context's, and never applies to --from")
    func ownFile() async throws {
        try await BuildFixture.with { f in
            try f.write("a", "a")
            try f.write("b", "b")
            try f.write(".dockerignore", "a\n")
            try f.write(
                "Special",
                "FROM scratch AS one\nCOPY a /b\nFROM scratch\nCOPY --from=one /b /from\nCOPY . /x/\n"
            )
            try f.write("Special.dockerignore", "b\n.*\nSpecial*\n")
            let id = try await f.succeed("-q", "-t", "special", "-f", "Special", ".").line
            let image = try BuiltImage(id: id, store: f.store, transcript: "")
            #expect(image.tree.keys.sorted() == ["/from", "/x", "/x/a"])
        }
    }

    @Test("a COPY of an excluded file names the line that excludes it")
    func message() async throws {
        try await BuildFixture.with { f in
            try f.write("secret.txt", "s")
            try f.write(".dockerignore", "# comment\n\n*.txt\n")
            let message = try await f.buildFailing("FROM scratch\nCOPY secret.txt /x")
            #expect(message.contains("secret.txt"))
            #expect(message.contains(".dockerignore:3"))
        }
    }

    @Test("a malformed pattern is an error that names its line", arguments: ["!", "[a-"])
    func malformed(pattern: String) async throws {
        try await BuildFixture.with { f in
            try f.write(".dockerignore", "fine\n\(pattern)\n")
            let message = try await f.buildFailing("FROM scratch\nCOPY . /")
            #expect(message.contains(".dockerignore:2"), "\(message)")
        }
    }
}
