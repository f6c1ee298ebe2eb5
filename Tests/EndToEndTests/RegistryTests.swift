internal import Foundation
internal import Glibc
internal import SystemPackage
internal import Testing

/// Images between stores and a real registry.
@Suite("Registries", .enabled(if: RegistryServer.isAvailable, "\(RegistryServer.needs)"))
struct RegistryTests: RegistryTesting {
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

    @Test("layers that were pulled are compressed anew where that is asked for", arguments: ["zstd", "uncompressed"])
    func forcedCompression(_ compression: String) async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let image = try await push(f, to: registry, "--compression", "gzip")
                let root = ["--root", f.scratch.appending("other").string]
                _ = try await pull(f, "\(registry.host)/team/app:1").requireSuccess()
                let name = "\(registry.host)/other/app:2"
                _ = try await f.start(["tag"] + root + ["\(registry.host)/team/app:1", name]).wait().requireSuccess()
                let flags = ["--compression", compression]
                _ = try await f.start(["push"] + root + flags + [name]).wait().requireSuccess()
                #expect(try await registry.manifest("other/app", "2", in: f.scratch).contains("tar+gzip"))
                _ = try await f.start(["push"] + root + flags + ["--force-compression", name]).wait().requireSuccess()
                let manifest = try await registry.manifest("other/app", "2", in: f.scratch)
                #expect(!manifest.contains("tar+gzip"), "\(manifest)")
                #expect(manifest.contains("tar+zstd") == (compression == "zstd"), "\(manifest)")
                _ = try await pull(f, name, store: "third").requireSuccess()
                #expect(try await images(f, in: "third") == [image.id])
            }
        }
    }

    @Test(
        "layers are compressed for a push while later steps work",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)")
    )
    func earlyCompression() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                try await f.importBase()
                try f.write("a", "one")
                let name = "\(registry.host)/team/app:1"
                let file = try f.dockerfile("FROM base AS first\nCOPY a /a\nFROM first\nRUN sleep 60")
                let build = try f.start(["build", "-f", file, "-t", name, "--push", "."])
                let directory = f.store.appending("compressed-v1").string
                var known: [String] = []
                for _ in 0..<3000 where known.isEmpty {
                    try await Task.sleep(for: .milliseconds(10))
                    known = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
                }
                #expect(known.count == 1)
                build.signal(SIGINT)
                #expect(try await build.wait().status == 130)
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
                // The configuration is asked for by taking it over from where it should be.
                let posts = registry.requests.filter { $0.hasPrefix("POST") }
                #expect(posts.count == 1 && posts[0].contains("?mount=") && posts[0].contains(" 201 "), "\(posts)")
                #expect(
                    !registry.requests.contains { $0.hasPrefix("PATCH") || $0.hasPrefix("PUT /v2/team/app/blobs/") }
                )
                try await f.succeed("tag", "\(registry.host)/team/app:1", "\(registry.host)/other/name:2")
                let mounted = try await f.succeed("push", "\(registry.host)/other/name:2")
                #expect(mounted.errors.components(separatedBy: "Mounted from team/app").count == 3, "\(mounted)")
            }
        }
    }

    @Test("the digest in a registry is known after a push and after a pull by tag")
    func repositoryDigests() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                try await push(f, to: registry)
                let name = "\(registry.host)/team/app"
                let pulled = try await pull(f, "\(name):1").requireSuccess()
                let digest = try #require(pulled.outputText.split(separator: "\n").first).dropFirst("Digest: ".count)
                for root in [f.store, f.scratch.appending("other")] {
                    let store = ["SWIFTBUILD_ROOT": root.string]
                    let format = "{{index .RepoDigests 0}} {{len .RepoDigests}}"
                    let inspected = try await f.succeed("inspect", "-f", format, "\(name):1", environment: store)
                    #expect(inspected.line == "\(name)@\(digest) 1")
                    let listed = try await f.succeed("images", "--digests", name, environment: store)
                    #expect(listed.outputText.contains(" 1     \(digest) "), "\(listed)")
                    let shown = try await f.succeed(
                        "images",
                        "--format",
                        "{{.Digest}}",
                        "\(name)@\(digest)",
                        environment: store
                    )
                    #expect(shown.line == digest)
                }
                // A name that was never in a registry has none.
                try await f.succeed("tag", "\(name):1", "local")
                #expect(try await f.succeed("images", "--digests", "local").outputText.contains(" <none> "))
            }
        }
    }

    @Test("an index may leave out platforms, and list artifacts beside the image")
    func unlabelledIndex() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let image = try await push(f, to: registry)
                let script = """
                    import hashlib, json, sys, urllib.request
                    base = f"http://{sys.argv[1]}/v2/team/app"
                    def request(path, data=None, method="GET", **headers):
                        return urllib.request.urlopen(urllib.request.Request(base + path, data, headers, method=method))
                    def blob(data):
                        digest = "sha256:" + hashlib.sha256(data).hexdigest()
                        place = request("/blobs/uploads/", b"", "POST").headers["Location"]
                        place = place if "://" in place else f"http://{sys.argv[1]}" + place
                        urllib.request.urlopen(urllib.request.Request(place + ("&" if "?" in place else "?") + "digest=" + digest, data, {"Content-Type": "application/octet-stream"}, method="PUT"))
                        return {"digest": digest, "size": len(data)}
                    def manifest(value, name=None, kind="manifest"):
                        data = json.dumps(value).encode()
                        digest = "sha256:" + hashlib.sha256(data).hexdigest()
                        media = f"application/vnd.oci.image.{kind}.v1+json"
                        request("/manifests/" + (name or digest), data, "PUT", **{"Content-Type": media})
                        return {"mediaType": media, "digest": digest, "size": len(data)}
                    accept = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
                    data = request("/manifests/1", **accept).read()
                    image = {"mediaType": accept["Accept"], "digest": "sha256:" + hashlib.sha256(data).hexdigest(), "size": len(data)}
                    empty = blob(b"{}") | {"mediaType": "application/vnd.oci.empty.v1+json"}
                    note = manifest({"schemaVersion": 2, "mediaType": accept["Accept"], "config": empty, "layers": [blob(b"sbom") | {"mediaType": "text/plain"}]})
                    index = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json"}
                    platform = {"platform": {"os": "linux", "architecture": sys.argv[2]}}
                    manifest(index | {"manifests": [note, image]}, "bare", "index")
                    manifest(index | {"manifests": [note | platform, image | platform]}, "labelled", "index")
                    manifest(index | {"manifests": [note, manifest(index | {"manifests": [image]}, None, "index")]}, "nested", "index")
                    manifest(index | {"manifests": [note]}, "none", "index")
                    manifest({"schemaVersion": 2, "mediaType": accept["Accept"], "config": blob(b'{"name":"c"}') | {"mediaType": "application/vnd.cncf.helm.config.v1+json"}, "layers": [blob(b"c") | {"mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip"}]}, "chart")
                    """
                let inspected = try await f.succeed("inspect", "-f", "{{.Architecture}}", "\(registry.host)/team/app:1")
                let put = try await Machine.run(
                    ["python3", "-c", script, registry.host, inspected.line],
                    in: f.scratch
                )
                try #require(put.status == 0, "\(put)")
                for tag in ["bare", "labelled", "nested"] {
                    _ = try await pull(f, "\(registry.host)/team/app:\(tag)", store: tag).requireSuccess()
                    #expect(try await images(f, in: tag) == [image.id], "\(tag)")
                }
                let none = try await pull(f, "\(registry.host)/team/app:none")
                #expect(none.status == 1 && none.errors.contains("no image for linux/"), "\(none)")
                let chart = try await pull(f, "\(registry.host)/team/app:chart")
                #expect(
                    chart.status == 1 && chart.errors.contains("application/vnd.cncf.helm.config.v1+json"),
                    "\(chart)"
                )
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
                #expect(denied.errors.contains("requires a login"), "\(denied)")
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
                // What one repository has, another one gets from it, where one may pull there.
                func push(to repository: String) async throws -> Bool {
                    let other = "\(registry.host)/\(repository):1"
                    try await f.succeed("tag", reference, other)
                    try registry.forgetRequests()
                    try await f.succeed("push", other)
                    let mount = "POST /v2/\(repository)/blobs/uploads/?mount="
                    return registry.requests.contains { $0.hasPrefix(mount) && $0.contains(" 201 ") }
                }
                #expect(try await push(to: "x/z"), "\(registry.requests)")
                let secret = URL(fileURLWithPath: registry.control.appending("secret").string)
                try Data("x/y".utf8).write(to: secret)
                #expect(try await !push(to: "other/z"), "\(registry.requests)")
                try FileManager.default.removeItem(at: secret)
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
            try await RegistryServer.with(f, .secure()) { registry in
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

    @Test("a registry that asks who comes gets the certificate of certs.d")
    func clientCertificate() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f, .secure(asksClients: true)) { registry in
                try f.write("a", "one")
                let reference = "\(registry.host)/x/y:1"
                _ = try await f.build("FROM scratch\nCOPY a /", "-t", reference)
                let directory = f.scratch.appending(".config/containers/certs.d/\(registry.host)")
                try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
                func copy(_ file: FilePath, _ name: String) throws {
                    try FileManager.default.copyItem(atPath: file.string, toPath: directory.appending(name).string)
                }
                try copy(registry.certificate, "ca.crt")
                let refused = try await f.swiftbuild("push", reference)
                #expect(refused.status == 1 && refused.errors.contains(registry.host), "\(refused)")
                try copy(registry.certificate, "client.cert")
                let incomplete = try await f.swiftbuild("push", reference)
                #expect(incomplete.status == 1 && incomplete.errors.contains("client.key"), "\(incomplete)")
                try copy(registry.key, "client.key")
                try await f.succeed("push", reference)
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
