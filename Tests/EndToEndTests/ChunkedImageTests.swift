internal import Foundation
internal import SystemPackage
internal import Testing

/// Images whose layers have tables of contents, in a real registry.
@Suite("Images with tables of contents", .enabled(if: RegistryServer.isAvailable, "\(RegistryServer.needs)"))
struct ChunkedImageTests: RegistryTesting {
    private struct Manifest: Decodable {
        struct Part: Decodable {
            let mediaType: String
            let digest: String
            let annotations: [String: String]?
        }

        let config: Part
        let layers: [Part]
    }

    private struct Configuration: Decodable {
        struct RootFilesystem: Decodable { let diff_ids: [String] }
        let rootfs: RootFilesystem
        let history: [[String: JSONText]]
    }

    /// Any value; only how many there are counts.
    private struct JSONText: Decodable { init(from decoder: any Decoder) throws {} }

    private func manifest(_ registry: RegistryServer, _ f: BuildFixture) async throws -> Manifest {
        let text = try await registry.manifest("team/app", "1", in: f.scratch)
        return try JSONDecoder().decode(Manifest.self, from: Data(text.utf8))
    }

    /// The file of a blob in the first store.
    private func blob(_ digest: String, _ f: BuildFixture) -> FilePath {
        f.store.appending("blobs/sha256").appending(String(digest.dropFirst("sha256:".count)))
    }

    private func succeed(_ f: BuildFixture, _ arguments: [String]) async throws -> CommandResult {
        try await f.start(arguments).wait().requireSuccess()
    }

    private static let forms = ["estargz", "zstd:chunked"]
    private static let own = ["/.no.prefetch.landmark", "/stargz.index.json"]

