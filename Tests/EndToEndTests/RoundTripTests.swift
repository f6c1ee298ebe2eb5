internal import Foundation
internal import SystemPackage
internal import Testing

/// Images that go to another tool and come back: they are the same, and run.
@Suite("Round trips", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
struct RoundTripTests: RegistryTesting {
    /// Tools that share their names of places.
    enum Tool: String, CaseIterable {
        case skopeo, buildah, podman
    }

    /// Where an image lies in between.
    enum Place: String, CaseIterable {
        case layout, ociArchive, dockerArchive, ociRegistry, dockerRegistry

        /// Docker's archives and manifests keep no OCI configuration.
        var format: String { self == .dockerArchive || self == .dockerRegistry ? "docker" : "oci" }
    }

    private func build(_ f: BuildFixture, format: String) async throws -> BuiltImage {
        try await f.importBase()
        try f.write("file", "from the context", mode: 0o640)
        return try await f.build(
            "FROM base\nRUN echo made > /made && ln /made /hard\nCOPY --chown=7:8 file /file\nHEALTHCHECK CMD true\n"
                + "CMD cat /hard /file",
            "--image-format",
            format,
            "-t",
            "round/trip:1"
        )
    }

    /// Checks that another store has the image, and runs it.
    private func expectSame(_ f: BuildFixture, _ image: BuiltImage, in store: String) async throws {
        #expect(try await images(f, in: store) == [image.id])
        let run = try await f.start(["run", "--rm", "--root", f.scratch.appending(store).string, image.id]).wait()
        #expect(run.outputText == "made\nfrom the context", "\(run)")
    }

    private func tool(_ f: BuildFixture, _ arguments: [String], sourceLocation: SourceLocation = #_sourceLocation)
        async throws -> CommandResult
    {
        let result = try await Machine.run(arguments, in: f.scratch)
        try #require(result.status == 0, "\(result)", sourceLocation: sourceLocation)
        return result
    }

    private func copy(_ f: BuildFixture, by tool: Tool, _ source: String, _ target: String) async throws {
        let policy = f.scratch.appending("policy.json")
        try Data(#"{"default":[{"type":"insecureAcceptAnything"}]}"#.utf8).write(
            to: URL(fileURLWithPath: policy.string)
        )
        func insecure(_ place: String, _ flag: String) -> [String] { place.hasPrefix("docker://") ? [flag] : [] }
        guard tool != .skopeo else {
            _ = try await self.tool(
                f,
                ["skopeo", "--insecure-policy", "copy"] + insecure(source, "--src-tls-verify=false")
                    + insecure(target, "--dest-tls-verify=false") + [source, target]
            )
            return
        }
        // Podman takes no path of more than 50 bytes.
        let state = "/tmp/\(tool)-\(UUID().uuidString.prefix(8))"
        defer { try? FileManager.default.removeItem(atPath: state) }
        let command = [
            tool.rawValue, "--root", "\(f.scratch)/containers", "--runroot", state, "--storage-driver", "vfs",
        ]
        let pull = ["pull", "-q", "--signature-policy", policy.string] + insecure(source, "--tls-verify=false")
        let id = try await self.tool(f, command + pull + [source]).line
        let push = ["push", "--signature-policy", policy.string] + insecure(target, "--tls-verify=false")
        _ = try await self.tool(f, command + push + [id, target])
    }

    @Test("by the tools of containers.org", arguments: Tool.allCases, Place.allCases)
    func containers(_ tool: Tool, _ place: Place) async throws {
        guard Machine.has(tool.rawValue) else { return print("skipped: needs \(tool)") }
        try await BuildFixture.with { f in
            let image = try await build(f, format: place.format)
            let (one, two) = ("\(f.scratch)/one", "\(f.scratch)/two")
            switch place {
            case .layout:
                try await f.succeed("save", "--format", "oci", "-o", one + "/", "round/trip:1")
                try await copy(f, by: tool, "oci:\(one):round/trip:1", "oci:\(two):round/trip:1")
                try await f.succeed("load", "--root", "\(f.scratch)/other", "-i", two)
            case .ociArchive, .dockerArchive:
                let transport = place == .ociArchive ? "oci-archive" : "docker-archive"
                try await f.succeed("save", "--format", place.format, "-o", one, "round/trip:1")
                try await copy(f, by: tool, "\(transport):\(one)", "\(transport):\(two):round/trip:1")
                try await f.succeed("load", "--root", "\(f.scratch)/other", "-i", two)
            case .ociRegistry, .dockerRegistry:
                guard RegistryServer.isAvailable else { return print("skipped: \(RegistryServer.needs)") }
                try await RegistryServer.with(f) { registry in
                    let (from, to) = ("\(registry.host)/one/app:1", "\(registry.host)/two/app:1")
                    try await f.succeed("tag", "round/trip:1", from)
                    let sent = try await f.succeed("push", from).line
                    try await copy(f, by: tool, "docker://" + from, "docker://" + to)
                    let pulled = try await pull(f, to)
                    #expect(pulled.status == 0, "\(pulled)")
                    let digest = pulled.outputText.split(separator: "\n")[0].dropFirst("Digest: ".count)
                    // The others compress again.
                    if tool == .skopeo { #expect(sent.contains(digest), "\(sent)\n\(pulled)") }
                    let type = place == .ociRegistry ? "oci.image.manifest.v1" : "docker.distribution.manifest.v2"
                    let manifest = try await registry.manifest("two/app", "1", in: f.scratch)
                    #expect(manifest.contains("application/vnd.\(type)+json"), "\(manifest)")
                }
            }
            try await expectSame(f, image, in: "other")
        }
    }

    @Test(
        "by docker",
        .enabled(if: Machine.has("dockerd") && Machine.has("docker"), "needs docker.io"),
        .enabled(if: RegistryServer.isAvailable, "\(RegistryServer.needs)")
    )
    func docker() async throws {
        try await BuildFixture.with { f in
            let image = try await build(f, format: "docker")
            try await DockerDaemon.with(f) { docker in
                try await f.succeed("save", "-o", "\(f.scratch)/one.tar", "round/trip:1")
                _ = try await docker.run("load", "-i", "\(f.scratch)/one.tar")
                _ = try await docker.run("save", "-o", "\(f.scratch)/two.tar", "round/trip:1")
                try await f.succeed("load", "--root", "\(f.scratch)/other", "-i", "\(f.scratch)/two.tar")
                try await expectSame(f, image, in: "other")
                try await RegistryServer.with(f) { registry in
                    for format in ["oci", "docker"] {
                        let (from, to) = ("\(registry.host)/one/\(format):1", "\(registry.host)/two/\(format):1")
                        try await f.succeed("tag", "round/trip:1", from)
                        try await f.succeed("push", "--format", format, from)
                        _ = try await docker.run("pull", from)
                        #expect(try await docker.run("inspect", "-f", "{{.Id}}", from).line == image.id)
                        _ = try await docker.run("tag", from, to)
                        _ = try await docker.run("push", to)
                        let pulled = try await pull(f, to, store: format)
                        #expect(pulled.status == 0, "\(pulled)")
                        try await expectSame(f, image, in: format)
                        _ = try await docker.run("rmi", from, to)
                    }
                }
            }
        }
    }

    @Test("by umoci, which changes the image", .enabled(if: Machine.has("umoci"), "needs umoci"))
    func umoci() async throws {
        try await BuildFixture.with { f in
            // Also from an image that came in Docker's format.
            _ = try await build(f, format: "docker")
            let layout = "\(f.scratch)/layout"
            try await f.succeed("save", "--format", "oci", "-o", layout + "/", "round/trip:1")
            let reference = "\(layout):round/trip:1"
            _ = try await tool(f, ["umoci", "unpack", "--image", reference, "\(f.scratch)/bundle"])
            try Data("more\n".utf8).write(to: URL(fileURLWithPath: "\(f.scratch)/bundle/rootfs/made"))
            _ = try await tool(f, ["umoci", "repack", "--image", reference, "\(f.scratch)/bundle"])
            _ = try await tool(f, ["umoci", "config", "--image", reference, "--config.label", "by=umoci"])
            try await f.succeed("load", "--root", "\(f.scratch)/other", "-i", layout)
            let id = try await images(f, in: "other")[0]
            let inspected = try await f.succeed("inspect", "--root", "\(f.scratch)/other", id).outputText
            #expect(inspected.contains("\"by\" : \"umoci\""), "\(inspected)")
            let run = try await f.start(["run", "--rm", "--root", "\(f.scratch)/other", id, "cat", "/made", "/file"])
                .wait()
            #expect(run.outputText == "more\nfrom the context", "\(run)")
        }
    }

    @Test(
        "a base in Docker's format gives an image that OCI tools read",
        .enabled(if: Machine.has("skopeo"), "needs skopeo"),
        .enabled(if: RegistryServer.isAvailable, "\(RegistryServer.needs)")
    )
    func mixedFormats() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                try await push(f, to: registry, "--format", "docker")
                let other = ["--root", "\(f.scratch)/other"]
                let file = try f.dockerfile("FROM \(registry.host)/team/app:1\nCOPY a /more")
                _ = try await f.start(["build", "-t", "mixed", "-f", file, "."] + other).wait().requireSuccess()
                let store = "oci:\(f.scratch)/other:mixed"
                let output = try await tool(f, ["skopeo", "inspect", "--raw", store]).outputText
                #expect(!output.contains("vnd.docker"), "\(output)")
                _ = try await tool(f, ["skopeo", "--insecure-policy", "copy", store, "dir:\(f.scratch)/dir"])
            }
        }
    }
}
