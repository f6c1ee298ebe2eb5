internal import Foundation
internal import SystemPackage
internal import Testing

@Suite("Commands on images")
struct ImageCommandTests {
    private func inspect(_ f: BuildFixture, _ name: String) async throws -> JSON {
        try JSONDecoder().decode(JSON.self, from: Data(try await f.succeed("inspect", name).output))[0]
    }

    @Test("tag, rmi and prune; an ID prefix works wherever a name does")
    func names() async throws {
        try await BuildFixture.with { f in
            try f.write("a", "a")
            let image = try await f.build("FROM scratch\nCOPY a /a", "-t", "one:1", "-t", "second")
            let prefix = String(image.id.dropFirst("sha256:".count).prefix(12))
            try await f.succeed("tag", prefix, "third:x")
            #expect(
                Set(try await inspect(f, prefix)["RepoTags"].strings) == [
                    "image-under-test:latest", "one:1", "second:latest", "third:x",
                ]
            )
            #expect(try await inspect(f, "third:x")["Id"].text == image.id)
            try await f.succeed("rmi", "one:1", "second")
            #expect(try await f.swiftbuild("inspect", "second").status != 0)
            try await f.succeed("rmi", "-f", prefix)
            #expect(try await f.succeed("images").outputText.split(separator: "\n").count == 1)
            try await f.succeed("prune", "-a")
            let blobs = f.store.appending("blobs").appending("sha256").string
            #expect(try FileManager.default.contentsOfDirectory(atPath: blobs) == [])
            let again = try await f.build("FROM scratch\nCOPY a /a")
            #expect(again.layers == image.layers)
            #expect(!again.transcript.contains("Using cache"), "\(again.transcript)")
        }
    }

    @Test("images --filter leaves what Docker's filters leave")
    func filters() async throws {
        try await BuildFixture.with { f in
            func build(_ label: String, _ flags: String..., epoch: Int) async throws {
                let text = "FROM scratch\nLABEL \(label)"
                let file = try f.dockerfile(text)
                let epoch = "--source-date-epoch=\(epoch)"
                _ = try await f.start(["build", "-f", file, epoch] + flags + ["."]).wait().requireSuccess()
            }
            try await build("kind=a", "-t", "team/app:1", "-t", "team/app:2", epoch: 1000)
            try await build("kind=b", "-t", "tool", epoch: 2000)
            try await build("kind=c", epoch: 3000)
            func list(_ filters: String...) async throws -> [String] {
                let flags = filters.flatMap { ["-f", $0] } + ["--format", "{{.Repository}}:{{.Tag}}"]
                return try await f.start(["images", "-a"] + flags).wait().requireSuccess().outputText
                    .split(separator: "\n").map(String.init).sorted()
            }
            let apps = ["team/app:1", "team/app:2"]
            #expect(try await list() == ["<none>:<none>"] + apps + ["tool:latest"])
            #expect(try await list("dangling=true") == ["<none>:<none>"])
            #expect(try await list("dangling=false") == apps + ["tool:latest"])
            #expect(try await list("reference=team/*") == apps)
            #expect(try await list("reference=*") == ["tool:latest"])
            #expect(try await list("reference=*/*:2") == ["team/app:2"])
            #expect(try await list("label=kind=b") == ["tool:latest"])
            #expect(try await list("label=kind", "dangling=false") == apps + ["tool:latest"])
            #expect(try await list("label=none") == [])
            #expect(try await list("before=tool") == apps)
            #expect(try await list("since=tool") == ["<none>:<none>"])
            #expect(try await list("until=24h").count == 4)
            // Values of one name are alternatives, but bounds in time have to hold all.
            #expect(try await list("reference=tool", "reference=team/*:2") == ["team/app:2", "tool:latest"])
            #expect(try await list("reference=tool", "label=kind=a") == [])
            #expect(try await list("label=kind=a", "label=kind=b") == [])
            #expect(try await list("before=tool", "before=team/app:1") == [])
            #expect(try await list("since=tool", "since=team/app:1") == ["<none>:<none>"])
            #expect(try await f.swiftbuild("images", "-f", "dangling=true", "-f", "dangling=false").status == 2)
            for wrong in ["dangling", "dangling=x", "nothing=x", "until=x"] {
                #expect(try await f.swiftbuild("images", "--filter", wrong).status == 2, "\(wrong)")
            }
            #expect(try await f.swiftbuild("images", "--filter", "before=missing").status == 1)
        }
    }

    @Test("import --change and --message set the configuration and the comment")
    func importChanges() async throws {
        try await BuildFixture.with { f in
            let tar = TarArchive.write([.file("a", "a")])
            try await f.succeed(
                "import",
                "-c",
                #"CMD ["sh", "-c", "x"]"#,
                "-cENV A=b C=d",
                "--change=WORKDIR /w",
                "--change",
                "EXPOSE 80",
                "-m",
                "from backup",
                "-",
                "imported",
                input: tar
            )
            let image = try await inspect(f, "imported")
            #expect(image["Config"]["Cmd"] == ["sh", "-c", "x"])
            #expect(image["Config"]["Env"] == ["A=b", "C=d"])
            #expect(image["Config"]["WorkingDir"] == "/w")
            #expect(image["Config"]["ExposedPorts"]["80/tcp"] != .null)
            #expect(
                try await f.succeed("history", "--format", "{{.Comment}}", "imported").outputText == "from backup\n"
            )
            for wrong in ["RUN true", "COPY a b", "NONSENSE", "FROM x", "ENV"] {
                let result = try await f.start(["import", "-c", wrong, "-"], input: tar).wait()
                #expect(result.status == 2 && result.errors.contains("--change"), "\(result)")
            }
        }
    }

    @Test("inspect --type looks for images only, and df -v lists what there is")
    func typesAndUsage() async throws {
        try await BuildFixture.with { f in
            _ = try await f.build("FROM scratch\nLABEL a=b", "-t", "listed:7")
            try await f.succeed("inspect", "--type", "image", "listed:7")
            #expect(try await f.swiftbuild("inspect", "--type=container", "listed:7").status == 1)
            let plain = try await f.succeed("df")
            let usage = try await f.succeed("df", "-v")
            #expect(usage.outputText.hasPrefix(plain.outputText), "\(usage)")
            #expect(usage.outputText.contains("Images:") && usage.outputText.contains("listed"), "\(usage)")
        }
    }

    @Test("a moved name leaves the old image without one until prune")
    func dangling() async throws {
        try await BuildFixture.with { f in
            try f.write("a", "1")
            let first = try await f.build("FROM scratch\nCOPY a /a")
            try f.write("a", "2")
            let second = try await f.build("FROM scratch\nCOPY a /a")
            #expect(first.id != second.id)
            #expect(try await inspect(f, "image-under-test")["Id"].text == second.id)
            try await f.succeed("prune")
            #expect(try await inspect(f, "image-under-test")["Id"].text == second.id)
            #expect(try await f.succeed("images").outputText.split(separator: "\n").count == 2)
        }
    }

    private static let contents = """
        FROM scratch
        WORKDIR /workdir/
        COPY --chown=7:8 tree /tree
        COPY tree/file /tree/moved
        ENV A=b
        LABEL l=v
        CMD ["x"]
        """

    private func writeTree(_ f: BuildFixture) throws {
        try f.write("tree/file", "text", mode: 0o4711)
        try f.write("tree/sub/other", "other", mode: 0o600)
        try f.link("tree/link", to: "file")
        try f.makeDirectory("tree/sub", mode: 0o1777)
        try FileManager.default.linkItem(
            atPath: f.context.pushing("tree/file").string,
            toPath: f.context.pushing("tree/hard").string
        )
    }

    @Test("save and load into an empty store give the same files and digests", arguments: ["oci", "docker"])
    func saveAndLoad(format: String) async throws {
        try await BuildFixture.with { f in
            try writeTree(f)
            let image = try await f.build(Self.contents, "-t", "saved:1")
            let archive = f.scratch.appending("saved.tar").string
            try await f.succeed("save", "--format", format, "-o", archive, "saved:1")
            let other = f.scratch.appending("other-store")
            try await f.succeed("load", "--root", other.string, "-i", archive)
            let loaded = try BuiltImage(id: image.id, store: other, transcript: "")
            #expect(loaded.tree == image.tree)
            #expect(loaded.configuration == image.configuration)
            let listed = try await f.succeed("images", "--root", other.string).outputText
            #expect(listed.contains("saved"))
            // The same input gives the same archive.
            let again = f.scratch.appending("again.tar").string
            try await f.succeed("save", "--format", format, "-o", again, "saved:1")
            #expect(try readFile(FilePath(again)) == readFile(FilePath(archive)))
        }
    }

    @Test("load reads an OCI layout directory, the store of another among them")
    func loadDirectory() async throws {
        try await BuildFixture.with { f in
            try writeTree(f)
            let image = try await f.build(Self.contents, "-t", "laid-out")
            let other = f.scratch.appending("other-store")
            try await f.succeed("load", "--root", other.string, "-i", f.store.string)
            #expect(try BuiltImage(id: image.id, store: other, transcript: "").tree == image.tree)
        }
    }

    @Test("load refuses what is damaged or no image, and leaves the store as it was")
    func loadBadInput() async throws {
        try await BuildFixture.with { f in
            try writeTree(f)
            _ = try await f.build(Self.contents, "-t", "saved")
            let archive = f.scratch.appending("saved.tar")
            try await f.succeed("save", "-o", archive.string, "saved")
            var bytes = try readFile(archive)
            try f.write("text.tar", "not an archive")
            try f.write("cut.tar", bytes: Array(bytes.prefix(bytes.count / 2)))
            // Every byte in turn would take long; one within each blob is enough to see that digests are checked.
            let members = try TarArchive.read(bytes).filter { $0.name.contains("blobs/sha256/") && $0.kind == .file }
            let target = try #require(members.max { $0.content.count < $1.content.count })
            let offset = try #require(bytes.firstRange(of: target.content)).lowerBound
            bytes[offset + 700] ^= 1
            try f.write("flipped.tar", bytes: bytes)
            try f.write(
                "traversal.tar",
                bytes: TarArchive.write([
                    .file("oci-layout", #"{"imageLayoutVersion":"1.0.0"}"#),
                    .file(
                        "index.json",
                        #"{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:../../../../etc/passwd","size":10}]}"#
                    ),
                ])
            )
            let other = f.scratch.appending("other-store").string
            for name in ["text.tar", "cut.tar", "flipped.tar", "traversal.tar", "lost.tar"] {
                let result = try await f.swiftbuild("load", "--root", other, "-i", name)
                #expect(result.status != 0, "\(result)")
                #expect(!result.errors.isEmpty && !result.errors.contains("Fatal error"), "\(result)")
            }
            #expect(try await f.succeed("images", "--root", other).outputText.split(separator: "\n").count == 1)
        }
    }

    @Test("import makes an image of a root filesystem, hostile members notwithstanding")
    func importArchive() async throws {
        try await BuildFixture.with { f in
            let members: [TarEntry] = [
                .directory("./etc", mode: 0o750), .file("./etc/x", "text", mode: 0o600, user: 3, group: 4),
                .symbolicLink("./l", to: "/etc/x"), .hardLink("./h", to: "./etc/x"),
            ]
            let id = try await f.succeed("import", "-", "imported", input: TarArchive.write(members)).outputText
            #expect(id.hasPrefix("sha256:"))
            let image = try await f.build("FROM imported\nCOPY --from=imported /l /copy")
            #expect(
                image.listing() == [
                    "-600 3:4 /copy", "d750 0:0 /etc", "-600 3:4 /etc/x", "h /h => /etc/x", "l /l -> /etc/x",
                ]
            )
            for (_, hostile) in AddTests.hostileArchives {
                try f.write("hostile.tar", bytes: TarArchive.write(hostile))
                let result = try await f.swiftbuild("import", "hostile.tar", "hostile")
                #expect(!result.errors.contains("Fatal error"), "\(result)")
                #expect(!fileExists("/tmp/OUT"))
            }
        }
    }

    @Test("outputs: an OCI archive, a docker archive, a tar and a directory")
    func outputs() async throws {
        try await BuildFixture.with { f in
            try writeTree(f)
            let out = f.scratch.appending("out")
            let image = try await f.build(Self.contents)
            let file = try f.dockerfile(Self.contents)
            try await f.succeed("-f", file, "-o", "type=tar,dest=\(out).tar", ".")
            let members = try TarArchive.read(readFile(FilePath("\(out).tar")))
            #expect(
                Set(members.map(\.path)).subtracting(["/"]) == Set(image.tree.keys)
            )
            try await f.succeed("-f", file, "-o", "type=local,dest=\(out)", ".")
            #expect(try readFile(out.pushing("tree/sub/other")) == Array("other".utf8))
            #expect(
                try FileManager.default.destinationOfSymbolicLink(atPath: out.pushing("tree/link").string) == "file"
            )
            for type in ["oci", "docker"] {
                try await f.succeed("-t", "named", "-f", file, "-o", "type=\(type),dest=\(out).\(type)", ".")
                let other = f.scratch.appending("store-\(type)")
                try await f.succeed("load", "--root", other.string, "-i", "\(out).\(type)")
                #expect(try BuiltImage(id: image.id, store: other, transcript: "").tree == image.tree)
            }
        }
    }

    @Test("-f - and - read a Dockerfile from standard input; -q and --iidfile give the ID")
    func standardInput() async throws {
        try await BuildFixture.with { f in
            try f.write("a", "a")
            let text = Array("FROM scratch\nCOPY a /a\n".utf8)
            let id = try await f.succeed("-q", "-t", "x", "-f", "-", "--iidfile", "id", ".", input: text)
            #expect(id.line.hasPrefix("sha256:") && id.line.count == 71)
            #expect(id.errors == "")
            #expect(String(decoding: try readFile(f.context.appending("id")), as: UTF8.self).hasPrefix(id.line))
            #expect(try BuiltImage(id: id.line, store: f.store, transcript: "").text("/a") == "a")
        }
    }

    @Test("flags of docker build that mean nothing here are accepted")
    func compatibility() async throws {
        try await BuildFixture.with { f in
            try f.write("Dockerfile", "FROM scratch\nLABEL a=b\n")
            try await f.succeed("build", "--rm", "--force-rm", "--compress", "--rm=true", "-t", "x", ".")
        }
    }

    @Test("--progress=json gives one event a line")
    func jsonProgress() async throws {
        try await BuildFixture.with { f in
            try f.write("Dockerfile", "FROM scratch\nLABEL a=b\n")
            let result = try await f.succeed("--progress", "json", "-t", "x", ".")
            let lines = (result.outputText + result.errors).split(separator: "\n")
            #expect(!lines.isEmpty)
            for line in lines { _ = try JSONDecoder().decode(JSON.self, from: Data(line.utf8)) }
        }
    }
}

