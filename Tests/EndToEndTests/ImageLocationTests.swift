internal import Foundation
internal import SystemPackage
internal import Testing

@Suite("Images from outside the store")
struct ImageLocationTests {
    private func build(_ f: BuildFixture) async throws -> BuiltImage {
        try f.write("a", "content of a")
        try f.write("b", "two")
        let image = try await f.build("FROM scratch\nCOPY a /dir/a\nCOPY b /dir/b\nCMD [\"x\"]", "-t", "team/app:1")
        // The record of the build knows more than any other store could.
        try FileManager.default.removeItem(atPath: f.store.appending("builds-v1").string)
        return image
    }

    /// What each command says of an image.
    private func answers(_ f: BuildFixture, _ image: String, store: String? = nil) async throws -> [String] {
        let root = store.map { ["--root", f.scratch.appending($0).string] } ?? []
        var answers: [String] = []
        for command in [
            ["analyze", image], ["history", "--no-trunc", image], ["ls", "-lR", "\(image):/"],
            ["cat", "\(image):/dir/a"], ["cp", "\(image):/dir/b", "-"], ["diff", image, image],
        ] {
            let result = try await f.start(root + command).wait()
            #expect(result.status == 0, "\(result)")
            // Ages are those of the second in which the table is printed.
            let age = /(Less than a second|[0-9]+ seconds?|About a minute) ago +/
            answers.append(
                result.outputText.replacing(image, with: "IMAGE").replacing(age, with: "").replacing(
                    /CREATED +/,
                    with: ""
                )
            )
        }
        return answers
    }

    private func skopeo(_ f: BuildFixture, _ arguments: String...) async throws {
        let result = try await Machine.run(["skopeo", "--insecure-policy"] + arguments, in: f.scratch)
        try #require(result.status == 0, "\(result)")
    }

    @Test("layouts and archives give the same answers as the store, and leave no image in it")
    func files() async throws {
        try await BuildFixture.with { f in
            _ = try await build(f)
            let expected = try await answers(f, "team/app:1")
            #expect(expected[2].contains("/dir:\n") && expected[3] == "content of a")
            let path = f.scratch.string
            try await f.succeed("save", "--format", "oci", "-o", "\(path)/layout/", "team/app:1")
            try await f.succeed("save", "--format", "oci", "-o", "\(path)/oci.tar", "team/app:1")
            try await f.succeed("save", "-o", "\(path)/docker.tar", "team/app:1")
            for image in [
                "oci:\(path)/layout", "oci:\(path)/layout:1", "oci:\(path)/layout:team/app:1",
                "oci:\(f.store):team/app:1", "oci-archive:\(path)/oci.tar", "oci-archive:\(path)/oci.tar:1",
                "docker-archive:\(path)/docker.tar", "docker-archive:\(path)/docker.tar:docker.io/team/app:1",
            ] {
                #expect(try await answers(f, image, store: "other") == expected, "\(image)")
                let images = try await f.succeed("images", "-q", "--root", "\(path)/other")
                #expect(images.output.isEmpty, "\(image)")
            }
            // What was taken in goes with the next prune.
            try await f.succeed("prune", "--root", "\(path)/other")
            let left = try FileManager.default.contentsOfDirectory(atPath: "\(path)/other/blobs/sha256")
            #expect(left.isEmpty)
        }
    }

    @Test(
        "what skopeo writes is read, with layers of gzip and zstd",
        .enabled(if: Machine.has("skopeo"), "needs skopeo"),
        arguments: ["gzip", "zstd"]
    )
    func skopeo(compression: String) async throws {
        try await BuildFixture.with { f in
            _ = try await build(f)
            let expected = try await answers(f, "team/app:1")
            let path = f.scratch.string
            try await skopeo(
                f,
                "copy",
                "--dest-compress-format",
                compression,
                "oci:\(f.store):team/app:1",
                "oci:\(path)/layout:tag"
            )
            try await skopeo(f, "copy", "oci:\(path)/layout:tag", "oci-archive:\(path)/oci.tar:tag")
            var written = ["oci:\(path)/layout:tag", "oci-archive:\(path)/oci.tar:tag"]
            // Docker's archives have no zstd.
            if compression != "zstd" {
                written.append("docker-archive:\(path)/docker.tar:some/name:tag")
                try await skopeo(f, "copy", "oci:\(path)/layout:tag", written[2])
            }
            for image in written {
                #expect(try await answers(f, image, store: "other") == expected, "\(image)")
            }
        }
    }

