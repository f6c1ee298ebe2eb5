internal import Foundation
internal import SystemPackage
internal import Testing

/// Registries that fail, lie and lead astray; after each of these, a good pull works.
@Suite("Bad registries", .enabled(if: RegistryServer.isAvailable, "\(RegistryServer.needs)"))
struct RegistryFaultTests: RegistryTesting {
    private static let zeros = String(repeating: "0", count: 64)

    private static func descriptor(_ type: String, _ digest: String, _ size: String = "7") -> String {
        #"{"mediaType":"application/vnd.oci.image.\#(type)","digest":"\#(digest)","size":\#(size)}"#
    }

    private static func index(digest: String) -> String {
        #"{"schemaVersion":2,"manifests":[\#(descriptor("manifest.v1+json", digest))]}"#
    }

    private static func manifest(
        config: String = "sha256:" + zeros,
        layer: String = "sha256:" + zeros,
        size: String = "7"
    ) -> String {
        #"{"schemaVersion":2,"config":\#(descriptor("config.v1+json", config, size)),"#
            + #""layers":[\#(descriptor("layer.v1.tar", layer, size))]}"#
    }

    @Test(
        "what a registry does wrong is told, and nothing of it stays",
        arguments: [
            ("9 GET /blobs/ corrupt", "does not have the digest"),
            ("9 GET /blobs/ shorter 5", "bytes long"),
            ("9 GET /blobs/ longer 1000000", "bytes long"),
            ("9 GET /blobs/ endless", "bytes long"),
            ("9 GET /manifests/ endless", "is larger than 4194304 bytes"),
            ("9 GET /manifests/ corrupt", "not valid"),
            ("9 GET /manifests/ body \(index(digest: "sha256:../../x"))", "invalid digest `sha256:../../x`"),
            ("9 GET /manifests/ body \(manifest(config: "sha256:../../x"))", "invalid digest `sha256:../../x`"),
            ("9 GET /manifests/ body \(manifest(layer: "sha256:../../x"))", "invalid digest `sha256:../../x`"),
            ("9 GET /manifests/ body \(manifest(layer: "sha512:" + zeros))", "invalid digest `sha512:0"),
            ("9 GET /manifests/ body \(manifest(size: "-1"))", "a size is negative"),
            ("9 GET /manifests/ body \(manifest(size: "1e400"))", "malformed"),
            ("9 GET /manifests/ body \(manifest(size: "99999999999"))", "is larger than"),
            ("9 GET /manifests/ body \(manifest(layer: "sha256:" + zeros))", "there is no blob 000000000000"),
            ("9 GET /manifests/ body {\"layers\":\(String(repeating: "[", count: 50_000))", "not a JSON object"),
            ("9 GET /manifests/ body {\"schemaVersion\":2,\"manifests\":[]}", "no image for linux/"),
            ("9 GET /manifests/ body {\"schemaVersion\":2,\"manifests\":[],\"layers\":[]}", "index and a manifest"),
            ("9 GET /manifests/ body {\"schemaVersion\":1}", "schema version 1"),
            ("9 GET /manifests/ body <html>", "not a JSON object"),
            ("9 GET /manifests/ status 404", "there is no manifest `1`"),
            ("9 GET /manifests/ status 403", "refuses manifest `1`"),
            ("9 GET /manifests/ status 401", "requires a login"),
            ("99 GET /manifests/ status 500", "answered 500"),
            ("99 GET /manifests/ redirect loop", "is redirected"),
            ("99 GET /manifests/ drop", "cannot reach"),
        ]
    )
    func badAnswers(_ fault: String, _ words: String) async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                try await push(f, to: registry)
                try registry.fail(fault)
                let result = try await pull(f, "\(registry.host)/team/app:1")
                #expect(result.status == 1, "\(result)")
                #expect(result.errors.contains(words), "\(result)")
                #expect(result.errors.contains(registry.host), "\(result)")
                let temporary = f.scratch.appending("other/tmp").string
                #expect(try FileManager.default.contentsOfDirectory(atPath: temporary) == [])
                try registry.fail("# nothing")
                #expect(try await pull(f, "\(registry.host)/team/app:1").status == 0)
            }
        }
    }

    @Test(
        "what passes is tried again",
        arguments: [
            "2 GET /blobs/ cut 100000", "2 GET /blobs/ drop", "2 GET /blobs/ status 503",
            "1 GET /manifests/ status 429 Retry-After:1", "1 GET /manifests/ status 429 Retry-After:nan",
            "2 GET /blobs/ slow 1", "8 GET . status 429", "2 GET /manifests/ cut 30",
        ]
    )
    func retries(_ fault: String) async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                try await push(f, to: registry, "--compression", "uncompressed")
                try registry.fail(fault)
                let result = try await pull(f, "\(registry.host)/team/app:1")
                #expect(result.status == 0, "\(result)")
            }
        }
    }

    @Test("a push is not failed by requests that fail in passing", arguments: ["POST", "PUT", "HEAD"])
    func pushRetries(_ method: String) async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                try registry.fail("2 \(method) . drop", "2 \(method) . status 503", "6 \(method) . status 429")
                let image = try await push(f, to: registry)
                #expect(registry.requests.filter { $0.hasPrefix("\(method) ") && $0.contains(" 429 ") }.count == 6)
                _ = try await pull(f, "\(registry.host)/team/app:1").requireSuccess()
                #expect(try await images(f, in: "other") == [image.id])
            }
        }
    }

    @Test("a registry that says for how long it must not be asked is not asked, and the user is told")
    func retryAfter() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                try await push(f, to: registry)
                try registry.fail("1 GET /manifests/ status 429 Retry-After:2")
                let pulled = try await pull(f, "\(registry.host)/team/app:1").requireSuccess()
                #expect(pulled.errors.contains("`\(registry.host)` answered 429: waiting 2 s"), "\(pulled)")
                try registry.forgetRequests()
                try registry.fail("9 GET /manifests/ status 429 Retry-After:86000")
                let refused = try await pull(f, "\(registry.host)/team/app:1", store: "third")
                #expect(refused.status == 1 && refused.errors.contains("429"), "\(refused)")
                #expect(registry.requests.filter { $0.contains("/manifests/") }.count == 1, "\(registry.requests)")
            }
        }
    }

    @Test("no build, push or pull fails where one in ten requests does")
    func flaky() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let image = try await push(f, to: registry)
                try registry.fail("999999 * . flaky 10")
                for number in 0..<6 {
                    let (store, name) = ("store-\(number)", "\(registry.host)/made/app:\(number)")
                    let file = try f.dockerfile("FROM \(registry.host)/team/app:1\nCOPY a /\(number)")
                    let flags = ["-f", file, "-t", name, "--push", "--cache-to", "\(registry.host)/cache"]
                    let root = f.scratch.appending(store).string
                    _ = try await f.start(["build", "--root", root] + flags + ["."]).wait().requireSuccess()
                    _ = try await pull(f, name, store: "pulled-\(number)").requireSuccess()
                }
                #expect(registry.requests.contains { $0.contains(" 503 ") || $0.contains(" drop ") })
                #expect(image.layers.count == 2)
            }
        }
    }

    /// The larger ones are sent while they are still being compressed.
    @Test(
        "an upload that breaks off goes on where it broke",
        arguments: [12_000_000, 20_000_000],
        [["1 PATCH . swallow 5000000", "1 PATCH . status 502"], ["1 PATCH . status 411"]]
    )
    func brokenUpload(count: Int, faults: [String]) async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                var state: UInt64 = 1
                let bytes: [UInt8] = (0..<count).map { _ in
                    state = state &* 6_364_136_223_846_793_005 &+ 1
                    return UInt8(truncatingIfNeeded: state >> 33)
                }
                try f.write("large", bytes: bytes)
                let reference = "\(registry.host)/x/large:1"
                let image = try await f.build("FROM scratch\nCOPY large /", "-t", reference)
                // Without a length, a registry may refuse what has begun.
                guard count > 16 << 20 || faults.count > 1 else { return }
                try registry.fail(faults.joined(separator: "\n"))
                try await f.succeed("push", reference)
                let result = try await pull(f, reference)
                #expect(result.status == 0, "\(result)")
                #expect(image.layers.count == 1)
            }
        }
    }

    @Test("an interrupted pull leaves nothing, and the next one ends it")
    func interrupted() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                try await push(f, to: registry)
                try registry.fail("1 GET /blobs/ slow 30")
                let store = f.scratch.appending("other")
                let running = try f.start(["pull", "--root", store.string, "\(registry.host)/team/app:1"])
                try await running.waitForErrors(containing: "Pulling from")
                try await Task.sleep(for: .milliseconds(500))
                running.signal(SIGINT)
                let result = try await running.wait()
                #expect(result.status == 130, "\(result)")
                #expect(try FileManager.default.contentsOfDirectory(atPath: store.appending("tmp").string) == [])
                #expect(try await f.succeed("images", "-q", "--root", store.string).line == "")
                #expect(try await pull(f, "\(registry.host)/team/app:1").status == 0)
            }
        }
    }

    @Test("a digest that is none is refused before anything is asked")
    func badReference() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                for digest in ["sha256:../../x", "sha256:\(Self.zeros.dropLast())", "md5:\(Self.zeros)"] {
                    let result = try await pull(f, "\(registry.host)/team/app@\(digest)")
                    #expect(result.status == 1 && result.errors.contains("invalid"), "\(result)")
                }
                #expect(registry.requests == [])
            }
        }
    }

    @Test("a layer that registries do not serve is fetched from nowhere else")
    func foreignLayer() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                try await push(f, to: registry)
                let manifest = try await registry.manifest("team/app", "1", in: f.scratch)
                let layer = try #require(
                    try JSONDecoder().decode(JSON.self, from: Data(manifest.utf8))["layers"][0]["digest"].text
                )
                let foreign = manifest.replacingOccurrences(
                    of: "\"digest\":\"\(layer)\"",
                    with: "\"digest\":\"sha256:\(Self.zeros)\",\"urls\":[\"http://\(registry.host)/trap\"]"
                ).replacingOccurrences(of: "image.layer.v1.tar", with: "image.layer.nondistributable.v1.tar")
                try registry.fail("9 GET /manifests/ body " + foreign)
                let result = try await pull(f, "\(registry.host)/team/app:1")
                #expect(result.status == 1, "\(result)")
                #expect(result.errors.contains("layer 000000000000 is one that registries do not serve"), "\(result)")
                #expect(!registry.requests.contains { $0.contains("/trap") })
                try registry.fail("# nothing")
                #expect(try await pull(f, "\(registry.host)/team/app:1").status == 0)
            }
        }
    }

    // MARK: Where passwords go

    /// Logs in to a registry, without trying it.
    private func keepLogin(_ f: BuildFixture, _ registry: RegistryServer) throws {
        let directory = f.scratch.appending(".docker")
        try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        let login = Data("user:pass word".utf8).base64EncodedString()
        try Data(#"{"auths":{"\#(registry.host)":{"auth":"\#(login)"}}}"#.utf8)
            .write(to: URL(fileURLWithPath: directory.appending("config.json").string))
    }

    @Test("a redirect to another server takes no password along")
    func redirectedLogin() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { other in
                try await push(f, to: other)
                try await RegistryServer.with(f, .bearer(lifetime: 60)) { registry in
                    try keepLogin(f, registry)
                    try await push(f, to: registry)
                    try other.forgetRequests()
                    try registry.fail("1 GET /manifests/ redirect http://\(other.host)/v2/team/app/manifests/1")
                    let result = try await pull(f, "\(registry.host)/team/app:1")
                    #expect(result.status == 0, "\(result)")
                    #expect(registry.requests.contains { $0.hasSuffix("/manifests/1 200 Bearer") } == false)
                    #expect(other.requests == ["GET /v2/team/app/manifests/1 200 -"], "\(other.requests)")
                }
            }
        }
    }

    @Test("a token server of another host gets no password without https")
    func foreignRealm() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { other in
                try await RegistryServer.with(f) { registry in
                    try await push(f, to: registry)
                    try keepLogin(f, registry)
                    let challenge = "WWW-Authenticate:Bearer realm=\"http://\(other.host)/token\",service=\"x\""
                    try registry.fail("9 GET /manifests/ status 401 " + challenge)
                    let result = try await pull(f, "\(registry.host)/team/app:1")
                    #expect(result.status == 1, "\(result)")
                    #expect(
                        result.errors.contains("the login for `\(registry.host)` is not sent to `\(other.host)`"),
                        "\(result)"
                    )
                    #expect(!result.errors.contains("pass word"))
                    #expect(other.requests == [])
                    try registry.fail("# nothing")
                    #expect(try await pull(f, "\(registry.host)/team/app:1").status == 0)
                }
            }
        }
    }

    @Test("a token that ends before the registry said so, by a clock that is wrong, is fetched again")
    func clockSkew() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f, .bearer(lifetime: 1)) { registry in
                try keepLogin(f, registry)
                try registry.fail("2 HEAD /blobs/ slow 1.2")
                try await push(f, to: registry)
                let tokens = registry.requests.filter { $0.hasPrefix("GET /token") }
                #expect(tokens.count > 1, "\(registry.requests)")
                let result = try await pull(f, "\(registry.host)/team/app:1")
                #expect(result.status == 0, "\(result)")
            }
        }
    }
}
