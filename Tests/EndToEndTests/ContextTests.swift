internal import Foundation
internal import SystemPackage
internal import Testing

@Suite("The context of a build")
struct ContextTests {
    private static let members: [TarEntry] = [
        .file("Dockerfile", "FROM scratch\nCOPY . /x/\n"), .directory("d", mode: 0o750),
        .file("d/f", "content", mode: 0o640),
        .symbolicLink("l", to: "d/f"), .file("ignored", "no"), .file(".dockerignore", "ignored\n"),
    ]
    private static let listing = [
        "d755 0:0 /x", "-644 0:0 /x/.dockerignore", "-644 0:0 /x/Dockerfile", "d750 0:0 /x/d", "-640 0:0 /x/d/f",
        "l /x/l -> d/f",
    ]

    /// Builds with the binary and reads the image.
    private func build(_ f: BuildFixture, _ arguments: [String], input: [UInt8]? = nil) async throws -> BuiltImage {
        let identifier = f.scratch.appending("id-\(UUID().uuidString)")
        let result = try await f.start(
            ["build", "--iidfile", identifier.string, "-t", "x"] + arguments,
            input: input
        ).wait()
        try #require(result.status == 0, "\(result)")
        return try BuiltImage(
            id: String(decoding: readFile(identifier), as: UTF8.self),
            store: f.store,
            transcript: result.errors
        )
    }

    private func compressed(_ bytes: [UInt8], by tool: String, _ f: BuildFixture) async throws -> [UInt8] {
        let path = f.scratch.appending("plain-\(UUID().uuidString)")
        try Data(bytes).write(to: URL(fileURLWithPath: path.string))
        let result = try await Machine.run([tool, "-c", path.string], in: f.scratch)
        try #require(result.status == 0, "\(result)")
        return result.output
    }

    private static let compressors = ["gzip", "bzip2", "xz", "zstd"]

    @Test(
        "an archive on standard input is a context, compressed or not",
        .enabled(if: compressors.allSatisfy(Machine.has), "needs \(compressors.joined(separator: ", "))"),
        arguments: [""] + compressors
    )
    func archive(tool: String) async throws {
        try await BuildFixture.with { f in
            let plain = TarArchive.write(Self.members)
            let bytes = tool.isEmpty ? plain : try await compressed(plain, by: tool, f)
            let image = try await build(f, ["-"], input: bytes)
            #expect(image.listing() == Self.listing)
        }
    }

    @Test("an archive gives the same image as the directory it was made of")
    func reproducible() async throws {
        try await BuildFixture.with { f in
            try f.write("Dockerfile", "FROM scratch\nCOPY . /x/\n")
            try f.write("a/b/file", "content", mode: 0o755)
            try f.write("a/setuid", "content", mode: 0o4755)
            try f.link("a/link", to: "../elsewhere")
            let tar = try await Machine.run(["tar", "-C", f.context.string, "-c", "."], in: f.scratch)
            try #require(tar.status == 0)
            let direct = try await build(f, ["."])
            let piped = try await build(f, ["-"], input: tar.output)
            #expect(piped.layers == direct.layers && piped.id == direct.id)
            #expect(piped.transcript.contains("Using cache"), "\(piped.transcript)")
        }
    }

    @Test("-f names a Dockerfile in the archive, with an ignore file of its own")
    func file() async throws {
        try await BuildFixture.with { f in
            let members =
                Self.members + [
                    .file("sub/Other", "FROM scratch\nCOPY . /y/\n"), .file("sub/Other.dockerignore", "*\n!d\n"),
                ]
            let image = try await build(f, ["-f", "sub/Other", "-"], input: TarArchive.write(members))
            #expect(image.listing() == ["d755 0:0 /y", "d750 0:0 /y/d", "-640 0:0 /y/d/f"])
        }
    }

    @Test("a missing Dockerfile falls back to dockerfile, and is an error if that is missing too")
    func fallback() async throws {
        try await BuildFixture.with { f in
            let lower = [TarEntry.file("dockerfile", "FROM scratch\nCOPY a /\n"), .file("a", "x")]
            #expect(try await build(f, ["-"], input: TarArchive.write(lower)).listing() == ["-644 0:0 /a"])
            let none = try await f.start(["-"], input: TarArchive.write([.file("a", "x")])).wait()
            #expect(none.status == 1 && none.errors.contains("there is no `Dockerfile`"), "\(none)")
            let named = try await f.start(["-f", "no", "-"], input: TarArchive.write(lower)).wait()
            #expect(named.status == 1 && named.errors.contains("there is no `no`"), "\(named)")
        }
    }

