internal import Foundation
internal import SystemPackage
internal import Testing

/// What the layers of an image hold lies beside the image in its registry, for those who need no more.
@Suite("The indexes beside an image", .enabled(if: RegistryServer.isAvailable, "\(RegistryServer.needs)"))
struct ImageIndexTests {
    /// An image of two layers that a first machine has built and pushed.
    private static func prepare(_ f: BuildFixture, _ registry: RegistryServer, listsReferrers: Bool = true) async throws
        -> String
    {
        if listsReferrers { try Data().write(to: URL(fileURLWithPath: registry.control.appending("referrers").string)) }
        let name = "\(registry.host)/team/base:1"
        try f.write("a", "first")
        try f.write("b", "second")
        _ = try await f.build("FROM scratch\nCOPY a /one/a\nCOPY b /two/b", "-t", name)
        try await f.succeed("push", name)
        return name
    }

    private static func run(_ f: BuildFixture, _ store: String, _ arguments: String...) async throws -> CommandResult {
        try await f.start(
            [arguments[0], "--root", f.scratch.appending(store).string] + arguments.dropFirst()
        ).wait().requireSuccess()
    }

    /// How many layers were fetched: blobs that are neither JSON nor an index.
    private static func fetchedLayers(_ registry: RegistryServer) throws -> Int {
        try registry.requests.filter { $0.hasPrefix("GET") && $0.contains("/blobs/sha256:") }.filter { request in
            let digest = request.split(separator: " ")[1].suffix(64)
            let path = "data/docker/registry/v2/blobs/sha256/\(digest.prefix(2))/\(digest)/data"
            let bytes = try readFile(registry.control.pushing(FilePath(path)))
            return bytes.prefix(2) != [0x28, 0xB5] && bytes.first != UInt8(ascii: "{")
        }.count
    }

