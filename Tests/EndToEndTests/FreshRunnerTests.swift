internal import Foundation
internal import SystemPackage
internal import Testing

/// Machines with an empty store whose steps others have made: what they ask for, and what they say.
@Suite(
    "A fresh runner",
    .enabled(if: RegistryServer.isAvailable, "\(RegistryServer.needs)"),
    .enabled(if: Machine.canRun, "\(Machine.needsRoot)")
)
struct FreshRunnerTests {
    /// A build whose last step takes files from the context, on a base and on results of many steps.
    private static func dockerfile(_ base: String, steps: Int = 3) -> String {
        """
        FROM \(base) AS tools
        RUN mkdir /tools && echo tool >/tools/tool
        FROM \(base)
        ARG LEVEL=1
        ENV MODE=fast
        WORKDIR /srv/app
        \((0..<steps).map { "RUN echo $LEVEL-$MODE-\($0) >>/log" }.joined(separator: "\n"))
        RUN --mount=type=bind,from=tools,target=/mnt cp /mnt/tools/tool /tool
        COPY --from=tools /tools /usr/local/tools
        COPY files /srv/app/files/
        WORKDIR /srv/app/files
        COPY last /srv/app/
        """
    }

    /// A context and a base in the registry, and what a first machine has shared.
    private static func prepare(_ f: BuildFixture, _ registry: RegistryServer, _ cache: String, steps: Int = 3)
        async throws -> String
    {
        try f.write("files/a", "a")
        try f.write("files/b", "b")
        try f.write("last", "last")
        let base = "\(registry.host)/base:1"
        try await f.importBase(base)
        try await f.succeed("push", base)
        let text = dockerfile(base, steps: steps)
        let first = try await build(f, "first", text, "-t", "app", "--cache-to", cache)
        #expect(!first.errors.contains("cannot be used"), "\(first)")
        try registry.forgetRequests()
        return text
    }

    private static func build(_ f: BuildFixture, _ store: String, _ text: String, _ flags: String...) async throws
        -> CommandResult
    {
        try await run(f, store, text, ["build"] + flags).requireSuccess()
    }

    private static func run(_ f: BuildFixture, _ store: String, _ text: String, _ arguments: [String]) async throws
        -> CommandResult
    {
        let directory = f.scratch.appending(store).string
        let file = f.scratch.appending("Dockerfile").string
        try Data((text + "\n").utf8).write(to: URL(fileURLWithPath: file))
        return try await f.start(
            [arguments[0], "--root", directory] + arguments.dropFirst() + ["-f", file, f.context.string]
        ).wait()
    }

    private static func layers(_ f: BuildFixture, _ store: String, _ name: String) async throws -> [String] {
        let shown = try await f.start(
            ["inspect", "--root", f.scratch.appending(store).string, "-f", "{{json .RootFS.Layers}}", name]
        ).wait().requireSuccess().line
        return try JSONDecoder().decode([String].self, from: Data(shown.utf8))
    }

    /// What the blobs are that were fetched, by their first bytes.
    private static func fetched(_ registry: RegistryServer) throws -> [String] {
        try registry.requests.filter { $0.hasPrefix("GET") && $0.contains("/blobs/sha256:") }.map { request in
            let digest = request.split(separator: " ")[1].suffix(64)
            let path = "data/docker/registry/v2/blobs/sha256/\(digest.prefix(2))/\(digest)/data"
            let bytes = try readFile(registry.control.pushing(FilePath(path)))
            switch bytes.prefix(2) {
            case [0x28, 0xB5]: return "index"
            case [UInt8(ascii: "{"), UInt8(ascii: "\"")]: return "configuration"
            default: return "layer"
            }
        }
    }

    private static func ran(_ result: CommandResult) -> Int {
        result.errors.components(separatedBy: "Running in").count - 1
    }