    @Test("a Dockerfile on standard input has no context, and none that -f names beside it")
    func dockerfileOnly() async throws {
        try await BuildFixture.with { f in
            let text = Array("FROM scratch\nLABEL a=b\n".utf8)
            #expect(try await build(f, ["-"], input: text).config["Labels"]["a"].text == "b")
            #expect(try await build(f, ["-f", "-", "-"], input: text).config["Labels"]["a"].text == "b")
            let two = try await f.start(["-f", "x", "-"], input: text).wait()
            #expect(two.status == 2 && two.errors.contains("provide a Dockerfile"), "\(two)")
            let copy = try await f.start(["-"], input: Array("FROM scratch\nCOPY a /\n".utf8)).wait()
            #expect(copy.status == 1 && copy.errors.contains("there is none"), "\(copy)")
        }
    }

    @Test("standard input with a directory is the Dockerfile")
    func dockerfileWithDirectory() async throws {
        try await BuildFixture.with { f in
            try f.write("a", "x")
            let image = try await build(f, ["-f", "-", "."], input: Array("FROM scratch\nCOPY a /\n".utf8))
            #expect(image.listing() == ["-644 0:0 /a"])
        }
    }

    @Test(
        "what is neither is an error",
        arguments: [[0, 1, 2], [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2], [0x28, 0xB5, 0x2F, 0xFD, 9]] as [[UInt8]]
    )
    func garbage(bytes: [UInt8]) async throws {
        try await BuildFixture.with { f in
            let result = try await f.start(["-"], input: bytes).wait()
            #expect(result.status == 1 && result.errors.contains("standard input"), "\(result)")
        }
    }

    @Test("an archive that ends in the middle is an error")
    func truncated() async throws {
        try await BuildFixture.with { f in
            let big = TarArchive.write([
                .file("Dockerfile", "FROM scratch\n"), .file("a", String(repeating: "x", count: 9000)),
            ])
            let result = try await f.start(["-"], input: Array(big.prefix(4000))).wait()
            #expect(result.status == 1 && result.errors.contains("archive"), "\(result)")
        }
    }

    @Test("hostile archives stay inside", arguments: AddTests.hostileArchives.indices)
    func hostile(index: Int) async throws {
        let (name, members) = AddTests.hostileArchives[index]
        try await BuildFixture.with { f in
            let marker = "swiftbuild-\(UUID().uuidString)"
            let renamed = members.map { entry in
                var entry = entry
                entry.name = entry.name.replacingOccurrences(of: "OUT", with: marker)
                return entry
            }
            let passwd = try readFile("/etc/passwd")
            let result = try await f.start(
                ["-"],
                input: TarArchive.write([.file("Dockerfile", "FROM scratch\nCOPY . /x/\n")] + renamed)
            ).wait()
            #expect(result.status == 0 || result.status == 1, "\(name): \(result)")
            #expect(!fileExists(FilePath("/tmp").appending(marker)), "\(name)")
            #expect(try readFile("/etc/passwd") == passwd)
        }
    }

    @Test("a Dockerfile or an ignore file that is a link leads nowhere outside")
    func links() async throws {
        try await BuildFixture.with { f in
            let secret = f.scratch.appending("secret")
            try Data("FROM scratch\nLABEL stolen=yes\n".utf8).write(to: URL(fileURLWithPath: secret.string))
            let members = [TarEntry.symbolicLink("Dockerfile", to: secret.string), .file("a", "x")]
            let result = try await f.start(["-"], input: TarArchive.write(members)).wait()
            #expect(result.status == 1 && result.errors.contains("there is no `Dockerfile`"), "\(result)")
            let inside = [
                TarEntry.symbolicLink("Dockerfile", to: "/real"), .file("real", "FROM scratch\nCOPY a /\n"),
                .file("a", "x"),
            ]
            #expect(try await build(f, ["-"], input: TarArchive.write(inside)).listing() == ["-644 0:0 /a"])
        }
    }