// MARK: - Formats

extension ImageCommandTests {
    @Test("images, history, inspect and df print by templates, as JSON, and -q only IDs")
    func formats() async throws {
        try await BuildFixture.with { f in
            try f.write("a", "12345")
            let image = try await f.build("FROM scratch\nCOPY a /a\nENV X=y", "-t", "one:1")
            let short = String(image.id.dropFirst("sha256:".count).prefix(12))
            func line(_ arguments: String...) async throws -> String { try await f.start(arguments).wait().line }
            #expect(
                try await line("images", "--format", "{{.Repository}}:{{.Tag}} {{.ID}} {{.Size}}", "one")
                    == "one:1 \(short) 5B"
            )
            #expect(
                try await line("images", "--format", #"table {{.Tag}}\t{{.ID}}"#, "one").split(separator: "\n")
                    == ["TAG   IMAGE ID", "1     \(short)"]
            )
            #expect(try await line("images", "--format", #"table {{.Tag}}\t{{.ID}}"#, "none") == "TAG   IMAGE ID")
            let row = try JSONDecoder().decode(
                JSON.self,
                from: Data(try await line("images", "--format", "json", "one").utf8)
            )
            #expect(row["Repository"].text == "one" && row["ID"].text == short)
            #expect(try await line("images", "--no-trunc", "-q", "one") == image.id)
            #expect(
                try await line("inspect", "-f", "{{.Id}} {{json .Config.Env}}", "one:1").hasPrefix(
                    "\(image.id) [\"PATH="
                )
            )
            #expect(
                try await line("history", "--format", "{{.CreatedBy}}|{{.Size}}", "one:1") == "ENV X=y|0B\nCOPY a /a|5B"
            )
            #expect(try await line("history", "-q", "one:1") == "\(short)\n<missing>")
            #expect(try await line("df", "--format", "{{.Type}}={{.TotalCount}}").contains("Step results=2"))
            for command in [["images"], ["history", "one:1"], ["inspect", "one:1"], ["df"]] {
                let wrong = try await f.start(command + ["--format", "{{.Nothing}}"]).wait()
                #expect(wrong.status == 2 && wrong.errors.contains("no field `.Nothing`"), "\(wrong)")
            }
        }
    }
}