    @Test(
        "an image in a registry is read without getting a name here",
        .enabled(if: RegistryServer.isAvailable, "\(RegistryServer.needs)")
    )
    func registry() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let image = try await build(f)
                let name = "\(registry.host)/team/app:1"
                try await f.succeed("tag", "team/app:1", name)
                try await f.succeed("push", name)
                // Sizes of layers that nothing has fetched are those of the registry.
                func withoutSizes(_ answers: [String]) -> [String] {
                    var answers = answers
                    answers[1] = answers[1].replacing(#/ [0-9.]+[kM]?B +/#, with: " ")
                    return answers
                }
                let expected = withoutSizes(try await answers(f, name))
                let answers = withoutSizes(try await answers(f, "docker://\(name)", store: "other"))
                #expect(answers == expected)
                let root = f.scratch.appending("other").string
                let inspected = try await f.succeed("inspect", "--root", root, "docker://\(name)")
                #expect(inspected.outputText.contains(image.id))
                #expect(try await f.succeed("images", "-q", "--root", root).output.isEmpty)
                let missing = try await f.swiftbuild("ls", "docker://\(registry.host)/none:1:/")
                #expect(missing.status == 1 && missing.errors.contains("error: "), "\(missing)")
            }
        }
    }

    @Test("of an index, what is no image is passed over, and what is missing is told")
    func indexes() async throws {
        try await BuildFixture.with { f in
            let image = try await build(f)
            let path = f.scratch.appending("layout")
            try await f.succeed("save", "--format", "oci", "-o", "\(path)/", "team/app:1")
            let index = path.appending("index.json")
            let original = String(decoding: try readFile(index), as: UTF8.self)
            let descriptor = try #require(original.firstMatch(of: /{"annotations.*}(?=\n?\])/)).output
            // An attestation, as BuildKit lists it beside the image; its blob does not matter.
            let attestation = """
                {"mediaType":"application/vnd.oci.image.manifest.v1+json","digest":"sha256:\(String(repeating: "0", count: 64))",\
                "size":9,"annotations":{"vnd.docker.reference.type":"attestation-manifest"},\
                "platform":{"os":"unknown","architecture":"unknown"}}
                """
            func write(_ manifests: String) throws {
                try Data("{\"schemaVersion\":2,\"manifests\":[\(manifests)]}".utf8)
                    .write(to: URL(fileURLWithPath: index.string))
            }
            try write("\(attestation),\(descriptor)")
            #expect(try await f.succeed("inspect", "oci:\(path)").outputText.contains(image.id))
            try write("\(descriptor),\(descriptor.replacing("team/app:1", with: "team/other:2"))")
            let several = try await f.swiftbuild("inspect", "oci:\(path)")
            #expect(
                several.status == 1 && several.errors.contains("has more than one image, or none; it has "),
                "\(several)"
            )
            let wrong = try await f.swiftbuild("inspect", "oci:\(path):3")
            #expect(wrong.status == 1 && wrong.errors.contains("has no such image, `3`; it has "), "\(wrong)")
            #expect(wrong.errors.contains("team/other:2"), "\(wrong)")
            try write("")
            #expect(try await f.swiftbuild("ls", "oci:\(path):/").status == 1)
        }
    }

    @Test("what is no image, damaged, too old or hostile is refused with a reason, and nothing is written outside")
    func refused() async throws {
        try await BuildFixture.with { f in
            _ = try await build(f)
            try await f.succeed("save", "-o", "good.tar", "team/app:1")
            var bytes = try readFile(f.context.appending("good.tar"))
            try f.write("cut.tar", bytes: Array(bytes.prefix(bytes.count / 2)))
            let content = try #require(bytes.firstRange(of: Array("content of a".utf8)))
            bytes[content.lowerBound] ^= 1
            try f.write("flipped.tar", bytes: bytes)
            try f.write("text", "no archive")
            try f.write(
                "old.tar",
                bytes: TarArchive.write([
                    .file("0123/VERSION", "1.0"), .file("0123/json", "{}"), .file("0123/layer.tar", ""),
                    .file("repositories", #"{"app":{"1":"0123"}}"#),
                ])
            )
            try f.write(
                "traversal.tar",
                bytes: TarArchive.write([
                    .file("manifest.json", #"[{"Config":"../../../etc/passwd","RepoTags":null,"Layers":[]}]"#)
                ])
            )
            try f.write(
                "climbing.tar",
                bytes: TarArchive.write([.file("../../OUTSIDE", "x"), .file("manifest.json", "[]")])
            )
            try f.write("linked/oci-layout", #"{"imageLayoutVersion":"1.0.0"}"#)
            try f.link("linked/index.json", to: "/etc/passwd")
            for (image, status, reason) in [
                ("docker-archive:cut.tar", 1, "cut.tar"), ("docker-archive:flipped.tar", 1, "does not have the digest"),
                ("oci-archive:text", 1, "text"),
                ("docker-archive:old.tar", 1, "older than 1.10"), ("docker-archive:traversal.tar", 1, "etc/passwd"),
                ("docker-archive:climbing.tar", 1, "it would leave the root"), ("oci:linked", 1, "index.json"),
                ("oci:none", 1, "no such file"), ("oci:.", 1, "neither an OCI image layout"),
                ("oci:", 2, "the path is missing"),
                ("docker-daemon:app", 2, "cannot be read"), ("docker://UPPER", 2, "lowercase"),
                ("oci:linked@sha256:12", 2, "digest"), ("text", 1, "`oci-archive:text`"),
            ] as [(String, Int32, String)] {
                for command in [["inspect", image], ["analyze", image], ["cp", "\(image):/dir", "out"]] {
                    // In a store that has none of the blobs.
                    let result = try await f.start(["--root", f.scratch.appending("other").string] + command).wait()
                    #expect(result.status == status && result.errors.contains(reason), "\(result)")
                    #expect(!result.errors.contains("Fatal error"), "\(result)")
                    #expect(!fileExists(f.context.appending("out")))
                }
            }
            #expect(!fileExists(f.scratch.appending("OUTSIDE")) && !fileExists(f.context.appending("OUTSIDE")))
        }
    }
}