    @Test("finds everything by a few requests one after the other, whatever the number of steps, and moves no layer")
    func cached() async throws {
        for steps in [3, 20] {
            try await BuildFixture.with { f in
                try await RegistryServer.with(f) { registry in
                    let cache = "\(registry.host)/cache"
                    let text = try await Self.prepare(f, registry, cache, steps: steps)
                    try registry.fail("999999 * . slow 0.4")
                    let name = "\(registry.host)/team/app:1"
                    let flags = ["-t", name, "--push", "--cache-from", cache, "--cache-to", cache]
                    let built = try await Self.run(f, "other", text, ["build"] + flags).requireSuccess()
                    #expect(Self.ran(built) == 0, "\(built)")
                    // What the base is stands in the list of the cache; only its header tells that it still is that.
                    let requests = registry.requests
                    #expect(!requests.contains { $0.hasPrefix("GET") && $0.contains("/blobs/") }, "\(requests)")
                    #expect(requests.filter { $0.contains("/v2/base/") }.count == 1, "\(requests)")
                    #expect(requests.contains { $0.hasPrefix("HEAD /v2/base/manifests/1 200") }, "\(requests)")
                    let questions = requests.filter { $0.contains("/v2/cache/manifests/") }
                    #expect(questions.count == 1, "\(questions)")
                    // Each layer is asked for once, by being taken over.
                    let team = requests.filter { $0.contains("/v2/team/app/") }
                    #expect(team.count == steps + 7 + 3, "\(team)")
                    // Four, and one more where many connections at once take longer on a busy machine: the header of the
                    // base and the list; all layers and the beginning of the configuration; its end; the manifest.
                    let chain = registry.longestChain
                    #expect(chain.count <= 5, "\(chain)")
                    #expect(try await Self.layers(f, "other", name) == Self.layers(f, "first", "app"))
                }
            }
        }
    }

