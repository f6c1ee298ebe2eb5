internal import Foundation
internal import Glibc
internal import SystemPackage
internal import Testing

/// Stores that share results by `--cache-to` and `--cache-from`.
@Suite("Shared cache", .enabled(if: RegistryServer.isAvailable, "\(RegistryServer.needs)"))
struct SharedCacheTests {
    @Test(
        "an empty store executes nothing that another has, gets the same image, and fetches only what that needs",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)"),
        arguments: ["type=registry,ref=HOST/cache", "HOST/team/cache:main", "type=local"]
    )
    func secondStore(_ form: String) async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let directory = f.scratch.appending("shared").string
                let text = form.replacingOccurrences(of: "HOST", with: registry.host)
                let (to, from) =
                    form == "type=local"
                    ? ("type=local,dest=\(directory)", "type=local,src=\(directory)") : (text, text)
                let first = try await SharedCacheTesting.prepare(f, registry, to: to)
                try registry.forgetRequests()
                let second = try await SharedCacheTesting.build(
                    f,
                    "second",
                    "\(registry.host)/base:1",
                    "--cache-from",
                    from
                )
                #expect(second.id == first)
                #expect(second.ran == 0, "\(second)")
                #expect(second.summary.hasPrefix("note: shared cache: 6 steps found, 4 layers fetched ("), "\(second)")
                // Neither the large file nor what was made of it.
                #expect(try f.treeSize("second") < 8 << 20)
                if form != "type=local" {
                    let blobs = registry.requests.filter { $0.hasPrefix("GET") && $0.contains("cache/blobs/") }
                    #expect(blobs.count == 4, "\(registry.requests)")
                }
                #expect(try await SharedCacheTesting.run(f, "second") == SharedCacheTesting.shown)
                // What was fetched counts from now on like what was made here.
                let again = try await SharedCacheTesting.build(f, "second", "\(registry.host)/base:1", "--pull=never")
                #expect(again.errors.components(separatedBy: "Using cache").count > 5, "\(again)")
            }
        }
    }

    @Test(
        "a server that takes files by PUT is a cache, with a password that nobody sees",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)")
    )
    func server() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                try await WebServer.with(f, script: "http-cache") { server in
                    try Data("me:se cret".utf8).write(
                        to: URL(fileURLWithPath: server.control.appending("login").string)
                    )
                    let cache = "type=http,url=http://me:se%20cret@\(server.authority)/some/where,compression=zstd"
                    let first = try await SharedCacheTesting.prepare(f, registry, to: cache)
                    let base = "\(registry.host)/base:1"
                    let second = try await SharedCacheTesting.build(f, "second", base, "--cache-from", cache)
                    #expect(second.id == first && second.ran == 0, "\(second)")
                    #expect(try await SharedCacheTesting.run(f, "second") == SharedCacheTesting.shown)
                    #expect(!second.errors.contains("cret"))
                    // Six steps, the way to one of them that does not need the content, what the base holds, and twice the
                    // list of all these.
                    let entries = server.requests.filter { $0.hasPrefix("PUT") && $0.contains("/ac/") }
                    #expect(entries.count == 10 && entries.allSatisfy { $0.hasSuffix(" 200") }, "\(server.requests)")
                    let again = try await SharedCacheTesting.build(f, "first", base, "--cache-to", cache)
                    #expect(again.summary.hasSuffix("0 entries sent"), "\(again)")
                    let wrong = cache.replacingOccurrences(of: "se%20cret", with: "other")
                    let third = try await SharedCacheTesting.build(f, "third", base, "--cache-from", wrong)
                    #expect(third.ran > 0 && third.errors.contains("answered 401"), "\(third)")
                    #expect(!third.errors.contains("other@"), "\(third)")
                    // What is damaged there is made again.
                    let blobs = server.directory.appending("cas").string
                    for blob in try FileManager.default.contentsOfDirectory(atPath: blobs) {
                        let path = "\(blobs)/\(blob)"
                        let bytes = try Data(contentsOf: URL(fileURLWithPath: path)).map { $0 ^ 1 }
                        try Data(bytes).write(to: URL(fileURLWithPath: path))
                    }
                    let fourth = try await SharedCacheTesting.build(f, "fourth", base, "--cache-from", cache)
                    #expect(fourth.ran > 0 && fourth.errors.contains("is damaged"), "\(fourth)")
                    #expect(try await SharedCacheTesting.run(f, "fourth") == SharedCacheTesting.shown)
                }
            }
        }
    }

    @Test("a bucket of S3's protocol is a cache", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
    func bucket() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                try await WebServer.with(f, script: "http-cache") { server in
                    try Data("AKEY se+cret/ eu-test-1".utf8).write(
                        to: URL(fileURLWithPath: server.control.appending("s3").string)
                    )
                    let place =
                        "type=s3,bucket=some,prefix=/where/,region=eu-test-1,endpoint_url=http://\(server.authority)"
                    let cache = "\(place),access_key_id=AKEY,secret_access_key=se+cret/"
                    let first = try await SharedCacheTesting.prepare(f, registry, to: cache)
                    let base = "\(registry.host)/base:1"
                    let second = try await SharedCacheTesting.build(f, "second", base, "--cache-from", cache)
                    #expect(second.id == first && second.ran == 0, "\(second)")
                    #expect(try await SharedCacheTesting.run(f, "second") == SharedCacheTesting.shown)
                    #expect(!server.requests.contains { $0.hasSuffix(" 403") }, "\(server.requests)")
                    for wrong in [place, "\(place),access_key_id=AKEY,secret_access_key=other"] {
                        let third = try await SharedCacheTesting.build(
                            f,
                            "third-\(wrong.count)",
                            base,
                            "--cache-from",
                            wrong
                        )
                        #expect(third.ran > 0 && third.errors.contains("answered 403"), "\(third)")
                        #expect(!third.errors.contains("other"), "\(third)")
                    }
                }
            }
        }
    }

    @Test("what is expected to be cached may be elsewhere", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
    func expected() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let cache = "type=registry,ref=\(registry.host)/cache"
                let base = "\(registry.host)/base:1"
                let first = try await SharedCacheTesting.prepare(f, registry, to: cache)
                let other = ["--root", f.scratch.appending("other").string]
                let look = try f.dockerfile(SharedCacheTesting.dockerfile(base))
                let found = try await f.start(
                    ["check-cache", "--expect-cached"] + other + ["--cache-from", cache, "-f", look, "."]
                ).wait()
                #expect(found.status == 0, "\(found)")
                #expect(try f.treeSize("other") < 1 << 20)
                let same = try await SharedCacheTesting.build(
                    f,
                    "second",
                    base,
                    "--cache-from",
                    cache,
                    "--expect-cached"
                )
                #expect(same.id == first)
                let changed = try f.dockerfile(SharedCacheTesting.dockerfile(base, "changed"))
                let result = try await f.start(
                    ["build"] + other + ["--cache-from", cache, "--expect-cached", "-f", changed, "."]
                ).wait()
                #expect(result.status == 4, "\(result)")
                #expect(!result.errors.contains("Running in"), "\(result)")
            }
        }
    }

    @Test("what is there already costs one request in all", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
    func keptTwice() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let cache = "type=registry,ref=\(registry.host)/cache"
                _ = try await SharedCacheTesting.prepare(f, registry, to: cache)
                try registry.forgetRequests()
                let again = try await SharedCacheTesting.build(
                    f,
                    "first",
                    "\(registry.host)/base:1",
                    "--cache-to",
                    cache
                )
                #expect(again.summary.hasSuffix("0 entries sent"), "\(again)")
                let requests = registry.requests.filter { $0.contains("/v2/cache/") }
                #expect(requests.count == 1 && requests[0].hasPrefix("GET"), "\(requests)")
            }
        }
    }

    @Test("a push takes layers over from the cache", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
    func pushed() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let cache = "\(registry.host)/cache"
                _ = try await SharedCacheTesting.prepare(f, registry, to: cache)
                try registry.forgetRequests()
                let name = "\(registry.host)/team/app"
                let built = try await SharedCacheTesting.build(
                    f,
                    "first",
                    "\(registry.host)/base:1",
                    name: name,
                    "--cache-to",
                    cache,
                    "--push"
                )
                #expect(built.errors.components(separatedBy: "Mounted from cache").count == 5, "\(built)")
                #expect(built.errors.components(separatedBy: "Mounted from base").count == 2, "\(built)")
                // No layer, which begins as gzip: the configuration, and what the layers hold.
                let sent = registry.requests.filter { $0.hasPrefix("PUT") && $0.contains("/blobs/") }
                let layers = try sent.filter { request in
                    let digest = request.split(separator: " ")[1].suffix(64)
                    let path = "data/docker/registry/v2/blobs/sha256/\(digest.prefix(2))/\(digest)/data"
                    return try readFile(registry.control.pushing(FilePath(path))).first == 0x1F
                }
                #expect(!sent.isEmpty && layers == [], "\(layers)")
            }
        }
    }

    @Test(
        "a build that is wholly cached moves no layer to be pushed, and is found complete afterwards",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)"),
        arguments: ["gzip", "zstd", "zstd:chunked"]
    )
    func pushedFromNothing(_ compression: String) async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let cache = "type=registry,ref=\(registry.host)/cache"
                let first = try await SharedCacheTesting.prepare(f, registry, to: "\(cache),compression=\(compression)")
                try registry.forgetRequests()
                let (base, name) = ("\(registry.host)/base:1", "\(registry.host)/team/app")
                let built = try await SharedCacheTesting.build(
                    f,
                    "second",
                    base,
                    name: name,
                    "--cache-from",
                    cache,
                    "--push"
                )
                #expect(built.id == first && built.ran == 0, "\(built)")
                // What the base is stands in the list.
                let fetched = registry.requests.filter { $0.hasPrefix("GET") && $0.contains("/blobs/") }
                #expect(fetched.count == 0, "\(registry.requests)")
                let sent = registry.requests.filter { $0.hasPrefix("P") && $0.contains("/blobs/") }
                // Of the image's own, the configuration.
                #expect(sent.filter { !$0.contains("mount=") }.count == 1, "\(sent)")
                #expect(try f.treeSize("second") < 1 << 20)
                let store = f.scratch.appending("second").string
                let ran = try await f.start(["run", "--root", store, name]).wait().requireSuccess()
                #expect(ran.outputText == SharedCacheTesting.shown)
            }
        }
    }

    @Test(
        "a step that misses gets what it stands on",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)")
    )
    func partly() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let cache = "type=registry,ref=\(registry.host)/cache"
                _ = try await SharedCacheTesting.prepare(f, registry, to: cache)
                let second = try await SharedCacheTesting.build(
                    f,
                    "second",
                    "\(registry.host)/base:1",
                    last: "changed",
                    "--cache-from",
                    cache
                )
                #expect(second.ran == 1, "\(second)")
                #expect(try await SharedCacheTesting.run(f, "second") == "made\nchanged\ncontent\n")
            }
        }
    }

    @Test(
        "eight builds at once share one cold cache, and one cold store",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)")
    )
    func manyAtOnce() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let cache = "type=registry,ref=\(registry.host)/cache"
                try f.write("big", "b")
                try f.write("text", "content\n")
                let base = "\(registry.host)/base:1"
                try await f.importBase(base)
                try await f.succeed("push", base)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for number in 0..<8 {
                        group.addTask {
                            // Half of them in one store, the others in one each.
                            let store = number < 4 ? "together" : "store-\(number)"
                            _ = try await SharedCacheTesting.build(
                                f,
                                store,
                                base,
                                "--cache-to",
                                cache,
                                "--cache-from",
                                cache
                            )
                            #expect(try await SharedCacheTesting.run(f, store) == SharedCacheTesting.shown)
                        }
                    }
                    try await group.waitForAll()
                }
                let last = try await SharedCacheTesting.build(f, "last", base, "--cache-from", cache)
                #expect(last.ran == 0, "\(last)")
            }
        }
    }

    @Test("a RUN on a base that was pulled compressed ends", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
    func runOnPulled() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let base = "\(registry.host)/base:1"
                try await f.importBase(base)
                try await f.succeed("push", base)
                let file = try f.dockerfile("FROM \(base)\nRUN echo hello >/file")
                let other = f.scratch.appending("other").string
                _ = try await f.start(["build", "--root", other, "-f", file, "-t", "app", "."]).wait().requireSuccess()
                let result = try await f.start(["run", "--root", other, "app", "cat", "/file"]).wait().requireSuccess()
                #expect(result.outputText == "hello\n")
            }
        }
    }
}

extension BuildFixture {
    /// The bytes that everything in a directory of the test takes on disk.
    fileprivate func treeSize(_ name: String) throws -> Int {
        let root = scratch.appending(name).string
        return try FileManager.default.subpathsOfDirectory(atPath: root).reduce(0) { sum, path in
            var status = stat()
            return lstat("\(root)/\(path)", &status) == 0 ? sum + Int(status.st_blocks) * 512 : sum
        }
    }
}