    @Test("of two members of one name the last one counts, in any order of directories")
    func duplicates() async throws {
        try await BuildFixture.with { f in
            let members = [
                TarEntry.file("d/f", "first"), .directory("d", mode: 0o700),
                .file("Dockerfile", "FROM scratch\nCOPY d /d\n"),
                .file("d/f", "second"), .file("x/y/z", "x"), .file("d/g", "third"), .hardLink("d/h", to: "d/g"),
            ]
            let image = try await build(f, ["-"], input: TarArchive.write(members))
            #expect(try image.text("/d/f") == "second" && image.text("/d/h") == "third")
        }
    }

    // MARK: - From elsewhere

    @Test(
        "contexts from the web: an archive, and a Dockerfile alone",
        .enabled(if: WebServer.isAvailable, "\(WebServer.needs)")
    )
    func web() async throws {
        try await BuildFixture.with { f in
            try await WebServer.with(f) { server in
                try server.write("context.tar", bytes: TarArchive.write(Self.members))
                try server.write(
                    "context.tgz",
                    bytes: try await compressed(TarArchive.write(Self.members), by: "gzip", f)
                )
                try server.write("Dockerfile", "FROM scratch\nLABEL a=b\n")
                try f.write("a", "x")
                try server.write("Copy", "FROM scratch\nCOPY a /\n")
                let first = try await build(f, ["\(server.address)/context.tar"])
                #expect(first.listing() == Self.listing)
                #expect(try await build(f, ["\(server.address)/context.tgz"]).layers == first.layers)
                #expect(try await build(f, ["\(server.address)/Dockerfile"]).config["Labels"]["a"].text == "b")
                #expect(try await build(f, ["-f", "\(server.address)/Copy", "."]).listing() == ["-644 0:0 /a"])
                let missing = try await f.swiftbuild("\(server.address)/nothing")
                #expect(missing.status == 1 && missing.errors.contains("404"), "\(missing)")
            }
        }
    }

