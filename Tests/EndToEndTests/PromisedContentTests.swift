internal import Foundation
internal import SystemPackage
internal import Testing

/// Layers that stay in their registry until something reads them.
@Suite("Promised content", .enabled(if: RegistryServer.isAvailable, "\(RegistryServer.needs)"))
struct PromisedContentTests: RegistryTesting {
    /// A base in the registry that no other store has.
    private static func prepare(_ f: BuildFixture, _ registry: RegistryServer) async throws -> String {
        try await f.importBase("\(registry.host)/base:1")
        try await f.succeed("push", "\(registry.host)/base:1")
        try registry.forgetRequests()
        return "\(registry.host)/base:1"
    }

    private static func start(_ f: BuildFixture, _ arguments: String...) throws -> RunningCommand {
        try f.start([arguments[0], "--root", f.scratch.appending("other").string] + arguments.dropFirst())
    }

    private static func blobs(_ registry: RegistryServer, of repository: String = "base") -> [String] {
        registry.requests.filter { $0.hasPrefix("GET /v2/\(repository)/blobs/") }
    }

    private static func index(_ f: BuildFixture) throws -> String {
        String(decoding: try readFile(f.scratch.appending("other/index.json")), as: UTF8.self)
    }

    @Test("an image that is only pushed leaves the layers of its base where they are")
    func pushed() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let base = try await Self.prepare(f, registry)
                let file = try f.dockerfile("FROM \(base)\nENV A=b\nCMD [\"echo\", \"hello\"]")
                let name = "\(registry.host)/team/app:1"
                let built = try await Self.start(f, "build", "-f", file, "-t", name, "--push", ".").wait()
                    .requireSuccess()
                // The configuration alone.
                #expect(Self.blobs(registry).count == 1, "\(registry.requests)")
                #expect(built.errors.contains("Mounted from base"), "\(built)")
                // A second build asks for nothing but what a push asks for.
                try registry.forgetRequests()
                _ = try await Self.start(f, "build", "-f", file, "-t", name, "--push", ".").wait().requireSuccess()
                #expect(registry.requests.allSatisfy { !$0.contains("/v2/base/") && !$0.hasPrefix("GET") })
                // Other tools see complete images only; ours complete what they need.
                #expect(try !Self.index(f).contains("team/app"))
                let layout = f.scratch.appending("layout/").string
                _ = try await Self.start(f, "inspect", name).wait().requireSuccess()
                _ = try await Self.start(f, "history", name).wait().requireSuccess()
                #expect(try !Self.index(f).contains("team/app"))
                _ = try await Self.start(f, "save", "--format", "oci", "-o", layout, name).wait().requireSuccess()
                #expect(try Self.index(f).contains("team/app"))
                try registry.fail("99 * . status 500")
                let listed = try await Self.start(f, "ls", "\(name):/bin").wait().requireSuccess()
                #expect(listed.outputText.contains("busybox"), "\(listed)")
                if Machine.canRun {
                    let ran = try await Self.start(f, "run", "--rm", name).wait().requireSuccess()
                    #expect(ran.outputText == "hello\n")
                }
            }
        }
    }

    @Test("an image that has a name in the store is complete, and later builds need no network")
    func kept() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let base = try await Self.prepare(f, registry)
                let file = try f.dockerfile("FROM \(base)\nENV A=b")
                _ = try await Self.start(f, "build", "-f", file, "-t", "app", ".").wait().requireSuccess()
                #expect(try Self.index(f).contains("\"docker.io/library/app:latest\""))
                // The base has come with it.
                #expect(try Self.index(f).contains("base"))
                try registry.fail("99 * . status 500")
                _ = try await Self.start(f, "build", "-f", file, "-t", "app", ".").wait().requireSuccess()
                let saved = f.scratch.appending("app.tar").string
                _ = try await Self.start(f, "save", "-o", saved, "app").wait().requireSuccess()
                _ = try await Self.start(f, "doctor").wait().requireSuccess()
            }
        }
    }

    @Test(
        "each command that needs the layers of an image fetches them",
        arguments: ["save", "ls", "run", "tag", "index"]
    )
    func completed(_ command: String) async throws {
        try #require(command != "run" || Machine.canRun)
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let base = try await Self.prepare(f, registry)
                let file = try f.dockerfile("FROM \(base)\nENV A=b")
                let name = "\(registry.host)/team/app:1"
                _ = try await Self.start(f, "build", "-f", file, "-t", name, "--push", ".").wait().requireSuccess()
                try registry.forgetRequests()
                switch command {
                case "save":
                    let path = f.scratch.appending("saved").string
                    _ = try await Self.start(f, "save", "-o", path, name).wait().requireSuccess()
                    try await f.succeed("load", "-i", path)
                case "ls":
                    let listed = try await Self.start(f, "ls", "\(name):/bin").wait().requireSuccess()
                    #expect(listed.outputText.contains("busybox"))
                case "run":
                    let ran = try await Self.start(f, "run", "--rm", name, "echo", "x").wait().requireSuccess()
                    #expect(ran.outputText == "x\n")
                case "tag":
                    // In the same registry, pushing takes no bytes.
                    let other = "\(registry.host)/other/app:2"
                    _ = try await Self.start(f, "tag", name, other).wait().requireSuccess()
                    let pushed = try await Self.start(f, "push", other).wait().requireSuccess()
                    #expect(pushed.errors.contains("Mounted from"), "\(pushed)")
                    #expect(!registry.requests.contains { $0.hasPrefix("GET") && $0.contains("/blobs/") })
                    #expect(try await pull(f, other, store: "third").status == 0)
                default:
                    let other = "\(registry.host)/index/app:2"
                    let store = ["SWIFTBUILD_ROOT": f.scratch.appending("other").string]
                    try await f.succeed("index", "create", other, name, environment: store)
                    try await f.succeed("index", "push", other, environment: store)
                    #expect(try await pull(f, other, store: "third").status == 0)
                }
            }
        }
    }

    @Test(
        "a promise that cannot be kept makes a build slower, not fail",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)")
    )
    func unkept() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let base = try await Self.prepare(f, registry)
                let name = "\(registry.host)/team/app:1"
                let first = try f.dockerfile("FROM \(base)\nENV A=b")
                _ = try await Self.start(f, "build", "-f", first, "-t", name, "--push", ".").wait().requireSuccess()
                // Another image has the name now, and nobody has the layers of the first one.
                let own = f.scratch.appending("new").string
                let changed = try f.dockerfile("FROM scratch\nCOPY --from=\(base) / /\nCOPY new /new")
                try f.write("new", "new\n")
                _ = try await f.start(["build", "--root", own, "-f", changed, "-t", base, "."]).wait().requireSuccess()
                try await RegistryServer.with(f) { second in
                    let moved = base.replacingOccurrences(of: registry.host, with: second.host)
                    _ = try await f.start(["tag", "--root", own, base, moved]).wait().requireSuccess()
                    _ = try await f.start(["push", "--root", own, moved]).wait().requireSuccess()
                    let settings = f.scratch.appending("registries.conf")
                    let text = "[[registry]]\nprefix = \"\(registry.host)\"\nlocation = \"\(second.host)\"\n"
                    try Data(text.utf8).write(to: URL(fileURLWithPath: settings.string))
                    let file = try f.dockerfile("FROM \(base)\nRUN cat /new >/copy")
                    let built = try await f.start(
                        ["build", "--root", f.scratch.appending("other").string, "-f", file, "-t", "app", "."],
                        environment: ["CONTAINERS_REGISTRIES_CONF": settings.string]
                    ).wait().requireSuccess()
                    #expect(built.errors.contains("building without relying on them"), "\(built)")
                    let ran = try await Self.start(f, "run", "--rm", "app", "cat", "/copy").wait().requireSuccess()
                    #expect(ran.outputText == "new\n")
                }
            }
        }
    }

    @Test("a base whose registry is gone is a failure that names it")
    func gone() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let base = try await Self.prepare(f, registry)
                let name = "\(registry.host)/team/app:1"
                let first = try f.dockerfile("FROM \(base)\nENV A=b")
                _ = try await Self.start(f, "build", "-f", first, "-t", name, "--push", ".").wait().requireSuccess()
                try registry.fail("999 * . status 404")
                let again = try await Self.start(f, "build", "-f", first, "-t", "app", ".").wait()
                #expect(again.status == 1 && again.errors.contains("image `\(base)`"), "\(again)")
                let never = try await Self.start(f, "build", "--pull=never", "-f", first, "-t", "app", ".").wait()
                #expect(never.status == 1 && never.errors.contains("--pull=never forbids"), "\(never)")
                let saved = try await Self.start(f, "save", "-o", f.scratch.appending("x").string, name).wait()
                #expect(saved.status == 1 && saved.errors.contains(registry.host), "\(saved)")
            }
        }
    }

    @Test("a COPY on a base whose index is known needs no bytes of it")
    func knownIndex() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let base = try await Self.prepare(f, registry)
                try f.write("text", "content")
                let name = "\(registry.host)/team/app:1"
                let file = try f.dockerfile("FROM \(base)\nWORKDIR /bin/sub\nCOPY text .\nCOPY text /bin/")
                // The index is all that is known of the base's layer.
                let first = try f.dockerfile("FROM \(base)\nENV A=b")
                _ = try await Self.start(f, "build", "-f", first, "-t", name, "--push", ".").wait().requireSuccess()
                let indexes = f.scratch.appending("other/layers-v1")
                let known = try FileManager.default.contentsOfDirectory(
                    atPath: f.scratch.appending("store/layers-v1").string
                )
                for index in known {
                    try FileManager.default.copyItem(
                        atPath: f.scratch.appending("store/layers-v1/\(index)").string,
                        toPath: indexes.appending(index).string
                    )
                }
                try registry.forgetRequests()
                _ = try await Self.start(f, "build", "-f", file, "-t", name, "--push", ".").wait().requireSuccess()
                #expect(!registry.requests.contains { $0.hasPrefix("GET") && $0.contains("/blobs/") })
                let listed = try await Self.start(f, "ls", "\(name):/bin").wait().requireSuccess()
                #expect(listed.outputText.contains("busybox") && listed.outputText.contains("sub"), "\(listed)")
                #expect(listed.outputText.contains("text"), "\(listed)")
                // The same as on a base that is here.
                let whole = try await f.succeed("build", "-f", file, "-t", "whole", ".")
                #expect(whole.status == 0)
                let layers = "{{json .RootFS.Layers}}"
                let promised = try await Self.start(f, "inspect", "-f", layers, name).wait().requireSuccess()
                #expect(try await f.succeed("inspect", "-f", layers, "whole").line == promised.line)
            }
        }
    }

    @Test("--pull of a base that did not change asks for nothing but a header")
    func head() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let base = try await Self.prepare(f, registry)
                let file = try f.dockerfile("FROM \(base)\nENV A=b")
                _ = try await Self.start(f, "build", "-f", file, ".").wait().requireSuccess()
                try registry.forgetRequests()
                _ = try await Self.start(f, "build", "--pull", "-f", file, ".").wait().requireSuccess()
                #expect(registry.requests == ["HEAD /v2/base/manifests/1 200 -"], "\(registry.requests)")
            }
        }
    }

    @Test("looking at an image in a registry fetches what is looked at, of the platform that is asked for")
    func looking() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let name = "\(registry.host)/team/app:1"
                for architecture in ["amd64", "arm64"] {
                    try f.write("file", architecture)
                    _ = try await f.build(
                        "FROM scratch\nCOPY file /\(architecture)",
                        "--platform",
                        "linux/\(architecture)",
                        "-t",
                        architecture
                    )
                }
                try await f.succeed("index", "create", name, "amd64", "arm64")
                try await f.succeed("index", "push", name)
                try registry.forgetRequests()
                let remote = "docker://\(name)"
                let platform = ["--platform", "linux/arm64"]
                let inspected = try await f.start(
                    ["inspect", "--root", f.scratch.appending("other").string, "-f", "{{.Architecture}}", remote]
                        + platform
                ).wait().requireSuccess()
                #expect(inspected.line == "arm64")
                let history = try await f.start(
                    ["history", "--root", f.scratch.appending("other").string, remote] + platform
                ).wait().requireSuccess()
                #expect(history.outputText.contains("COPY file /arm64"), "\(history)")
                // The configuration, which the second one found in the store.
                #expect(Self.blobs(registry, of: "team/app").count == 1, "\(registry.requests)")
                let listed = try await f.start(
                    ["ls", "--root", f.scratch.appending("other").string, remote] + platform
                ).wait().requireSuccess()
                #expect(listed.line == "arm64")
                #expect(Self.blobs(registry, of: "team/app").count == 2, "\(registry.requests)")
                #expect(try await images(f, in: "other") == [])
                // The same of an index in the store, and of a layout.
                #expect(try await f.succeed("cat", "--platform", "linux/arm64", "\(name):/arm64").line == "arm64")
                let layout = f.scratch.appending("layout/").string
                try await f.succeed("save", "--format", "oci", "--platform", "linux/arm64", "-o", layout, name)
                let read = try await f.start(["ls", "--platform", "linux/arm64", "oci:\(layout)"]).wait()
                    .requireSuccess()
                #expect(read.line == "arm64")
                let wrong = try await f.swiftbuild("ls", "--platform", "linux/s390x", "arm64")
                #expect(wrong.status == 1 && wrong.errors.contains("linux/s390x"), "\(wrong)")
            }
        }
    }
}
