internal import Foundation
internal import Glibc
internal import SystemPackage
internal import Testing

/// Caches that fail, lie, or are slow: misses at worst.
@Suite("Faults of shared caches", .enabled(if: RegistryServer.isAvailable, "\(RegistryServer.needs)"))
struct SharedCacheFaultTests {
    @Test(
        "a cache that loses a layer before it is pushed has the step made after all",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)")
    )
    func lostBeforePush() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let cache = "type=local,dest=\(f.scratch.appending("shared"))"
                _ = try await SharedCacheTesting.prepare(f, registry, to: cache)
                let blobs = f.scratch.appending("shared/blobs/sha256").string
                for blob in try FileManager.default.contentsOfDirectory(atPath: blobs) {
                    try FileManager.default.removeItem(atPath: "\(blobs)/\(blob)")
                }
                let (base, name) = ("\(registry.host)/base:1", "\(registry.host)/team/app")
                let from = cache.replacingOccurrences(of: "dest=", with: "src=")
                let built = try await SharedCacheTesting.build(
                    f,
                    "second",
                    base,
                    name: name,
                    "--cache-from",
                    from,
                    "--push"
                )
                #expect(built.errors.contains("building without relying on them"), "\(built)")
                let store = f.scratch.appending("second").string
                let ran = try await f.start(["run", "--root", store, name]).wait().requireSuccess()
                #expect(ran.outputText == SharedCacheTesting.shown)
            }
        }
    }

    @Test(
        "a cache that fails is a miss, told once",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)"),
        arguments: [
            "99 GET /cache/manifests/ status 500", "99 GET /cache/manifests/ status 403",
            "99 GET /cache/manifests/ body {}", "99 GET /cache/manifests/ body nonsense",
            "99 GET /cache/manifests/ drop", "99 GET /cache/manifests/ corrupt",
            "99 GET /cache/blobs/ status 404", "99 GET /cache/blobs/ corrupt", "99 GET /cache/blobs/ cut 3",
            "99 GET /cache/blobs/ longer 10", "99 GET /cache/blobs/ redirect loop",
        ]
    )
    func failing(_ fault: String) async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let cache = "type=registry,ref=\(registry.host)/cache"
                _ = try await SharedCacheTesting.prepare(f, registry, to: cache)
                try registry.fail(fault)
                let second = try await SharedCacheTesting.build(
                    f,
                    "second",
                    "\(registry.host)/base:1",
                    "--cache-from",
                    cache
                )
                #expect(second.errors.components(separatedBy: "the cache `").count == 2, "\(second)")
                #expect(second.ran > 0, "\(second)")
                #expect(try await SharedCacheTesting.run(f, "second") == SharedCacheTesting.shown)
                try registry.fail("# nothing")
                let third = try await SharedCacheTesting.build(
                    f,
                    "third",
                    "\(registry.host)/base:1",
                    "--cache-from",
                    cache
                )
                #expect(third.ran == 0, "\(third)")
            }
        }
    }

    @Test("a cache that takes nothing fails no build", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
    func refusing() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                try registry.fail("99 PUT . status 507", "99 POST . status 403")
                let base = "\(registry.host)/base:1"
                try await f.importBase(base)
                try f.write("big", "b")
                try f.write("text", "content\n")
                let file = f.scratch.appending("file").string
                try Data().write(to: URL(fileURLWithPath: file))
                for cache in ["type=registry,ref=\(registry.host)/cache", "type=local,dest=\(file)", "127.0.0.1:1/x"] {
                    let built = try await SharedCacheTesting.build(f, "store", base, "--cache-to", cache, "--no-cache")
                    #expect(built.errors.components(separatedBy: "the cache `").count == 2, "\(built)")
                }
            }
        }
    }

    @Test("sending to a slow cache can be interrupted, and the image is there")
    func interrupted() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                try registry.fail("99 PUT . slow 300")
                try f.write("a", "a")
                let file = try f.dockerfile("FROM scratch\nCOPY a /a")
                let build = try f.start(["build", "--cache-to", "\(registry.host)/cache", "-t", "app", "-f", file, "."])
                var built = ""
                while built.isEmpty {
                    try await Task.sleep(for: .milliseconds(20))
                    built = try await f.swiftbuild("images", "-q").outputText
                }
                build.signal(SIGINT)
                #expect(try await build.wait().status == 130)
                try await f.succeed("inspect", "app")
            }
        }
    }

    @Test(
        "entries that are damaged or stand under another key are misses",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)")
    )
    func lying() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let directory = f.scratch.appending("shared")
                _ = try await SharedCacheTesting.prepare(f, registry, to: "type=local,dest=\(directory)")
                let entries = directory.appending("entries")
                let names = try FileManager.default.contentsOfDirectory(atPath: entries.string).sorted()
                let contents = try names.map { try readFile(entries.appending($0)) }
                // Each under the name of the next.
                for (position, name) in names.enumerated() {
                    try Data(contents[(position + 1) % names.count])
                        .write(to: URL(fileURLWithPath: entries.appending(name).string))
                }
                let from = "type=local,src=\(directory)"
                let second = try await SharedCacheTesting.build(
                    f,
                    "second",
                    "\(registry.host)/base:1",
                    "--cache-from",
                    from
                )
                #expect(second.errors.contains("an entry under the key of another step"), "\(second)")
                #expect(second.ran == 2, "\(second)")
                for name in names {
                    try Data(contents[0].prefix(40)).write(to: URL(fileURLWithPath: entries.appending(name).string))
                }
                let third = try await SharedCacheTesting.build(
                    f,
                    "third",
                    "\(registry.host)/base:1",
                    "--cache-from",
                    from
                )
                #expect(third.errors.contains("an unreadable entry"), "\(third)")
                #expect(try await SharedCacheTesting.run(f, "third") == SharedCacheTesting.shown)
            }
        }
    }

    @Test(
        "a damaged layer is replaced in a directory by the build that finds it",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)")
    )
    func damagedBlob() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let cache = f.scratch.appending("shared").string
                _ = try await SharedCacheTesting.prepare(f, registry, to: "type=local,dest=\(cache)")
                let blobs = f.scratch.appending("shared").appending("blobs").appending("sha256")
                for name in try FileManager.default.contentsOfDirectory(atPath: blobs.string) {
                    var bytes = try readFile(blobs.appending(name))
                    bytes[bytes.count / 2] ^= 1
                    try Data(bytes).write(to: URL(fileURLWithPath: blobs.appending(name).string))
                }
                let base = "\(registry.host)/base:1"
                let both = ["--cache-from", "type=local,src=\(cache)", "--cache-to", "type=local,dest=\(cache)"]
                let second = try await SharedCacheTesting.build(f, "second", base, both[0], both[1], both[2], both[3])
                #expect(second.ran == 2, "\(second)")
                let third = try await SharedCacheTesting.build(f, "third", base, both[0], both[1])
                #expect(third.ran == 0 && !third.errors.contains("damaged"), "\(third)")
                #expect(try await SharedCacheTesting.run(f, "third") == SharedCacheTesting.shown)
            }
        }
    }

    @Test(
        "what means no cache is a usage error that says what is known",
        arguments: [
            ("--cache-to", "type=gha", "`type=gha` is not supported: use type=local"),
            ("--cache-from", "type=registry", "`ref` is missing"),
            ("--cache-from", "type=local,dest=x", "`src` is missing"), ("--cache-to", "ref=x", "`type` is missing"),
            ("--cache-to", "type=registry,ref=x/Upper", "lowercase"),
            ("--cache-to", "type=registry,ref=x,mode=min", "mode=max"),
            ("--cache-to", "type=local,dest=x,compression=lzma", "unknown compression `lzma`"),
            ("--cache-to", "type=local,dest=x,colour=red", "unknown key `colour`"),
        ]
    )
    func invalid(_ option: String, _ value: String, _ words: String) async throws {
        try await BuildFixture.with { f in
            let file = try f.dockerfile("FROM scratch\nLABEL a=b")
            let result = try await f.swiftbuild("build", option, value, "-f", file, ".")
            #expect(result.status == 2, "\(result)")
            #expect(result.errors.contains(words), "\(result)")
        }
    }
}
