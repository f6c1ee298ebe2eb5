internal import Foundation
internal import SystemPackage
internal import Testing

/// Registries in the place of others, and many processes at one of them.
@Suite("Mirrors and shared registries", .enabled(if: RegistryServer.isAvailable, "\(RegistryServer.needs)"))
struct RegistryMirrorTests: RegistryTesting {
    /// Says that Docker's registry is not there but has mirrors, which are tried in this order.
    private func configuration(_ f: BuildFixture, _ mirrors: [(host: String, isInsecure: Bool)]) throws -> [String:
        String]
    {
        let file = f.scratch.appending("registries.conf")
        var text = "[[registry]]\nprefix = \"docker.io\"\nlocation = \"127.0.0.1:9\"\n"
        for mirror in mirrors {
            text += "[[registry.mirror]]\nlocation = \"\(mirror.host)\"\ninsecure = \(mirror.isInsecure)\n"
        }
        try Data(text.utf8).write(to: URL(fileURLWithPath: file.string))
        return ["CONTAINERS_REGISTRIES_CONF": file.string]
    }

    @Test("a mirror of registries.conf is asked first, and the registry where it has nothing")
    func mirror() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                try await push(f, to: registry, name: "library/alpine")
                let file = f.scratch.appending("registries.conf")
                let text = """
                    [[registry]]
                    prefix = "docker.io"
                    location = "127.0.0.1:9"

                    [[registry.mirror]]
                    location = "\(registry.host)"
                    """
                try Data(text.utf8).write(to: URL(fileURLWithPath: file.string))
                let variables = ["CONTAINERS_REGISTRIES_CONF": file.string]
                let result = try await pull(f, "alpine:1", environment: variables)
                #expect(result.status == 0, "\(result)")
                #expect(result.outputText.hasSuffix("docker.io/library/alpine:1\n"))
                let missing = try await pull(f, "alpine:2", environment: variables)
                #expect(missing.status == 1 && missing.errors.contains("trying `127.0.0.1:9`"), "\(missing)")
                try Data("[[registry]]\nlocation = \"docker.io\"\nblocked = true\n".utf8)
                    .write(to: URL(fileURLWithPath: file.string))
                let blocked = try await pull(f, "alpine:1", store: "third", environment: variables)
                #expect(blocked.status == 1 && blocked.errors.contains("registries.conf` blocks"), "\(blocked)")
            }
        }
    }

    @Test(
        "a mirror that fails in the middle of a blob is left for the next",
        arguments: ["cut 100", "status 404", "corrupt"]
    )
    func failingMirror(_ fault: String) async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { good in
                let image = try await push(f, to: good, "--compression", "uncompressed", name: "library/alpine")
                try await RegistryServer.with(f) { bad in
                    try await push(f, to: bad, "--compression", "uncompressed", name: "library/alpine")
                    try bad.fail("99 GET /blobs/ \(fault)")
                    let variables = try configuration(f, [(bad.host, false), (good.host, false)])
                    let pulled = try await pull(f, "alpine:1", environment: variables).requireSuccess()
                    #expect(pulled.errors.contains("trying `\(good.host)`"), "\(pulled)")
                    #expect(try await images(f, in: "other") == [image.id])
                }
            }
        }
    }

    @Test("an insecure mirror needs no certificate that can be trusted, and another one does")
    func insecureMirror() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { good in
                try await push(f, to: good, name: "library/alpine")
                try await RegistryServer.with(f, .secure()) { bad in
                    var variables = try configuration(f, [(bad.host, false), (good.host, false)])
                    let next = try await pull(f, "alpine:1", environment: variables)
                    #expect(next.status == 0 && next.errors.contains("trying `\(good.host)`"), "\(next)")
                    #expect(bad.requests == [])
                    variables = try configuration(f, [(bad.host, true), (good.host, false)])
                    let asked = try await pull(f, "alpine:1", environment: variables)
                    #expect(asked.status == 0, "\(asked)")
                    #expect(bad.requests.contains { $0.contains("/v2/library/alpine/manifests/1 404") })
                }
            }
        }
    }

    @Test("Dockerfile.run builds from a pull-through mirror", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
    func pullThrough() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            try await RegistryServer.with(f) { upstream in
                let name = "127.0.0.1:\(upstream.port)/library/alpine"
                try await f.succeed("tag", "alpine", name)
                try await f.succeed("push", name)
                try await RegistryServer.with(f, .mirror(of: upstream.port)) { mirror in
                    let variables = try configuration(f, [(mirror.host, false)])
                    let other = ["--root", f.scratch.appending("other").string]
                    let repository = Machine.repository.string
                    let built = try await f.start(
                        ["build", "-f", "\(repository)/Dockerfile.run", "--tag", "container-run", repository] + other,
                        environment: variables
                    ).wait().requireSuccess()
                    #expect(built.errors.contains("Pulling from library/alpine"), "\(built)")
                    let run = try await f.start(["run", "--rm"] + other + ["container-run"]).wait()
                    #expect(run.outputText == "hello world", "\(run)")
                }
            }
        }
    }

    @Test("eight processes pull and build from one image into one empty store, and each blob comes once")
    func eight() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let image = try await push(f, to: registry)
                try registry.forgetRequests()
                let reference = "\(registry.host)/team/app:1"
                let other = ["--root", f.scratch.appending("other").string]
                let running = try (0..<8).map { number in
                    let file = try f.dockerfile("FROM \(reference)\nCOPY a /\(number)\nENV N=\(number)")
                    return try f.start(
                        (number < 4 ? ["pull", reference] : ["build", "-t", "n\(number)", "-f", file, "."]) + other
                    )
                }
                for process in running { _ = try await process.wait().requireSuccess() }
                for number in 4..<8 {
                    let output = f.scratch.appending("out-\(number)")
                    try await f.succeed("save", "--root", other[1], "--format", "oci", "-o", "\(output)/", "n\(number)")
                    let config = try await f.succeed("inspect", "--root", other[1], "n\(number)").outputText
                    #expect(config.contains("\"N=\(number)\"") && config.contains("\"K=v\""))
                }
                #expect(try await images(f, in: "other").contains(image.id))
                let fetched = registry.requests.filter { $0.hasPrefix("GET ") && $0.contains("/blobs/") }
                let layers = try await registry.manifest("team/app", "1", in: f.scratch)
                let digests = try JSONDecoder().decode(JSON.self, from: Data(layers.utf8))["layers"].elements
                    .compactMap { $0["digest"].text }
                #expect(digests.count == 2)
                for digest in digests { #expect(fetched.filter { $0.contains(digest) }.count == 1, "\(fetched)") }
            }
        }
    }

    @Test("what one store built and pushed runs from another", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
    func twoStores() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try await RegistryServer.with(f) { registry in
                let reference = "\(registry.host)/team/run:1"
                try f.write("file", "from the context")
                let image = try await f.build(
                    "FROM base\nRUN echo made > /made\nCOPY file /file\nCMD cat /made /file",
                    "-t",
                    reference
                )
                let pushed = try await f.succeed("push", reference).line
                let pulled = try await pull(f, reference)
                #expect(pulled.status == 0, "\(pulled)")
                let digest = pulled.outputText.split(separator: "\n").first.map { $0.dropFirst("Digest: ".count) } ?? ""
                #expect(digest.hasPrefix("sha256:") && pushed.contains(digest), "\(pushed)\n\(pulled)")
                #expect(try await images(f, in: "other") == [image.id])
                let run = try await f.start(
                    ["run", "--rm", "--root", f.scratch.appending("other").string, reference]
                ).wait()
                #expect(run.outputText == "made\nfrom the context", "\(run)")
            }
        }
    }
}