    @Test("copies a changed file onto layers of which it has nothing but the names")
    func changed() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let cache = "\(registry.host)/cache"
                let text = try await Self.prepare(f, registry, cache)
                try f.write("files/a", "changed")
                let name = "\(registry.host)/team/app:1"
                let flags = ["-t", name, "--push", "--cache-from", cache, "--cache-to", cache]
                let built = try await Self.run(f, "other", text, ["build"] + flags).requireSuccess()
                #expect(Self.ran(built) == 0, "\(built)")
                let fetched = try Self.fetched(registry)
                #expect(Set(fetched) == ["index"], "\(registry.requests)")
                // The same as where everything is at hand.
                _ = try await Self.build(f, "first", text, "-t", "app")
                #expect(try await Self.layers(f, "other", name) == Self.layers(f, "first", "app"))
                // The layers come when they are read, and are what was said of them.
                let other = f.scratch.appending("other").string
                let ran = try await f.start([
                    "run", "--rm", "--root", other, name, "cat", "/srv/app/files/a", "/tool", "/log",
                ])
                .wait().requireSuccess()
                #expect(ran.outputText == "changedtool\n1-fast-0\n1-fast-1\n1-fast-2\n")
                #expect(try FileManager.default.contentsOfDirectory(atPath: other + "/claims-v1") == [])
                // A third machine has the new step as well.
                try registry.forgetRequests()
                let third = try await Self.run(
                    f,
                    "third",
                    text,
                    ["build", "-t", name, "--push", "--cache-from", cache]
                )
                .requireSuccess()
                #expect(third.errors.contains("shared cache: 10 steps found, 0 layers fetched"), "\(third)")
                #expect(try Self.fetched(registry) == [])
            }
        }
    }

    @Test("makes again what it has made of an index that lied", .enabled(if: Machine.has("zstd"), "needs zstd"))
    func lied() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let directory = f.scratch.appending("shared")
                _ = try await Self.prepare(f, registry, "type=local,dest=\(directory)")
                // The base's /bin is called /bim.
                let program = """
                    import glob, hashlib, json, os, subprocess, sys
                    os.chdir(sys.argv[1])
                    for path in glob.glob("entries/*"):
                        entry = json.load(open(path))
                        if entry["artifactType"] != "application/vnd.swiftbuild.layer.index.v1":
                            if entry["artifactType"].endswith("build.v1+json"): os.remove(path)
                            continue
                        part = entry["layers"][0]
                        old = "blobs/sha256/" + part["digest"].split(":")[1]
                        index = bytearray(subprocess.run(["zstd", "-dc"], stdin=open(old), stdout=-1).stdout)
                        index = bytearray(bytes(index).replace(b"bin", b"bim"))
                        index[88:96] = bytes(8)
                        mask = (1 << 64) - 1
                        total = 0x9E3779B97F4A7C15 ^ len(index)
                        end = len(index) // 8 * 8
                        for place in range(0, end, 8):
                            total = (total ^ int.from_bytes(index[place:place + 8], "little")) * 0xFF51AFD7ED558CCD & mask
                            total ^= total >> 32
                        for byte in index[end:]:
                            total = (total ^ byte) * 0xFF51AFD7ED558CCD & mask
                        index[88:96] = total.to_bytes(8, "little")
                        new = subprocess.run(["zstd", "-c"], input=bytes(index), stdout=-1).stdout
                        digest = hashlib.sha256(new).hexdigest()
                        open("blobs/sha256/" + digest, "wb").write(new)
                        part["digest"], part["size"] = "sha256:" + digest, len(new)
                        json.dump(entry, open(path, "w"), separators=(",", ":"))
                        print("lied")
                    """
                let lied = try await Machine.run(["python3", "-c", program, directory.string], in: f.scratch)
                #expect(lied.outputText == "lied\n", "\(lied)")
                let caches = [
                    "--cache-from", "type=local,src=\(directory)", "--cache-to", "type=local,dest=\(directory)",
                ]
                let base = "\(registry.host)/base:1"
                let first = "FROM \(base)\nCOPY last /bin/last"
                let name = "\(registry.host)/team/app:1"
                _ = try await Self.run(f, "other", first, ["build", "-t", name, "--push"] + caches).requireSuccess()
                // No layer has shown yet that it is wrong: /bin comes along, as if there were none.
                let claims = f.scratch.appending("other/claims-v1").string
                #expect(try FileManager.default.contentsOfDirectory(atPath: claims).count == 1)
                let second = first + "\nRUN ls /bin/busybox >/found"
                let built = try await Self.run(f, "other", second, ["build", "-t", "app"] + caches).requireSuccess()
                #expect(built.errors.contains("does not hold what its index says; building without"), "\(built)")
                #expect(try FileManager.default.contentsOfDirectory(atPath: claims) == [])
                // The same as where nobody lied, and so it is for others from now on.
                _ = try await Self.build(f, "first", second, "-t", "app")
                let honest = try await Self.layers(f, "first", "app").prefix(2)
                #expect(try await Self.layers(f, "other", "app").prefix(2) == honest)
                let third = try await Self.run(f, "third", second, ["build", "-t", "app"] + caches).requireSuccess()
                #expect(try await Self.layers(f, "third", "app").prefix(2) == honest, "\(third)")
                // The list of the first build has no copy of what was wrong.
                let fourth = try await Self.run(f, "fourth", first, ["build", "-t", "app"] + caches).requireSuccess()
                #expect(try await Self.layers(f, "fourth", "app") == Array(honest), "\(fourth)")
            }
        }
    }

    @Test(
        "says what differs from what others have built, by one more request for a step",
        arguments: [
            ("file", "content  /srv/app/files/a", "COPY files /srv/app/files/"),
            ("argument", "ARG LEVEL", "echo $LEVEL"),
            ("environment", "ENV MODE", "echo $LEVEL"), ("base", "base image", "RUN mkdir /tools"),
            ("text", "echo tool >/tools/tool", "RUN mkdir /tools"),
        ]
    )
    func explained(_ change: String, _ reason: String, _ step: String) async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let cache = "\(registry.host)/cache"
                var text = try await Self.prepare(f, registry, cache)
                var flags = ["--cache-from", cache]
                switch change {
                case "file": try f.write("files/a", "changed")
                case "argument": flags += ["--build-arg", "LEVEL=2"]
                case "environment": text = text.replacingOccurrences(of: "MODE=fast", with: "MODE=slow")
                case "base":
                    let base = "\(registry.host)/base:1"
                    let root = f.scratch.appending("new").string
                    let file = try f.dockerfile("FROM \(base)\nCOPY last /new")
                    _ = try await f.start(["build", "--root", root, "-f", file, "-t", base, "."]).wait()
                        .requireSuccess()
                    _ = try await f.start(["push", "--root", root, base]).wait().requireSuccess()
                default: text = text.replacingOccurrences(of: "echo tool", with: "echo other")
                }
                try registry.forgetRequests()
                let looked = try await Self.run(f, "look", text, ["check-cache"] + flags)
                #expect(looked.outputText.contains(reason) || looked.errors.contains(reason), "\(looked)")
                let missed = looked.outputText.components(separatedBy: "would run").count - 1
                // The list, by up to two names; for each step that is missed the question and one more.
                let asked = registry.requests.filter { $0.contains("/v2/cache/") }
                #expect(missed > 0 && asked.count <= 2 + 2 * missed, "\(missed) \(asked)")
                let refused = try await Self.run(f, "refuse", text, ["build", "--expect-cached"] + flags)
                #expect(refused.status == 4 && refused.errors.contains(reason), "\(refused)")
                let built = try await Self.run(f, "other", text, ["build", "--explain"] + flags).requireSuccess()
                #expect(built.errors.contains(reason), "\(built)")
                #expect(built.errors.contains(step), "\(built)")
            }
        }
    }

    @Test("looks for a COPY from another stage without fetching what it would copy")
    func lookedUp() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let cache = "\(registry.host)/cache"
                let text = try await Self.prepare(f, registry, cache)
                    .replacingOccurrences(of: "/tools /usr/local/tools", with: "/tools /usr/local/other")
                let looked = try await Self.run(f, "look", text, ["check-cache", "--cache-from", cache])
                #expect(looked.outputText.contains("would run"), "\(looked)")
                #expect(try !Self.fetched(registry).contains("layer"), "\(registry.requests)")
            }
        }
    }

    @Test("of eight at once executes nothing that one has executed")
    func eight() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let cache = "\(registry.host)/cache"
                let text = try await Self.prepare(f, registry, cache)
                let file = try f.dockerfile(text)
                try await withThrowingTaskGroup(of: CommandResult.self) { group in
                    for number in 0..<8 {
                        let store = f.scratch.appending("store-\(number)").string
                        group.addTask {
                            try await f.start(
                                ["build", "--root", store, "--cache-from", cache, "--cache-to", cache, "-f", file, "."]
                            ).wait().requireSuccess()
                        }
                    }
                    for try await built in group {
                        #expect(Self.ran(built) == 0 && built.errors.contains("0 entries sent"), "\(built)")
                    }
                }
            }
        }
    }

    /// Many more rounds: SWIFTBUILD_ROUNDS=1000.
    @Test("fails no build where one in ten requests fails")
    func flaky() async throws {
        let count = ProcessInfo.processInfo.environment["SWIFTBUILD_ROUNDS"].flatMap { Int($0) } ?? 6
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let cache = "\(registry.host)/cache"
                let text = try await Self.prepare(f, registry, cache)
                try registry.fail("999999 * . flaky 10")
                for number in 0..<count {
                    // Every other build is wholly cached; the others have a file of their own.
                    if number % 2 == 1 { try f.write("files/a", "\(number)") }
                    let name = "\(registry.host)/team/app:\(number)"
                    let flags = ["-t", name, "--push", "--cache-from", cache, "--cache-to", cache]
                    let built = try await Self.run(f, "other", text, ["build"] + flags)
                    try #require(built.status == 0, "round \(number): \(built)")
                    try FileManager.default.removeItem(atPath: f.scratch.appending("other").string)
                    try registry.forgetRequests()
                }
            }
        }
    }
}
