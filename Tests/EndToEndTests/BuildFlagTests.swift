internal import Foundation
internal import SystemPackage
internal import Testing

@Suite("Flags of build")
struct BuildFlagTests {
    private func json(_ path: FilePath) throws -> JSON {
        try JSONDecoder().decode(JSON.self, from: Data(try readFile(path)))
    }

    @Test("--build-arg NAME takes the value of the environment, and means nothing where it has none")
    func argumentFromEnvironment() async throws {
        try await BuildFixture.with { f in
            let image = try await f.build(
                "FROM scratch\nARG GIVEN=default\nARG MISSING=default\nLABEL given=$GIVEN missing=$MISSING",
                "--build-arg",
                "GIVEN",
                "--build-arg",
                "MISSING",
                environment: ["GIVEN": "of the environment"]
            )
            #expect(image.config["Labels"]["given"] == "of the environment")
            #expect(image.config["Labels"]["missing"] == "default")
        }
    }

    @Test("--build-arg-file has an argument on each line, and --build-arg wins over it")
    func argumentFile() async throws {
        try await BuildFixture.with { f in
            try f.write("../arguments", "# a comment\nA=one two\r\n\nB=file\nC\nD=\n")
            let image = try await f.build(
                "FROM scratch\nARG A\nARG B\nARG C\nARG D=default\nLABEL a=$A b=$B c=$C d=[$D]",
                "--build-arg=B=flag",
                "--build-arg-file=../arguments",
                environment: ["C": "environment"]
            )
            #expect(image.config["Labels"]["a"] == "one two")
            #expect(image.config["Labels"]["b"] == "flag")
            #expect(image.config["Labels"]["c"] == "environment")
            #expect(image.config["Labels"]["d"] == "[]")
            #expect(try await f.swiftbuild("--build-arg-file", "missing", ".").errors.contains("`missing`"))
            try f.write("../arguments", "=value\n")
            #expect(try await f.swiftbuild("--build-arg-file", "../arguments", ".").status == 2)
        }
    }

    @Test("--annotation annotates the manifest, or its entry in an index")
    func annotations() async throws {
        try await BuildFixture.with { f in
            let layout = f.scratch.appending("layout")
            let image = try await f.build(
                "FROM scratch\nLABEL a=b",
                "--annotation=org.example.a=1=2",
                "--annotation=manifest:b:c=3",
                "--annotation=manifest-descriptor:d=4",
                "--annotation=manifest,manifest-descriptor:e=5",
                "-o",
                "type=oci,tar=false,dest=\(layout)"
            )
            let entry = try json(layout.appending("index.json"))["manifests"][0]
            #expect(entry["annotations"]["d"] == "4" && entry["annotations"]["e"] == "5")
            #expect(entry["annotations"]["org.opencontainers.image.ref.name"].text?.contains("under-test") == true)
            let digest = String(try #require(entry["digest"].text).dropFirst("sha256:".count))
            let manifest = try json(layout.pushing(FilePath("blobs/sha256/\(digest)")))
            #expect(manifest["annotations"] == .object(["org.example.a": "1=2", "b:c": "3", "e": "5"]))
            #expect(manifest["config"]["digest"].text == image.id)
            for wrong in ["a", "=b", "manifest:=b", "index:a=b"] {
                #expect(try await f.swiftbuild("--annotation", wrong, ".").status == 2, "\(wrong)")
            }
        }
    }

    @Test("--metadata-file has the digests and names as docker buildx writes them")
    func metadataFile() async throws {
        try await BuildFixture.with { f in
            let file = f.scratch.appending("metadata.json")
            let image = try await f.build("FROM scratch\nLABEL a=b", "-t", "other:2", "--metadata-file", file.string)
            let metadata = try json(file)
            let index = try json(f.store.appending("index.json"))
            #expect(metadata["containerimage.config.digest"].text == image.id)
            #expect(metadata["containerimage.digest"] == index["manifests"][0]["digest"])
            #expect(metadata["containerimage.descriptor"]["digest"] == metadata["containerimage.digest"])
            #expect(metadata["containerimage.descriptor"]["size"] == index["manifests"][0]["size"])
            #expect(
                metadata["containerimage.descriptor"]["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
            )
            #expect(metadata["image.name"] == "docker.io/library/image-under-test:latest,docker.io/library/other:2")
        }
    }

    @Test("--no-cache-filter does the steps of the named stages again, and those of no other")
    func cacheFilter() async throws {
        try await BuildFixture.with { f in
            try f.write("a", "a")
            try f.write("b", "b")
            let text = """
                FROM scratch AS First
                COPY a /a
                FROM scratch
                COPY b /b
                COPY --from=first /a /a
                """
            func cached(_ flags: String...) async throws -> [Int] {
                let result = try await f.start(["build", "-f", try f.dockerfile(text)] + flags + ["."]).wait()
                try #require(result.status == 0, "\(result)")
                return CacheTests.cached(result.errors).sorted()
            }
            #expect(try await cached() == [])
            #expect(try await cached() == [2, 4, 5])
            #expect(try await cached("--no-cache-filter=FIRST") == [4, 5])
            #expect(try await cached("--no-cache-filter=1") == [2])
            #expect(try await cached("--no-cache-filter=first,1") == [])
            let result = try await f.swiftbuild("-f", try f.dockerfile(text), "--no-cache-filter", "frist", ".")
            #expect(result.status == 0 && result.errors.contains("there is no stage `frist`"))
        }
    }

    @Test("what only the configuration of a base can say is kept")
    func settingsOfTheBase() async throws {
        try await BuildFixture.with { f in
            let configuration = """
                {"architecture":"amd64","os":"linux","config":{"StopTimeout":7,"Hostname":"host","Domainname":"domain"},
                "rootfs":{"type":"layers","diff_ids":[]}}
                """
            let archive = TarArchive.write([
                .file("config.json", configuration),
                .file("manifest.json", #"[{"Config":"config.json","RepoTags":["parent:latest"],"Layers":[]}]"#),
            ])
            try await f.succeed("load", input: archive)
            let image = try await f.build("FROM parent\nLABEL a=b\nSTOPSIGNAL 9")
            #expect(image.config["StopTimeout"].integer == 7)
            #expect(image.config["Hostname"] == "host")
            #expect(image.config["Domainname"] == "domain")
        }
    }
}
