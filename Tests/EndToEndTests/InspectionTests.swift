internal import Foundation
internal import Glibc
internal import SystemPackage
internal import Testing

@Suite("Looking into images")
struct InspectionTests {
    /// Three layers, of which 130,000 bytes cannot be seen: `/big` and `/dir/old`.
    private static let wasteful = """
        FROM scratch
        COPY big /big
        COPY --chown=7:8 dir /dir/
        COPY small /big
        """

    private func buildWasteful(_ f: BuildFixture) async throws -> BuiltImage {
        try f.write("big", bytes: Array(repeating: 1, count: 130_000))
        try f.write("small", "small")
        try f.write("dir/file", "text", mode: 0o4711)
        try f.write("dir/sub/other", "other", mode: 0o600)
        try f.link("dir/link", to: "sub/other")
        try f.link("dir/absolute", to: "/dir/sub")
        try f.link("dir/outside", to: "../../../../../../etc/passwd")
        return try await f.build(Self.wasteful, "-t", "wasteful")
    }

    private func json(_ result: CommandResult) throws -> JSON {
        try JSONDecoder().decode(JSON.self, from: Data(result.output))
    }

    @Test("analyze tells what is wasted to the byte, by which instruction, and fails beyond a limit")
    func analyze() async throws {
        try await BuildFixture.with { f in
            let image = try await buildWasteful(f)
            let document = try json(try await f.succeed("analyze", "--format", "json", "wasteful"))
            #expect(document["image"].text == image.id)
            #expect(document["wastedBytes"].integer == 130_000)
            #expect(document["bytes"].integer == 130_000 + 4 + 5 + 5)
            #expect(document["layers"].elements.map { $0["wastedBytes"].integer } == [130_000, 0, 0])
            #expect(document["layers"][2]["instruction"].text == "COPY small /big")
            #expect(document["layers"].elements.map { $0["line"].integer } == [2, 3, 4])
            #expect(document["layers"][0]["dockerfile"].text?.hasPrefix(f.scratch.string) == true)
            #expect(document["layers"][2]["changes"].elements.map { $0["path"].text } == ["/big"])
            #expect(document["layers"][2]["changes"][0]["attributes"].strings == ["content"])
            #expect(document["wasted"][0]["path"].text == "/big")
            #expect(document["wasted"][0]["hiddenByLayer"].integer == 3)
            let text = try await f.succeed("analyze", "wasteful").outputText
            for expected in [
                "3 layers, 130kB, wasted 130kB, efficiency 0.0 %", "COPY --chown=7:8 dir /dir/",
                "~     5B big (content), hides 130kB", "wasted: 130kB hidden by layer 3", " 130kB /big of layer 1",
            ] {
                #expect(text.contains(expected), "\(expected) in \(text)")
            }
            for (limits, status) in [
                (["--max-wasted", "130kB", "--min-efficiency", "0"], 0), (["--max-wasted", "129.9KB"], 5),
                (["--max-wasted", "126KiB"], 5), (["--max-wasted", "127KiB"], 0), (["--min-efficiency", "0.5"], 5),
                (["--max-wasted", "lots"], 2), (["--min-efficiency", "1.5"], 2), (["--depth", "-1"], 2),
            ] as [([String], Int32)] {
                let result = try await f.start(["analyze"] + limits + ["wasteful"]).wait()
                #expect(result.status == status, "\(limits): \(result)")
                if status == 5 { #expect(result.errors.contains("error: `wasteful`: "), "\(result)") }
            }
        }
    }

    @Test("history shows instructions as they were written, and whole with --no-trunc")
    func history() async throws {
        try await BuildFixture.with { f in
            let long = String(repeating: "x", count: 100)
            let image = try await f.build("FROM scratch\nCOPY --chmod=600 . /\nENV A=\(long)", "-t", "h")
            let rows = try json(try await f.succeed("history", "--format", "json", "h")).elements
            #expect(rows.map { $0["instruction"].text } == ["ENV A=\(long)", "COPY --chmod=600 . /"])
            #expect(rows[0]["id"].text == image.id && rows[0]["layer"] == .null)
            #expect(rows[1]["layer"].text?.hasPrefix("sha256:") == true && rows[1]["size"].integer == 0)
            #expect(rows[1]["line"].integer == 2 && rows[1]["dockerfile"].text?.hasPrefix(f.scratch.string) == true)
            let table = try await f.succeed("history", "h").outputText
            #expect(!table.contains(long) && table.contains("…"))
            let whole = try await f.succeed("history", "--no-trunc", "h").outputText
            #expect(whole.contains(long) && whole.contains(image.id) && whole.contains("# buildkit"))
        }
    }

    @Test("two layers that are the same have each its own line", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
    func linesOfEqualLayers() async throws {
        try await BuildFixture.with(.all) { f in
            try await f.importBase()
            let text =
                "FROM base AS one\nRUN true\nRUN true # again\nFROM one\nENV A=1\nRUN true # three\nRUN true # four\n"
            _ = try await f.build(text, "-t", "h")
            let rows = try json(try await f.succeed("history", "--format", "json", "h")).elements
            #expect(rows.compactMap { $0["line"].integer } == [7, 6, 3, 2])
            let layers = try json(try await f.succeed("analyze", "--format", "json", "h"))["layers"].elements
            #expect(layers.map { $0["line"].integer } == [nil, 2, 3, 6, 7])
            let page = try await f.succeed("report", "h").outputText
            for (layer, line) in [(2, 2), (3, 3), (4, 6), (5, 7)] {
                let section = page.components(separatedBy: "id=\"layer-\(layer)\"").last ?? ""
                #expect(section.prefix(300).contains("line \(line)<"), "\(layer): \(section.prefix(300))")
            }
        }
    }

    @Test("diff compares files, configuration and packages, and its exit code tells")
    func diff() async throws {
        try await BuildFixture.with { f in
            try f.write("status", "Package: tool\nStatus: install ok installed\nVersion: 1.0\nArchitecture: all\n")
            let before = "FROM scratch\nCOPY status /var/lib/dpkg/status\nCOPY a /a\nCOPY c /c\nENV A=1\nLABEL l=x"
            try f.write("a", "a")
            try f.write("b", "b")
            try f.write("c", "one")
            _ = try await f.build(before, "-t", "one")
            try f.write("status", "Package: tool\nStatus: install ok installed\nVersion: 1.1\nArchitecture: all\n")
            try f.write("c", "two!", mode: 0o755)
            _ = try await f.build(
                "FROM scratch\nCOPY c /c\nCOPY status /var/lib/dpkg/status\nCOPY b /b\nENV A=2\nUSER 7",
                "-t",
                "two"
            )
            let result = try await f.swiftbuild("diff", "one", "two")
            #expect(result.status == 1)
            #expect(
                result.outputText == """
                    configuration:
                      C Env.A "1" -> "2"
                      D Labels.l "x"
                      A User "7"
                    packages:
                      C tool:all 1.0 -> 1.1
                    files:
                      D /a
                      A /b
                      C /c (content 3 -> 4 bytes, mode 0644 -> 0755)
                      C /var/lib/dpkg/status (content 74 -> 74 bytes)

                    """
            )
            let document = try json(try await f.swiftbuild("diff", "--format", "json", "one", "two"))
            #expect(document["files"].elements.map { $0["path"].text } == ["/a", "/b", "/c", "/var/lib/dpkg/status"])
            #expect(document["files"][2]["before"]["mode"].text == "0644")
            #expect(document["packages"][0]["after"].text == "1.1")
            #expect(document["configuration"][1]["after"] == .null)
            let same = try await f.swiftbuild("diff", "one", "one")
            #expect(same.status == 0 && same.output.isEmpty && same.errors.isEmpty)
            #expect(try await f.swiftbuild("diff", "one", "missing").status == 2)
        }
    }

    @Test("ls and cat follow links inside the image and nowhere else")
    func listAndCat() async throws {
        try await BuildFixture.with { f in
            _ = try await buildWasteful(f)
            #expect(try await f.succeed("ls", "wasteful").line == "big\ndir")
            #expect(try await f.succeed("ls", "wasteful:/dir/absolute").line == "other")
            #expect(try await f.succeed("cat", "wasteful:/dir/link", "wasteful:/big").line == "othersmall")
            let long = try await f.succeed("ls", "-l", "wasteful:/dir").outputText.split(separator: "\n")
            #expect(long.count == 5)
            #expect(long[0].hasPrefix("lrwxrwxrwx") && long[0].hasSuffix("absolute -> /dir/sub"), "\(long)")
            #expect(long[1].hasPrefix("-rws--x--x     7     8          4 ") && long[1].hasSuffix("Z file"), "\(long)")
            #expect(try await f.succeed("ls", "-R", "wasteful:/dir").outputText.contains("\n\n/dir/sub:\nother\n"))
            #expect(try await f.succeed("ls", "-d", "wasteful:/dir").line == "/dir")
            let listed = try json(try await f.succeed("ls", "-R", "--format", "json", "wasteful"))
            #expect(listed.elements.count == 8)
            #expect(listed[0]["digest"].text?.count == 71)
            for (arguments, status) in [
                (["cat", "wasteful:/dir/outside"], 1), (["cat", "wasteful:/dir"], 1), (["cat", "wasteful"], 2),
                (["ls", "wasteful:/none"], 1), (["ls", "wasteful:/big/x"], 1), (["ls", "missing:/"], 1),
                (["cat", "wasteful:/../../etc/passwd"], 1),
            ] as [([String], Int32)] {
                let result = try await f.start(arguments).wait()
                #expect(result.status == status, "\(result)")
                #expect(result.output.isEmpty && result.errors.hasPrefix("error: "), "\(result)")
            }
        }
    }

    @Test("cp copies files, links and directories as docker cp does")
    func copy() async throws {
        try await BuildFixture.with { f in
            _ = try await buildWasteful(f)
            func mode(_ path: String) -> mode_t {
                var status = stat()
                return lstat(f.context.pushing(FilePath(path)).string, &status) == 0 ? status.st_mode & 0o7777 : 0
            }
            func link(_ path: String) throws -> String {
                try FileManager.default.destinationOfSymbolicLink(atPath: f.context.pushing(FilePath(path)).string)
            }
            try f.makeDirectory("out")
            try await f.succeed("cp", "wasteful:/dir/file", "out")
            try await f.succeed("cp", "wasteful:/dir/file", "out/renamed")
            #expect(mode("out/file") == 0o711 && mode("out/renamed") == 0o711)
            try await f.succeed("cp", "wasteful:/dir/link", "out")
            #expect(try link("out/link") == "sub/other")
            try await f.succeed("cp", "-L", "wasteful:/dir/link", "out/followed")
            #expect(try readFile(f.context.pushing("out/followed")) == Array("other".utf8))
            #expect(mode("out/followed") == 0o600)
            // A directory: into one that is there, as a new one, and only what is in it.
            for (source, destination, root) in [
                ("/dir", "out", "out/dir"), ("/dir", "new", "new"), ("/dir/.", "out", "out"),
                ("/dir/.", "other", "other"),
            ] {
                try await f.succeed("cp", "wasteful:\(source)", destination)
                #expect(try readFile(f.context.pushing(FilePath("\(root)/sub/other"))) == Array("other".utf8))
                #expect(try link("\(root)/outside") == "../../../../../../etc/passwd")
            }
            let tar = try await f.succeed("cp", "wasteful:/dir/sub", "-")
            #expect(try TarArchive.read(tar.output).map(\.path) == ["/sub", "/sub/other"])
            if Machine.isRoot {
                try await f.succeed("cp", "-a", "wasteful:/dir/file", "out/owned")
                #expect(mode("out/owned") == 0o4711)
                var status = stat()
                #expect(lstat(f.context.pushing("out/owned").string, &status) == 0 && status.st_uid == 7)
            }
            #expect(mkfifo(f.context.appending("pipe").string, 0o600) == 0)
            for (arguments, reason) in [
                (["wasteful:/dir/file", "pipe"], "`pipe` is a device, pipe or socket, and is not replaced"),
                (["wasteful:/dir", "out/file"], "is not a directory, so no directory can be copied to it"),
                (["wasteful:/dir/file", "none/x"], "`none` does not exist"),
                (["wasteful:/dir/file", "none/"], "`none` does not exist"),
                (["wasteful:/none", "out"], "is not in the image"),
                (["wasteful:/dir/file", ""], "the destination is empty"),
            ] {
                let result = try await f.start(["cp"] + arguments).wait()
                #expect(result.status != 0 && result.errors.contains(reason), "\(result)")
            }
        }
    }

    @Test("cp writes nothing outside its destination, and removes no directory for a file")
    func copyIntoTraps() async throws {
        try await BuildFixture.with { f in
            try f.write("tree/trap/file", "new")
            try f.write("tree/plain", "new")
            _ = try await f.build("FROM scratch\nCOPY tree /tree", "-t", "traps")
            // What is in the way: links that lead away, and a directory where the image has a file.
            try f.write("victim/file", "old")
            try f.write("victim/plain", "old")
            try f.makeDirectory("out/tree")
            try f.link("out/tree/trap", to: "../../victim")
            let result = try await f.swiftbuild("cp", "traps:/tree", "out")
            #expect(result.status == 1 && result.errors.contains("`out/tree/trap` is not a directory"), "\(result)")
            #expect(try readFile(f.context.pushing("victim/file")) == Array("old".utf8))
            try f.remove("out/tree")
            try f.link("out/tree/plain", to: "../../victim/plain")
            try await f.succeed("cp", "traps:/tree", "out")
            #expect(try readFile(f.context.pushing("victim/plain")) == Array("old".utf8))
            #expect(try readFile(f.context.pushing("out/tree/plain")) == Array("new".utf8))
            try f.remove("out/tree/plain")
            try f.write("out/tree/plain/precious", "x")
            #expect(try await f.swiftbuild("cp", "traps:/tree", "out").errors.contains("is a directory"))
            #expect(fileExists(f.context.pushing("out/tree/plain/precious")))
        }
    }

    @Test("names and instructions with control sequences or without UTF-8 are shown, never interpreted")
    func hostileNames() async throws {
        try await BuildFixture.with { f in
            let escape = "\u{1B}]0;title\u{7}\u{1B}[2J"
            let members: [TarEntry] = [
                .directory("d"), .file("d/\(escape)\n", "x"), .symbolicLink("d/l", to: "\(escape)"),
                .file("d/\u{202E}gnp.exe", "x"),
            ]
            var archive = TarArchive.write(members)
            // A name that is not UTF-8: the tar's checksum is over bytes, so one is exchanged for another of that sum.
            let place = try #require(archive.firstRange(of: Array("\u{202E}gnp".utf8)))
            archive.replaceSubrange(place, with: [0xE3, 0x80, 0xAD] + Array("gnp".utf8))
            try await f.succeed("import", "-", "hostile", input: archive)
            _ = try await f.build("FROM hostile\nLABEL a=\"\(escape)\"\nCOPY --chown=1:1 . /d/", "-t", "labelled")
            for arguments in [
                ["ls", "hostile:/d"], ["ls", "-lR", "hostile:/"], ["analyze", "labelled"], ["history", "labelled"],
                ["history", "--no-trunc", "labelled"], ["diff", "hostile", "labelled"], ["cat", "hostile:/\(escape)"],
                ["ls", "hostile:/d\(escape)"], ["inspect", "\(escape)"],
            ] {
                let result = try await f.start(arguments).wait()
                let text = result.outputText + result.errors
                #expect(!text.contains { $0 == "\u{1B}" || $0 == "\u{7}" || $0 == "\u{202E}" }, "\(arguments)")
                #expect(!text.contains("\u{FFFD}"), "\(text)")
            }
            let listing = try await f.succeed("ls", "hostile:/d").outputText
            #expect(listing.contains("\\u{1b}]0;title\\u{7}\\u{1b}[2J\\n\n"), "\(listing)")
            // Programs get the names as they are.
            let listed = try json(try await f.succeed("ls", "--format", "json", "hostile:/d"))
            #expect(listed.elements.contains { $0["path"].text == "/d/\(escape)\n" })
        }
    }

    @Test("on a terminal of 20 columns, tables become blocks", .enabled(if: Machine.has("script"), "needs script"))
    func narrowTerminal() async throws {
        try await BuildFixture.with { f in
            _ = try await buildWasteful(f)
            for command in ["images", "history wasteful", "analyze wasteful", "ls -l wasteful:/dir"] {
                let result = try await Machine.run(
                    [
                        "script", "-qec", "stty cols 20 rows 5; \(Machine.binary) \(command)",
                        f.scratch.appending("typescript").string,
                    ],
                    environment: f.environment,
                    in: f.context
                )
                #expect(result.status == 0, "\(result)")
                #expect(!result.output.isEmpty)
                if !command.hasPrefix("images") { continue }
                #expect(result.outputText.contains("REPOSITORY: wasteful\r\nTAG: latest\r\n"), "\(result)")
            }
        }
    }
}