    @Test("are an artifact about its manifest, sent once, which other tools take for none of the image")
    func pushed() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let name = try await Self.prepare(f, registry)
                let artifacts = registry.requests.filter { $0.hasPrefix("PUT /v2/team/base/manifests/sha256:") }
                #expect(artifacts.count == 1, "\(registry.requests)")
                let digest = String(try #require(artifacts.first).split(separator: " ")[1].split(separator: "/")[4])
                let text = try await registry.manifest("team/base", digest, in: f.scratch)
                let artifact = try JSONDecoder().decode(JSON.self, from: Data(text.utf8))
                #expect(artifact["artifactType"].text == "application/vnd.swiftbuild.layer.indexes.v1")
                let subject = try #require(artifact["subject"]["digest"].text)
                #expect(try await f.succeed("inspect", "-f", "{{json .RepoDigests}}", name).line.contains(subject))
                #expect(
                    try await f.succeed("pull", "-q", "--all-tags", "\(registry.host)/team/base").line.hasSuffix(":1")
                )
                try registry.forgetRequests()
                try await f.succeed("push", name)
                let again = registry.requests.filter { $0.hasPrefix("PUT") || $0.hasPrefix("PATCH") }
                #expect(again.count == 1 && again[0].hasPrefix("PUT /v2/team/base/manifests/1 "), "\(again)")
            }
        }
    }

    @Test("are all that a COPY on the image needs, and all that `ls` and `analyze` fetch")
    func used() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let name = try await Self.prepare(f, registry)
                let text = "FROM \(name)\nCOPY a /two/c\nWORKDIR /two"
                let file = try f.dockerfile(text)
                try registry.forgetRequests()
                let target = "\(registry.host)/team/app:1"
                _ = try await Self.run(f, "other", "build", "-t", target, "--push", "-f", file, f.context.string)
                #expect(try Self.fetchedLayers(registry) == 0, "\(registry.requests)")
                // The same as where the layers are at hand.
                _ = try await f.build(text, "-t", "app")
                let layers = ["inspect", "-f", "{{json .RootFS.Layers}}"]
                let expected = try await f.succeed(layers[0], layers[1], layers[2], "app").line
                #expect(try await Self.run(f, "other", layers[0], layers[1], layers[2], target).line == expected)
                try registry.forgetRequests()
                let found = try await Self.run(f, "third", "ls", "-R", "--format", "json", "docker://\(name)")
                #expect(found.outputText.contains("\"/two/b\""), "\(found)")
                let wasted = try await Self.run(f, "fourth", "analyze", "docker://\(name)")
                #expect(wasted.outputText.contains("COPY b /two/b"), "\(wasted)")
                #expect(try Self.fetchedLayers(registry) == 0, "\(registry.requests)")
                // Contents are in the layers only.
                let read = try await Self.run(f, "third", "cat", "docker://\(name):/two/b")
                #expect(read.outputText == "second")
                #expect(try Self.fetchedLayers(registry) == 2, "\(registry.requests)")
            }
        }
    }

    @Test("are left nowhere where the registry would show them as a tag")
    func tags() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let name = try await Self.prepare(f, registry, listsReferrers: false)
                let written = registry.requests.filter { $0.hasPrefix("PUT") && $0.contains("/manifests/") }
                #expect(written.count == 1 && written[0].contains("/manifests/1 "), "\(written)")
                #expect(try await Self.run(f, "other", "ls", "docker://\(name):/one").outputText == "a\n")
            }
        }
    }

    @Test(
        "are left out where a registry does not take them, and no push and no build fails",
        arguments: ["status 405", "status 400", "status 500", "drop"]
    )
    func refused(_ fault: String) async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                try registry.fail(
                    "999 GET /referrers/ \(fault)",
                    "999 PUT /manifests/sha256 \(fault)"
                )
                let name = try await Self.prepare(f, registry)
                let file = try f.dockerfile("FROM \(name)\nCOPY a /two/c")
                try registry.forgetRequests()
                let target = "\(registry.host)/team/app:1"
                _ = try await Self.run(f, "other", "build", "-t", target, "--push", "-f", file, f.context.string)
                #expect(try Self.fetchedLayers(registry) == 2, "\(registry.requests)")
            }
        }
    }

    @Test("lead to no wrong image where they lie: what was made of a lie is made again when the layers have come")
    func lies() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                try f.write("a", "first")
                try f.makeDirectory("true/two")
                try f.link("false/two", to: "one")
                let name = "\(registry.host)/team/base:1"
                let base = try await f.build("FROM scratch\nCOPY a /one/a\nCOPY true /", "-t", name)
                let other = try await f.build("FROM scratch\nCOPY a /one/a\nCOPY false /")
                try Self.pretend(f, base.configuration, holds: other.configuration)
                try Data().write(to: URL(fileURLWithPath: registry.control.appending("referrers").string))
                try await f.succeed("push", name)

                let app = "\(registry.host)/team/app:1"
                let file = try f.dockerfile("FROM \(name)\nCOPY a /two/c")
                func build(_ store: String, _ output: String...) async throws {
                    try await f.start(
                        ["build", "--root", f.scratch.appending(store).string, "-t", app, "-f", file] + output
                            + [f.context.string]
                    ).wait().requireSuccess()
                }
                func paths(_ store: String) async throws -> [Substring] {
                    try await Self.run(f, store, "ls", "-R", app).outputText.split(separator: "\n")
                }
                let truth: [Substring] = ["/:", "one", "two", "/one:", "a", "/two:", "c"]
                // The layers come in the same process, after the step that believed.
                try await build("early", "-o", "type=oci,dest=\(f.scratch)/layout")
                #expect(try await paths("early") == truth)
                // They come in a later one.
                try registry.forgetRequests()
                try await build("late", "--push")
                #expect(try Self.fetchedLayers(registry) == 0)
                #expect(try await paths("late") != truth)
                try await build("late", "--push")
                #expect(try await paths("late") == truth)
                #expect(try await Self.run(f, "third", "ls", "docker://\(app):/two").outputText == "c\n")
            }
        }
    }

    /// Lets the store say that the last layer of one image holds what that of another does.
    private static func pretend(_ f: BuildFixture, _ image: JSON, holds other: JSON) throws {
        func digest(_ image: JSON) throws -> String {
            String(try #require(image["rootfs"]["diff_ids"].elements.last?.text).dropFirst("sha256:".count))
        }
        let indexes = f.store.appending("layers-v1")
        let (name, hex) = (try digest(image), Array(try digest(image)))
        var bytes = try readFile(indexes.appending(try digest(other)))
        for position in 0..<32 {
            bytes[32 + position] = try #require(UInt8(String(hex[(2 * position)...(2 * position + 1)]), radix: 16))
        }
        var sum = 0x9E37_79B9_7F4A_7C15 ^ UInt64(bytes.count)
        func mix(_ value: UInt64) { sum = (sum ^ value) &* 0xFF51_AFD7_ED55_8CCD }
        for position in stride(from: 0, through: bytes.count - 8, by: 8) {
            mix(position == 88 ? 0 : (0..<8).reduce(0) { $0 | UInt64(bytes[position + $1]) << (8 * $1) })
            sum ^= sum >> 32
        }
        for byte in bytes.suffix(bytes.count % 8) { mix(UInt64(byte)) }
        for position in 0..<8 { bytes[88 + position] = UInt8(truncatingIfNeeded: sum >> (8 * position)) }
        try Data(bytes).write(to: URL(fileURLWithPath: indexes.appending(name).string))
    }
}
