internal import Foundation
internal import Glibc
internal import SystemPackage
internal import Testing

/// Directories of `RUN --mount=type=cache` that go along with a shared cache.
@Suite("Shared cache mounts", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
struct SharedMountTests {
    /// A download directory as package programs keep them: a file for each package, and what a list of packages names is
    /// fetched only where it is not there.
    private static let text = """
        FROM base
        COPY packages /packages
        RUN --mount=type=cache,target=/c,id=packages \
            for name in $(cat /packages); do \
                test -e /c/$name && echo "warm $name" || { echo "cold $name"; echo "content of $name" >/c/$name; }; \
            done; \
            rm -f /c/gone; test -e /c/first || { mkdir -m 1770 /c/d; echo x >/c/d/x; ln /c/d/x /c/d/y; \
            ln -s x /c/d/z; chown -R 7:8 /c/d; chown -h 7:8 /c/d/z; touch -d @1500000000 /c/d/x; chmod 2711 /c/d; echo >/c/gone; }; \
            touch /c/first; chmod 750 /c; cat /c/* 2>/dev/null >/all; ls -lan /c /c/d | grep -v ' \\.\\.$' >/list
        """

    private struct Place {
        let to: String
        let from: String
    }

    private struct Result {
        let errors: String
        let store: FilePath
        var summary: String {
            errors.split(separator: "\n").last { $0.contains("shared cache:") }.map(String.init) ?? ""
        }
        func has(_ line: String) -> Bool { errors.split(separator: "\n").contains { $0.hasSuffix(line) } }
    }

    private static func build(_ f: BuildFixture, _ store: String, _ flags: [String], text: String = text) async throws
        -> Result
    {
        let root = f.scratch.appending(store)
        let environment = ["SWIFTBUILD_ROOT": root.string]
        if !fileExists(root) {
            let archive = try await BaseImage.shared.archive()
            try await f.succeed("import", "-", "base", environment: environment, input: archive)
        }
        let result = try await f.start(
            ["build", "--progress", "plain", "-t", "app", "-f", try f.dockerfile(text)] + flags + ["."],
            environment: environment
        ).wait().requireSuccess()
        return Result(errors: result.errors, store: root)
    }

    /// What is beside the files of the one cache in a store.
    private static func mount(_ f: BuildFixture, _ store: String) throws -> FilePath {
        let mounts = f.scratch.appending(store).appending("mounts-v1")
        let names = try FileManager.default.contentsOfDirectory(atPath: mounts.string)
        return mounts.appending(try #require(names.first))
    }

    private static func with(
        _ kind: String,
        _ f: BuildFixture,
        _ body: (Place) async throws -> Void
    ) async throws {
        switch kind {
        case "registry":
            try await RegistryServer.with(f) { registry in
                let place = "type=registry,ref=\(registry.host)/cache,cache-mounts=true"
                try await body(Place(to: place, from: place))
            }
        case "http":
            try await WebServer.with(f, script: "http-cache") { server in
                let place = "type=http,url=http://\(server.authority)/some/where,cache-mounts=true"
                try await body(Place(to: place, from: place))
            }
        default:
            let directory = f.scratch.appending("shared").string
            try await body(
                Place(
                    to: "type=local,dest=\(directory),cache-mounts=true",
                    from: "type=local,src=\(directory),cache-mounts=true"
                )
            )
        }
    }

    private static func kinds() -> [String] { ["local", "http"] + (RegistryServer.isAvailable ? ["registry"] : []) }

    @Test(
        "a step that runs again on another machine finds its cache as the first one left it, and sends what it adds",
        arguments: kinds()
    )
    func warm(_ kind: String) async throws {
        try await BuildFixture.with { f in
            try await Self.with(kind, f) { place in
                try f.write("packages", "one two")
                let first = try await Self.build(f, "first", ["--cache-to", place.to])
                #expect(first.has("cold one") && first.has("cold two"), "\(first)")
                #expect(first.summary.contains(", 1 cache mount kept ("), "\(first)")

                // What is cached brings nothing.
                let same = try await Self.build(f, "second", ["--cache-from", place.from])
                #expect(!same.summary.contains("mount") && !same.errors.contains("Running in"), "\(same)")
                let mounts = same.store.appending("mounts-v1").string
                #expect(try FileManager.default.contentsOfDirectory(atPath: mounts).isEmpty)

                try f.write("packages", "one two three")
                let second = try await Self.build(f, "second", ["--cache-from", place.from, "--cache-to", place.to])
                #expect(second.has("warm one") && second.has("warm two") && second.has("cold three"), "\(second)")
                #expect(second.summary.contains(", 1 cache mount restored ("), "\(second)")
                #expect(second.summary.contains(", 1 cache mount kept ("), "\(second)")

                // The third sees both: the whole, and on top of it what the second added and removed.
                try f.write("packages", "one two three four")
                let third = try await Self.build(f, "third", ["--cache-from", place.from])
                #expect(third.has("warm three") && third.has("cold four"), "\(third)")
                let shared = String(decoding: try readFile(Self.mount(f, "third").appending("shared")), as: UTF8.self)
                #expect(shared.split(separator: "\n").count == 4, "\(shared)")
                for store in ["second", "third"] {
                    let root = f.scratch.appending(store).string
                    let listed = try await f.start(["cat", "--root", root, "app:/list"]).wait().requireSuccess()
                        .outputText
                    for (words, name) in [
                        ("drwx--s--x 2 7 8", "d"), ("-rw-r--r-- 2 7 8", "x"), ("-rw-r--r-- 2 7 8", "y"),
                        ("lrwxrwxrwx 1 7 8", "z -> x"), ("drwxr-x--- 3 0 0", "."),
                    ] {
                        let line = listed.split(separator: "\n").first { $0.hasSuffix(" \(name)") } ?? ""
                        let found = line.split(separator: " ").prefix(4).joined(separator: " ")
                        #expect(found == words, "\(listed)")
                    }
                    #expect(listed.contains(" 2017 x") && !listed.contains(" gone"), "\(listed)")
                }
            }
        }
    }

    @Test("a branch begins with what the main one has, and keeps its own")
    func scopes() async throws {
        try await BuildFixture.with { f in
            try await Self.with("local", f) { place in
                func scoped(_ text: String, _ scope: String) -> String { "\(text),cache-mounts-scope=\(scope)" }
                let both = [
                    "--cache-from", scoped(place.from, "branch"), "--cache-from", scoped(place.from, "main"),
                ]
                try f.write("packages", "one")
                _ = try await Self.build(f, "main", ["--cache-to", scoped(place.to, "main")])
                try f.write("packages", "one two")
                let branch = try await Self.build(f, "branch", both + ["--cache-to", scoped(place.to, "branch")])
                #expect(branch.has("warm one") && branch.has("cold two"), "\(branch)")
                try f.write("packages", "one two three")
                let next = try await Self.build(f, "next", both)
                #expect(next.has("warm one") && next.has("warm two") && next.has("cold three"), "\(next)")
                let main = try await Self.build(f, "other", ["--cache-from", scoped(place.from, "main")])
                #expect(main.has("warm one") && main.has("cold two"), "\(main)")
                let none = try await Self.build(f, "none", ["--cache-from", place.from])
                #expect(none.has("cold one"), "\(none)")
            }
        }
    }

    @Test("what is too large stays, and so does what a failed process leaves")
    func kept() async throws {
        try await BuildFixture.with { f in
            try await Self.with("local", f) { place in
                try f.write("packages", "one")
                let small = try await Self.build(f, "first", ["--cache-to", "\(place.to),cache-mounts-limit=1kB"])
                #expect(small.errors.contains("`packages` is not shared: it has "), "\(small)")
                #expect(!small.summary.contains("kept"), "\(small)")
                let root = f.scratch.appending("failing").string
                let archive = try await BaseImage.shared.archive()
                try await f.succeed("import", "-", "base", environment: ["SWIFTBUILD_ROOT": root], input: archive)
                for (end, isKept) in [("false", false), ("true\nRUN false", true)] {
                    let text = "FROM base\nRUN --mount=type=cache,target=/c,id=\(isKept) echo x >/c/x; \(end)"
                    let failed = try await f.start([
                        "build", "--root", root, "-f", try f.dockerfile(text), "--cache-to", place.to, ".",
                    ]).wait()
                    #expect(failed.status != 0)
                }
                for (id, isKept) in [(false, false), (true, true)] {
                    let text =
                        "FROM base\nRUN --mount=type=cache,target=/c,id=\(id) : \(id); test -e /c/x && echo wa''rm || true"
                    let next = try await Self.build(f, "next", ["--cache-from", place.from], text: text)
                    #expect(next.has("warm") == isKept, "\(next)")
                }
            }
        }
    }

    @Test(
        "what is damaged, or missing there, is an empty cache and a note",
        arguments: ["gone", "flipped", "cut", "nonsense"]
    )
    func damaged(_ how: String) async throws {
        try await BuildFixture.with { f in
            try await Self.with("local", f) { place in
                try f.write("packages", "one")
                // Nothing else is there that could be damaged.
                let text = Self.text.replacingOccurrences(of: "COPY packages /packages\n", with: "")
                    .replacingOccurrences(of: "$(cat /packages)", with: "one")
                _ = try await Self.build(f, "first", ["--cache-to", place.to], text: text)
                let shared = f.scratch.appending("shared")
                let part = how == "nonsense" ? "entries" : "blobs/sha256"
                let directory = shared.pushing(FilePath(part)).string
                for name in try FileManager.default.contentsOfDirectory(atPath: directory) {
                    let file = URL(fileURLWithPath: "\(directory)/\(name)")
                    let bytes = try Data(contentsOf: file)
                    switch how {
                    case "gone": try FileManager.default.removeItem(at: file)
                    case "cut": try bytes.dropLast(3).write(to: file)
                    case "flipped": try Data(bytes.map { $0 ^ 4 }).write(to: file)
                    default: try Data("{}".utf8).write(to: file)
                    }
                }
                let next = try await Self.build(
                    f,
                    "second",
                    ["--no-cache", "--cache-from", place.from, "--cache-to", place.to],
                    text: text
                )
                #expect(next.has("cold one") && next.errors.contains("the cache `"), "\(next)")
                // And is put right by those who have it.
                let (state, files) = (try Self.mount(f, "first"), try Self.mount(f, "second"))
                #expect(fileExists(state.appending("shared")) && fileExists(files.appending("fs/one")))
            }
        }
    }
}
