internal import Foundation
internal import SystemPackage
internal import Testing

/// Images between stores and a real registry.
@Suite("Registries", .enabled(if: RegistryServer.isAvailable, "\(RegistryServer.needs)"))
struct RegistryTests {
    /// Builds an image of two layers and pushes it.
    @discardableResult
    private func push(_ f: BuildFixture, to registry: RegistryServer, _ flags: String..., name: String = "team/app")
        async throws -> BuiltImage
    {
        try f.write("a", "one")
        try f.write("b", bytes: Array(repeating: 7, count: 300_000))
        let reference = "\(registry.host)/\(name):1"
        let image = try await f.build("FROM scratch\nCOPY a /a\nCOPY b /b\nENV K=v\nCMD [\"/a\"]", "-t", reference)
        _ = try await f.start(["push"] + flags + [reference]).wait().requireSuccess()
        return image
    }

    /// The same in a store that has nothing.
    private func pull(
        _ f: BuildFixture,
        _ reference: String,
        _ arguments: String...,
        store: String = "other",
        environment: [String: String] = [:]
    ) async throws -> CommandResult {
        try await f.start(
            ["pull", "--root", f.scratch.appending(store).string] + arguments + [reference],
            environment: environment
        ).wait()
    }

    @Test("what was pushed is pulled again, and has the same ID", arguments: ["gzip", "zstd", "uncompressed"])
    func roundTrip(_ compression: String) async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let image = try await push(f, to: registry, "--compression", compression)
                let result = try await pull(f, "\(registry.host)/team/app:1")
                #expect(result.status == 0, "\(result)")
                #expect(result.errors.contains("1: Pulling from \(registry.host)/team/app"), "\(result)")
                #expect(result.errors.components(separatedBy: "Pull complete").count == 3, "\(result)")
                #expect(result.outputText.contains("Status: Downloaded newer image for"))
                let inspected = try await f.succeed(
                    "inspect",
                    "--root",
                    f.scratch.appending("other").string,
                    "\(registry.host)/team/app:1"
                )
                #expect(inspected.outputText.contains(image.id))
                let again = try await pull(f, "\(registry.host)/team/app:1")
                #expect(again.errors.components(separatedBy: "Already exists").count == 3, "\(again)")
                #expect(again.outputText.contains("Status: Image is up to date for"))
            }
        }
    }

    @Test("a push says what Docker says, and a second one sends no blob")
    func pushTwice() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                try await push(f, to: registry)
                try registry.forgetRequests()
                let again = try await f.succeed("push", "\(registry.host)/team/app:1")
                #expect(again.errors.contains("The push refers to repository [\(registry.host)/team/app]"))
                #expect(again.errors.components(separatedBy: "Layer already exists").count == 3, "\(again)")
                #expect(again.outputText.hasPrefix("1: digest: sha256:"), "\(again)")
                #expect(!registry.requests.contains { $0.hasPrefix("POST") || $0.hasPrefix("PATCH") })
                try await f.succeed("tag", "\(registry.host)/team/app:1", "\(registry.host)/other/name:2")
                let mounted = try await f.succeed("push", "\(registry.host)/other/name:2")
                #expect(mounted.errors.components(separatedBy: "Mounted from team/app").count == 3, "\(mounted)")
            }
        }
    }

    @Test("the compressed bytes of a layer are the same in every store")
    func deterministic() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                try await push(f, to: registry)
                let other = ["--root", f.scratch.appending("third").string]
                let file = try f.dockerfile("FROM scratch\nCOPY a /a\nCOPY b /b\nENV K=other")
                let reference = "\(registry.host)/team/app:2"
                _ = try await f.start(["build", "-t", reference, "-f", file, "."] + other).wait().requireSuccess()
                let pushed = try await f.start(["push", reference] + other).wait().requireSuccess()
                #expect(pushed.errors.components(separatedBy: "Layer already exists").count == 3, "\(pushed)")
            }
        }
    }

    @Test("a base that is missing is pulled by FROM, and used without any network afterwards")
    func from() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                try await push(f, to: registry)
                let root = ["--root", f.scratch.appending("other").string]
                let file = try f.dockerfile("FROM \(registry.host)/team/app:1\nENV MORE=1")
                let first = try await f.start(["build", "-f", file, "."] + root).wait().requireSuccess()
                #expect(first.errors.contains("Pulling from \(registry.host)/team/app"), "\(first)")
                try registry.forgetRequests()
                _ = try await f.start(["build", "-f", file, "."] + root).wait().requireSuccess()
                #expect(registry.requests == [])
                _ = try await f.start(["build", "--pull", "-f", file, "."] + root).wait().requireSuccess()
                #expect(registry.requests.contains { $0.contains("/manifests/1") })
                let never = try await f.start(
                    ["build", "--pull=never", "-f", file, ".", "--root", f.scratch.appending("third").string]
                ).wait()
                #expect(never.status == 1)
                #expect(never.errors.contains(":1:6: error: image `\(registry.host)/team/app:1`"), "\(never)")
            }
        }
    }

    @Test("a registry that is not there is told at the FROM line")
    func unreachable() async throws {
        try await BuildFixture.with { f in
            let message = try await f.buildFailing("FROM 127.0.0.1:9/x/y\n")
            #expect(
                message.contains(
                    ":1:6: error: image `127.0.0.1:9/x/y:latest` is not in the store and cannot be pulled"
                ),
                "\(message)"
            )
            #expect(message.contains("127.0.0.1:9"))
        }
    }

    // MARK: Logins

    @Test("a name and password open a registry that asks for them itself")
    func basic() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f, .basic) { registry in
                try f.write("a", "one")
                let reference = "\(registry.host)/x/y:1"
                _ = try await f.build("FROM scratch\nCOPY a /", "-t", reference)
                let denied = try await f.swiftbuild("push", reference)
                #expect(denied.status == 1)
                #expect(denied.errors.contains("wants a login"), "\(denied)")
                #expect(denied.errors.contains("swiftbuild login \(registry.host)"), "\(denied)")
                let wrong = try await f.swiftbuild(
                    "login",
                    "-u",
                    "user",
                    "--password-stdin",
                    registry.host,
                    input: "wrong\n"
                )
                #expect(wrong.status == 1 && !wrong.errors.contains("wrong"), "\(wrong)")
                let login = try await f.swiftbuild(
                    "login",
                    "-u",
                    "user",
                    "--password-stdin",
                    registry.host,
                    input: "pass word\n"
                )
                #expect(login.status == 0 && login.line == "Login Succeeded", "\(login)")
                try await f.succeed("push", reference)
                let kept = try readFile(f.scratch.appending(".docker/config.json"))
                #expect(String(decoding: kept, as: UTF8.self).contains(registry.host))
                #expect(try await f.succeed("logout", registry.host).line.hasPrefix("Removing login"))
                #expect(try await f.swiftbuild("push", reference).status == 1)
            }
        }
    }

    @Test("tokens are fetched for what is needed, and again when they have ended")
    func bearer() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f, .bearer(lifetime: 60)) { registry in
                try f.write("a", "one")
                let reference = "\(registry.host)/x/y:1"
                _ = try await f.build("FROM scratch\nCOPY a /", "-t", reference)
                #expect(try await f.swiftbuild("push", reference).status == 1)
                let login = try await f.swiftbuild(
                    "login",
                    "-u",
                    "user",
                    "--password-stdin",
                    registry.host,
                    input: "pass word"
                )
                #expect(login.status == 0, "\(login)")
                try await f.succeed("push", reference)
                try await f.succeed("logout", registry.host)
                let pulled = try await pull(f, reference)
                #expect(pulled.status == 0, "\(pulled)")
                // The password goes to the token server only.
                #expect(!registry.requests.contains { $0.contains("/v2/") && $0.hasSuffix("Basic") })
            }
        }
    }

    @Test("a credential helper is asked, and its secret goes nowhere else")
    func helper() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f, .basic) { registry in
                let log = f.scratch.appending("helper.log")
                let helper = f.scratch.appending("bin/docker-credential-test")
                try FileManager.default.createDirectory(
                    atPath: f.scratch.appending("bin").string,
                    withIntermediateDirectories: true
                )
                let script = """
                    #!/bin/sh
                    host=$(cat)
                    echo "$1 $# $host" >> \(log)
                    echo '{"ServerURL":"'$host'","Username":"user","Secret":"pass word"}'
                    """
                try Data(script.utf8).write(to: URL(fileURLWithPath: helper.string))
                chmod(helper.string, 0o755)
                let file = f.scratch.appending("auth.json")
                try Data(#"{"credHelpers":{"\#(registry.host)":"test"}}"#.utf8)
                    .write(to: URL(fileURLWithPath: file.string))
                let variables = [
                    "REGISTRY_AUTH_FILE": file.string, "PATH": "\(f.scratch)/bin:\(Machine.searchPath)",
                ]
                try f.write("a", "one")
                let reference = "\(registry.host)/x/y:1"
                _ = try await f.build("FROM scratch\nCOPY a /", "-t", reference)
                let result = try await f.start(["push", reference], environment: variables).wait()
                #expect(result.status == 0, "\(result)")
                #expect(!result.errors.contains("pass word"))
                let asked = String(decoding: try readFile(log), as: UTF8.self)
                #expect(asked == "get 1 \(registry.host)\n")
                // A helper that is not there is named.
                try Data(#"{"credsStore":"nowhere"}"#.utf8).write(to: URL(fileURLWithPath: file.string))
                let missing = try await f.start(["push", reference], environment: variables).wait()
                #expect(missing.status == 1 && missing.errors.contains("docker-credential-nowhere"), "\(missing)")
            }
        }
    }

    @Test("a certificate of an unknown CA is refused, and taken where certs.d or the configuration says so")
    func certificates() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f, .secure) { registry in
                try f.write("a", "one")
                // Not by its loopback address, which may also be reached without https.
                let reference = "\(registry.host)/x/y:1"
                _ = try await f.build("FROM scratch\nCOPY a /", "-t", reference)
                let refused = try await f.swiftbuild("push", reference)
                #expect(refused.status == 1, "\(refused)")
                let directory = f.scratch.appending(".config/containers/certs.d/\(registry.host)")
                try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
                try FileManager.default.copyItem(
                    atPath: registry.certificate.string,
                    toPath: directory.appending("ca.crt").string
                )
                try await f.succeed("push", reference)
                try FileManager.default.removeItem(atPath: directory.string)
                _ = try await f.start(
                    ["push", reference],
                    environment: ["SWIFTBUILD_INSECURE_REGISTRIES": registry.host]
                ).wait().requireSuccess()
            }
        }
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

    // MARK: Bad answers

    @Test(
        "what a registry does wrong is told, and nothing of it stays",
        arguments: [
            ("9 GET /blobs/ corrupt", "does not have the digest"),
            ("9 GET /blobs/ shorter 5", "bytes long"),
            ("9 GET /blobs/ longer 1000000", "bytes long"),
            ("9 GET /manifests/ corrupt", "not valid"),
            ("9 GET /manifests/ body {\"schemaVersion\":2,\"manifests\":[],\"layers\":[]}", "index and a manifest"),
            ("9 GET /manifests/ body {\"schemaVersion\":1}", "schema version 1"),
            ("9 GET /manifests/ body <html>", "no JSON"),
            ("9 GET /manifests/ status 404", "there is no manifest `1`"),
            ("9 GET /manifests/ status 403", "refuses manifest `1`"),
            ("9 GET /manifests/ status 401", "wants a login"),
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
            "1 GET /manifests/ status 429 Retry-After:1", "2 GET /blobs/ slow 1",
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

    @Test("an upload that breaks off goes on where it broke")
    func brokenUpload() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                var state: UInt64 = 1
                let bytes: [UInt8] = (0..<12_000_000).map { _ in
                    state = state &* 6_364_136_223_846_793_005 &+ 1
                    return UInt8(truncatingIfNeeded: state >> 33)
                }
                try f.write("large", bytes: bytes)
                let reference = "\(registry.host)/x/large:1"
                let image = try await f.build("FROM scratch\nCOPY large /", "-t", reference)
                try registry.fail("1 PATCH . swallow 5000000", "1 PATCH . status 502")
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

    // MARK: Other tools

    @Test("skopeo reads what was pushed, and what skopeo pushed is pulled", .enabled(if: Machine.has("skopeo")))
    func skopeo() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let image = try await push(f, to: registry)
                let inspected = try await Machine.run(
                    ["skopeo", "inspect", "--config", "--tls-verify=false", "docker://\(registry.host)/team/app:1"],
                    in: f.scratch
                )
                #expect(inspected.status == 0 && inspected.outputText.contains("\"K=v\""), "\(inspected)")
                for format in ["oci", "v2s2"] {
                    let copied = try await Machine.run(
                        [
                            "skopeo", "copy", "--format", format, "--dest-tls-verify=false",
                            "oci:\(f.store):image-under-test", "docker://\(registry.host)/skopeo/\(format):1",
                        ],
                        in: f.scratch
                    )
                    #expect(copied.status == 0, "\(copied)")
                    let result = try await pull(f, "\(registry.host)/skopeo/\(format):1", "-q", store: format)
                    #expect(result.status == 0, "\(result)")
                    let root = f.scratch.appending(format)
                    let listed = try await f.succeed("images", "-q", "--no-trunc", "--root", root.string)
                    // Docker's configuration is another document.
                    if format == "oci" { #expect(listed.line == image.id) }
                }
            }
        }
    }
}

extension CommandResult {
    func requireSuccess(sourceLocation: SourceLocation = #_sourceLocation) throws -> CommandResult {
        try #require(status == 0, "\(self)", sourceLocation: sourceLocation)
        return self
    }
}