    @Test(
        "are pulled again with all files, and their layers are what the configuration says",
        .enabled(if: Machine.has("zstd"), "needs zstd"),
        arguments: forms
    )
    func roundTrip(_ compression: String) async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let image = try await push(f, to: registry, "--compression", compression)
                let manifest = try await manifest(registry, f)
                let text = try Data(contentsOf: URL(fileURLWithPath: blob(manifest.config.digest, f).string))
                let configuration = try JSONDecoder().decode(Configuration.self, from: text)
                // Another tar has another diff ID, and so the image another ID.
                #expect((manifest.config.digest == image.id) == (compression != "estargz"))
                let isGzip = compression == "estargz"
                #expect(manifest.layers.allSatisfy { $0.mediaType.hasSuffix("tar+\(isGzip ? "gzip" : "zstd")") })
                #expect(manifest.layers.count == 2 && configuration.rootfs.diff_ids.count == 2)
                for (layer, diffID) in zip(manifest.layers, configuration.rootfs.diff_ids) {
                    let reader = Machine.repository.appending("Tests/EndToEndTests/Servers/read-chunked").string
                    let annotations = (layer.annotations ?? [:]).map { "\($0.key)=\($0.value)" }
                    let read = try await Machine.run(
                        [reader, isGzip ? "estargz" : "zstd", blob(layer.digest, f).string] + annotations,
                        in: f.scratch
                    )
                    #expect(read.status == 0 && read.line == "\(diffID) \(isGzip ? 2 : 1)", "\(read)")
                }
                let name = "\(registry.host)/team/app:1"
                _ = try await pull(f, name).requireSuccess()
                #expect(try await images(f, in: "other") == [manifest.config.digest])
                let root = ["--root", f.scratch.appending("other").string]
                let files = try await succeed(f, ["ls"] + root + ["-R", name]).outputText
                for file in ["a", "b"] + (isGzip ? Self.own.map { String($0.dropFirst()) } : []) {
                    #expect(files.contains(file), "\(files)")
                }
                let content = try await succeed(f, ["cat"] + root + ["\(name):/a"])
                #expect(content.outputText == "one")
                let history = try await succeed(f, ["history", "-q", "docker://\(name)"])
                #expect(history.outputText.split(separator: "\n").count == configuration.history.count)
                let inspected = try await succeed(f, ["inspect", "-f", "{{.Id}}", "docker://\(name)"])
                #expect(inspected.line == manifest.config.digest)
                // Nothing is compressed or sent a second time, and what was pulled goes on as it came.
                try registry.forgetRequests()
                let again = try await f.succeed("push", "--compression", compression, name)
                #expect(again.errors.components(separatedBy: "Layer already exists").count == 3, "\(again)")
                _ = try await f.start(["push"] + root + [name]).wait().requireSuccess()
                let passed = try await self.manifest(registry, f)
                #expect(passed.config.digest == manifest.config.digest)
                #expect(passed.layers.map(\.annotations) == manifest.layers.map(\.annotations))
            }
        }
    }

    @Test(
        "run, with layers above a base that are made while later steps work",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)"),
        arguments: forms
    )
    func runs(_ compression: String) async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                try await f.importBase()
                try f.write("a", "one")
                let name = "\(registry.host)/team/app:1"
                let file = try f.dockerfile("FROM base\nCOPY a /a\nRUN ln /a /b && rm -r /tmp")
                try await f.succeed("build", "-f", file, "-t", name, "--push", "--compression", compression, ".")
                _ = try await pull(f, name).requireSuccess()
                let root = ["--root", f.scratch.appending("other").string]
                let result = try await succeed(
                    f,
                    ["run"] + root + [
                        "--rm", "--network", "none", name, "sh", "-c", "cat /a /b; ls -d /tmp || echo none",
                    ]
                )
                #expect(result.outputText == "oneonenone\n", "\(result)")
            }
        }
    }

    /// podman 4 knows the annotations of zstd:chunked by the names that they had first.
    private static let renaming = """
        import sys
        path = sys.argv[1] + "/manifest.json"
        text = open(path).read().replace("io.github.containers.zstd-chunked", "io.containers.zstd-chunked")
        open(path, "w").write(text)
        """

    @Test(
        "are fetched file by file by podman",
        .enabled(
            if: Machine.canRun && ["podman", "skopeo"].allSatisfy(Machine.has),
            "needs podman, skopeo, and what RUN needs"
        ),
        arguments: forms
    )
    func podman(_ compression: String) async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                _ = try await push(f, to: registry, "--compression", compression)
                func copy(_ from: String, _ to: String) async throws {
                    let flags = ["--src-tls-verify=false", "--dest-tls-verify=false"]
                    let result = try await Machine.run(["skopeo", "copy", "-q"] + flags + [from, to], in: f.scratch)
                    #expect(result.status == 0, "\(result)")
                }
                let name = "127.0.0.1:\(registry.port)/team/app:1"
                let directory = f.scratch.appending("copy").string
                try await copy("docker://\(name)", "dir:\(directory)")
                let renamed = try await Machine.run(["python3", "-c", Self.renaming, directory], in: f.scratch)
                #expect(renamed.status == 0, "\(renamed)")
                try await copy("dir:\(directory)", "docker://\(name)")
                let place = "/tmp/podman-\(UUID().uuidString.prefix(8))"
                defer { try? FileManager.default.removeItem(atPath: place) }
                try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
                let storage = """
                    [storage]
                    driver = "overlay"
                    graphroot = "\(place)/root"
                    runroot = "\(place)/run"
                    [storage.options]
                    pull_options = {enable_partial_images = "true", use_hard_links = "false", ostree_repos = ""}
                    """
                try Data(storage.utf8).write(to: URL(fileURLWithPath: place + "/storage.conf"))
                let environment = [
                    "CONTAINERS_STORAGE_CONF": place + "/storage.conf", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                ]
                let probe = try await Machine.run(["podman", "images"], environment: environment, in: f.scratch)
                guard probe.status == 0 else { return print("skipped: podman has no overlay on this machine") }
                let pulled = try await Machine.run(
                    ["podman", "--log-level", "debug", "pull", "--tls-verify=false", name],
                    environment: environment,
                    in: f.scratch
                )
                #expect(pulled.status == 0, "\(pulled)")
                #expect(pulled.errors.components(separatedBy: "Retrieved partial blob").count == 3, "\(pulled)")
                let found = try await Machine.run(
                    ["sh", "-c", "cat \(place)/root/overlay/*/diff/a; cat \(place)/root/overlay/*/diff/b | wc -c"],
                    in: f.scratch
                )
                #expect(found.outputText == "one300000\n", "\(found)")
            }
        }
    }

    @Test("of estargz are not for a shared cache, and the reason is told")
    func cache() async throws {
        try await BuildFixture.with { f in
            let file = try f.dockerfile("FROM scratch\nENV a=b")
            let cache = "type=local,dest=\(f.scratch.appending("cache")),compression=estargz"
            let result = try await f.start(["build", "-f", file, "--cache-to", cache, "."]).wait()
            #expect(result.status != 0 && result.errors.contains("compression=zstd:chunked"), "\(result)")
        }
    }
}