    @Test(
        "contexts from Git, with reference and directory",
        .enabled(if: GitFixture.isAvailable, "\(GitFixture.needs)")
    )
    func git() async throws {
        try await BuildFixture.with { f in
            let work = try await GitFixture(f.scratch.appending("work"))
            try await work.commit([
                "Dockerfile": "FROM scratch\nCOPY . /", "a": "one", "sub/Dockerfile": "FROM scratch\nCOPY b /",
                "sub/b": "x",
            ])
            try await work.run("tag", "v1")
            try await work.commit(["a": "two"])
            let address = "file://\(work.path.string)"
            let image = try await build(f, [address])
            #expect(
                image.listing() == [
                    "-644 0:0 /Dockerfile", "-644 0:0 /a", "d755 0:0 /sub", "-644 0:0 /sub/Dockerfile",
                    "-644 0:0 /sub/b",
                ]
            )
            #expect(image.tree["/a"]?.modified == 1_600_000_000)
            #expect(try await build(f, [address]).id == image.id)
            #expect(try await build(f, [address + "#v1"]).text("/a") == "one")
            #expect(try await build(f, [address + "#main:sub"]).listing() == ["-644 0:0 /b"])
            #expect(
                try await build(
                    f,
                    [
                        "-f", "sub/Dockerfile", "--build-arg", "BUILDKIT_CONTEXT_KEEP_GIT_DIR=1", "-f", "Dockerfile",
                        address,
                    ]
                ).tree["/.git/HEAD"] != nil
            )
            let missing = try await f.swiftbuild(address + "#nothing")
            #expect(missing.status == 1 && missing.errors.contains("no branch, tag or commit `nothing`"), "\(missing)")
            let directory = try await f.swiftbuild(address + "#:nothing")
            #expect(directory.errors.contains("has no directory `nothing`"), "\(directory)")
        }
    }

    @Test(
        "named contexts from an archive on the web, from Git and from a layout",
        .enabled(if: WebServer.isAvailable, "\(WebServer.needs)"),
        .enabled(if: GitFixture.isAvailable, "\(GitFixture.needs)")
    )
    func named() async throws {
        try await BuildFixture.with { f in
            try await WebServer.with(f) { server in
                try server.write("context.tar", bytes: TarArchive.write(Self.members))
                let work = try await GitFixture(f.scratch.appending("work"))
                try await work.commit(["a": "from git"])
                let text = "FROM scratch\nCOPY --from=other . /"
                let web = try await f.build(text, "--build-context", "other=\(server.address)/context.tar")
                #expect(web.tree["/d/f"] != nil && web.tree["/ignored"] == nil)
                let git = try await f.build(text, "--build-context", "other=file://\(work.path.string)")
                #expect(try git.text("/a") == "from git")

                try f.write("tool", "in an image")
                let layout = f.scratch.appending("layout").string
                let made = try await f.build("FROM scratch\nCOPY tool /", "-o", "type=oci,tar=false,dest=\(layout)")
                for value in ["\(layout)", "\(layout):latest"] {
                    let image = try await f.build(text, "--build-context", "other=oci-layout://\(value)")
                    #expect(try image.text("/tool") == "in an image")
                    let based = try await f.build(
                        "FROM other\nLABEL a=b",
                        "--build-context",
                        "other=oci-layout://\(value)"
                    )
                    #expect(based.layers == made.layers)
                }
                let errors = try await f.buildFailing(text, "--build-context", "other=oci-layout://\(layout):none")
                #expect(errors.contains("has no such image"), "\(errors)")
                // What the Dockerfile does not use is not fetched.
                _ = try await f.build("FROM scratch\nLABEL a=b", "--build-context", "x=http://127.0.0.1:1/a.tar")
                let unreachable = try await f.buildFailing(text, "--build-context", "other=http://127.0.0.1:1/a.tar")
                #expect(unreachable.contains("cannot reach"), "\(unreachable)")
            }
        }
    }

    @Test("malformed --build-context values are usage errors", arguments: ["x", "=y", "x=", "X Y=.", "x=target:y"])
    func malformedNamed(value: String) async throws {
        try await BuildFixture.with { f in
            let result = try await f.swiftbuild("--build-context", value, "-f", try f.dockerfile("FROM scratch"), ".")
            #expect(result.status == 2 && result.errors.contains("--build-context"), "\(result)")
        }
    }

    // MARK: - context ls

    @Test("context ls prints what a build would see")
    func list() async throws {
        try await BuildFixture.with { f in
            try f.write(".dockerignore", "no\n*.log\n!keep.log\n")
            for (path, text) in ["a/b": "12345", "no/x": "x", "y.log": "x", "keep.log": "123"] {
                try f.write(path, text)
            }
            try f.link("link", to: "a/b")
            let result = try await f.succeed("context", "ls", ".")
            #expect(
                result.line.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) } == [
                    "19  .dockerignore", "-  a/", "5  a/b", "3  keep.log", "-  link -> a/b",
                ]
            )
            #expect(result.errors.contains("3 files, 27B"), "\(result.errors)")
            let json = try JSONDecoder().decode(
                JSON.self,
                from: Data(try await f.succeed("context", "ls", "--format", "json").output)
            )
            #expect(json.elements.map { $0["path"].text ?? "" } == [".dockerignore", "a", "a/b", "keep.log", "link"])
            // Those are what COPY takes.
            let image = try await f.build("FROM scratch\nCOPY . /")
            #expect(image.tree.keys.sorted() == ["/.dockerignore", "/a", "/a/b", "/keep.log", "/link"])
        }
    }

    @Test(
        "context ls --why names the line that decides",
        arguments: [
            (
                "no/deep/x",
                "`no/deep/x` is excluded by .dockerignore:2: `no`, which matches its parent `no` (no such file exists)"
            ),
            ("y.log", "`y.log` is excluded by .dockerignore:3: `*.log`"),
            ("./keep.log", "`keep.log` is included by .dockerignore:4: `!keep.log`"),
            ("a", "`a` is included: no line of an ignore file matches it"),
        ]
    )
    func why(path: String, sentence: String) async throws {
        try await BuildFixture.with { f in
            try f.write(".dockerignore", "# a comment\nno\n*.log\n!keep.log\n")
            for path in ["a", "y.log", "keep.log"] { try f.write(path) }
            #expect(try await f.succeed("context", "ls", "--why", path).line == sentence)
            try f.write("Other.dockerignore", "a\n")
            let own = try await f.succeed("context", "ls", "-f", "Other", "--why", "a")
            #expect(own.line == "`a` is excluded by Other.dockerignore:1: `a`")
        }
    }
}
