internal import Foundation
internal import SystemPackage
internal import Testing

/// Images for several platforms under one name.
@Suite("Indexes")
struct IndexTests: RegistryTesting {
    private let platforms = ["amd64", "arm64", "arm"]

    /// Builds an image for each platform and joins them.
    private func create(_ f: BuildFixture, _ name: String, _ flags: String...) async throws -> [String: BuiltImage] {
        var built: [String: BuiltImage] = [:]
        for platform in platforms {
            try f.write(platform, "for \(platform)")
            let text = "FROM scratch\nCOPY \(platform) /file"
            built[platform] = try await f.build(text, "--platform", "linux/\(platform)", "-t", "app:\(platform)")
        }
        _ = try await f.start(["index", "create"] + flags + [name] + platforms.map { "app:\($0)" }).wait()
            .requireSuccess()
        return built
    }

    private func json(_ text: String) throws -> JSON { try JSONDecoder().decode(JSON.self, from: Data(text.utf8)) }

    @Test("an index is listed and inspected, and names the image for a platform")
    func local() async throws {
        try await BuildFixture.with { f in
            let built = try await create(
                f,
                "app:1",
                "--annotation",
                "a=b",
                "--annotation",
                "manifest-descriptor[linux/arm64]:c=d"
            )
            let listed = try await f.succeed("images", "app").outputText
            let index = try json(try await f.succeed("inspect", "app:1").outputText).elements[0]
            let digest = index["Id"].text ?? ""
            let rows = listed.split(separator: "\n").map { $0.split(separator: " ").prefix(3).map(String.init) }
            #expect(rows.contains(["app", "1", String(digest.dropFirst("sha256:".count).prefix(12))]), "\(listed)")
            #expect(index["RepoTags"].strings == ["app:1"])
            #expect(index["Annotations"]["a"] == "b")
            #expect(index["Size"].integer == 25)
            let manifests = index["Manifests"].elements
            #expect(manifests.map { $0["platform"]["architecture"].text } == platforms)
            #expect(manifests.map { $0["Id"].text } == platforms.map { built[$0]?.id })
            #expect(manifests.map { $0["annotations"]["c"].text } == [nil, "d", nil])
            #expect(try await f.succeed("inspect", digest).outputText.contains("app:1"))
            // A base for each platform.
            for platform in platforms {
                let output = f.scratch.appending("out-\(platform)")
                let file = try f.dockerfile("FROM app:1")
                try await f.succeed("build", "--platform", "linux/\(platform)", "-f", file, "-o", output.string, ".")
                #expect(try readFile(output.appending("file")) == Array("for \(platform)".utf8))
            }
            // As a member of another one, with a further name.
            try await f.succeed("tag", "app:1", "app:2")
            #expect(try await f.succeed("index", "create", "app:3", "app:2").line != digest)
            #expect(
                try await f.succeed("index", "create", "--annotation", "a=b", "app:4", "app:2").line.hasPrefix(
                    "sha256:"
                )
            )
        }
    }

    @Test("rmi and prune keep what an index names, and take it when the index is gone")
    func pruning() async throws {
        try await BuildFixture.with { f in
            let built = try await create(f, "app:1")
            try await f.succeed("rmi", "app:amd64", "app:arm64", "app:arm", "image-under-test")
            let refused = try await f.swiftbuild("rmi", "-f", built["arm"]?.id ?? "")
            #expect(refused.status == 1 && refused.errors.contains("belongs to app:1: remove that first"), "\(refused)")
            try await f.succeed("prune", "--all")
            #expect(
                try json(try await f.succeed("inspect", "app:1").outputText).elements[0]["Manifests"].elements.count
                    == 3
            )
            try await f.succeed("build", "-f", try f.dockerfile("FROM app:1\nCOPY arm /x"), ".")
            let removed = try await f.succeed("rmi", "app:1").outputText
            #expect(removed.hasPrefix("Untagged: app:1\nDeleted: sha256:"), "\(removed)")
            let pruned = try await f.succeed("prune", "--all").outputText
            for image in built.values { #expect(pruned.contains("Deleted: \(image.id)"), "\(pruned)") }
            let left = try FileManager.default.contentsOfDirectory(atPath: f.store.appending("blobs/sha256").string)
            #expect(left == [])
        }
    }

    @Test("what cannot be joined is refused")
    func refusals() async throws {
        try await BuildFixture.with { f in
            _ = try await create(f, "app:1")
            let same = try await f.swiftbuild("index", "create", "app:2", "app:1", "app:arm")
            #expect(same.status == 1 && same.errors.contains("several images are for linux/arm/v7"), "\(same)")
            let missing = try await f.swiftbuild("index", "create", "app:2", "nothing")
            #expect(missing.status == 1 && missing.errors.contains("hint: `swiftbuild pull --platform"), "\(missing)")
            let annotation = try await f.swiftbuild(
                "index",
                "create",
                "--annotation",
                "manifest-descriptor[linux/s390x]:a=b",
                "app:2",
                "app:1"
            )
            #expect(
                annotation.status == 1 && annotation.errors.contains("no image is for that platform"),
                "\(annotation)"
            )
            let push = try await f.swiftbuild("index", "push", "app:arm")
            #expect(push.status == 1 && push.errors.contains("no image `app:arm`"), "\(push)")
            #expect(try await f.swiftbuild("--root", f.store.string, "index", "create", "app:5", "app:1").status == 0)
        }
    }

    @Test(
        "a pushed index gives each platform its image, to us and to skopeo",
        .enabled(if: RegistryServer.isAvailable, "\(RegistryServer.needs)"),
        arguments: ["oci", "docker"]
    )
    func pushed(_ format: String) async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let reference = "\(registry.host)/team/app:1"
                let built = try await create(f, reference)
                let pushed = try await f.succeed("index", "push", "--format", format, reference)
                #expect(pushed.errors.components(separatedBy: "Pushed").count == 4, "\(pushed)")
                let document = try json(try await registry.manifest("team/app", "1", in: f.scratch))
                let type = format == "oci" ? "oci.image.index.v1" : "docker.distribution.manifest.list.v2"
                #expect(document["mediaType"].text == "application/vnd.\(type)+json")
                for platform in platforms {
                    let pulled = try await pull(f, reference, "--platform", "linux/\(platform)", store: platform)
                    #expect(pulled.status == 0, "\(pulled)")
                    let digest = pulled.outputText.split(separator: "\n")[0].dropFirst("Digest: ".count)
                    #expect(pushed.line.contains(digest), "\(pushed)\n\(pulled)")
                    #expect(try await images(f, in: platform) == [built[platform]?.id ?? ""])
                    guard Machine.has("skopeo") else { continue }
                    for source in ["docker://\(reference)", "oci:\(f.store):\(reference)"] {
                        let inspected = try await Machine.run(
                            ["skopeo", "--override-arch", platform, "inspect", "--config", "--raw"]
                                + (source.hasPrefix("docker:") ? ["--tls-verify=false"] : []) + [source],
                            in: f.scratch
                        )
                        #expect(inspected.status == 0, "\(inspected)")
                        #expect(try json(inspected.outputText) == built[platform]?.configuration, "\(source)")
                    }
                }
                try registry.forgetRequests()
                try await f.succeed("push", "--format", format, reference)
                // What the registry has is asked for by mounting it; nothing is sent.
                let requests = registry.requests
                #expect(requests.contains { $0.hasPrefix("PUT") && $0.contains("/manifests/") }, "\(requests)")
                let sent = requests.filter { $0.hasPrefix("PATCH") || $0.hasPrefix("PUT") && $0.contains("/blobs/") }
                #expect(sent == [])
            }
        }
    }
}
