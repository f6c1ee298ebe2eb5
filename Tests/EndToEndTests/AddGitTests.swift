internal import Foundation
internal import SystemPackage
internal import Testing

@Suite(
    "ADD of Git repositories",
    .enabled(if: WebServer.isAvailable && GitFixture.isAvailable, "\(WebServer.needs); \(GitFixture.needs)")
)
struct AddGitTests {
    /// A served repository with two commits on `main`, a branch, and an annotated tag on the first commit.
    private struct Served {
        let server: WebServer
        let work: GitFixture
        let first: String
        let second: String
        var address: String { server.address + "/git/repo.git" }
    }

    private func withRepository(_ f: BuildFixture, _ body: (Served) async throws -> Void) async throws {
        try await WebServer.with(f) { server in
            let work = try await GitFixture(f.scratch.appending("work"))
            let first = try await work.commit(["a.txt": "one", "sub/b.txt": "deep"])
            try await work.run("tag", "-a", "-m", "a tag", "v1")
            try await work.run("branch", "old")
            let second = try await work.commit(["a.txt": "two", "tool": "#!/bin/sh"], executable: ["tool"])
            try await publish(work, server)
            try await body(Served(server: server, work: work, first: first, second: second))
        }
    }

    private func publish(_ work: GitFixture, _ server: WebServer, as name: String = "repo.git") async throws {
        let bare = server.directory.appending(name).string
        try? FileManager.default.removeItem(atPath: bare)
        try await work.run("clone", "-q", "--bare", ".", bare)
    }

    @Test("the files come with modes 0644 and 0755 and the time of the commit, without .git")
    func files() async throws {
        try await BuildFixture.with { f in
            try await withRepository(f) { repository in
                let image = try await f.build("FROM scratch\nADD \(repository.address) /src")
                #expect(
                    image.listing() == [
                        "d755 0:0 /src", "-644 0:0 /src/a.txt", "d755 0:0 /src/sub", "-644 0:0 /src/sub/b.txt",
                        "-755 0:0 /src/tool",
                    ]
                )
                #expect(try image.text("/src/a.txt") == "two")
                #expect(image.tree["/src/a.txt"]?.modified == 1_600_000_000)
                #expect(image.tree["/src/sub"]?.modified == 1_600_000_000)
            }
        }
    }

    @Test(
        "what is taken",
        arguments: [
            ("", "two"), ("#main", "two"), ("#old", "one"), ("#v1", "one"), ("#refs/tags/v1", "one"), ("#FIRST", "one"),
            ("#SHORT", "one"), ("?branch=old", "one"), ("?tag=v1", "one"), ("?ref=main", "two"),
            ("?commit=FIRST", "one"),
            ("?branch=main&commit=SECOND", "two"), ("?branch=old&checksum=SHORT", "one"),
        ]
    )
    func references(suffix: String, text: String) async throws {
        try await BuildFixture.with { f in
            try await withRepository(f) { repository in
                let suffix = suffix.replacingOccurrences(of: "FIRST", with: repository.first)
                    .replacingOccurrences(of: "SECOND", with: repository.second)
                    .replacingOccurrences(of: "SHORT", with: String(repository.first.prefix(10)))
                let image = try await f.build("FROM scratch\nADD \(repository.address)\(suffix) /")
                #expect(try image.text("/a.txt") == text)
            }
        }
    }

    @Test("a directory of the repository", arguments: ["#main:sub", "?subdir=sub", "#:../sub/."])
    func subdirectories(suffix: String) async throws {
        try await BuildFixture.with { f in
            try await withRepository(f) { repository in
                let image = try await f.build("FROM scratch\nADD \(repository.address)\(suffix) /x")
                #expect(image.listing() == ["d755 0:0 /x", "-644 0:0 /x/b.txt"])
            }
        }
    }

    @Test("the commit is the key: it is asked for, and fetched only where the layer has to be made")
    func caching() async throws {
        try await BuildFixture.with { f in
            try await withRepository(f) { repository in
                let text = "FROM scratch\nADD \(repository.address) /src"
                let first = try await f.build(text)
                let requests = repository.server.requests.count
                let second = try await f.build(text)
                #expect(second.id == first.id && second.transcript.contains("Using cache"))
                let asked = repository.server.requests.dropFirst(requests)
                #expect(!asked.contains { $0.contains("git-upload-pack") && $0.hasPrefix("POST") && asked.count > 2 })
                // Another branch at the same commit is the same.
                let same = try await f.build("FROM scratch\nADD \(repository.address)?commit=\(repository.second) /src")
                #expect(same.transcript.contains("Using cache"))
                try await repository.work.commit(["a.txt": "three"])
                try await publish(repository.work, repository.server)
                #expect(try await f.build(text).text("/src/a.txt") == "three")
            }
        }
    }

    @Test("a commit that was fetched needs no network")
    func offline() async throws {
        try await BuildFixture.with { f in
            var text = ""
            try await withRepository(f) { repository in
                text = "FROM scratch\nADD \(repository.address)#\(repository.first) /"
                _ = try await f.build(text)
            }
            #expect(try await f.build(text + "other/").text("/other/a.txt") == "one")
        }
    }

    @Test("--keep-git-dir, or the parameter, brings .git along", arguments: [true, false])
    func keepsGit(flag: Bool) async throws {
        try await BuildFixture.with { f in
            try await withRepository(f) { repository in
                let image = try await f.build(
                    flag
                        ? "FROM scratch\nADD --keep-git-dir \(repository.address) /"
                        : "FROM scratch\nADD \(repository.address)?keep-git-dir=true /"
                )
                #expect(image.tree["/.git/HEAD"]?.kind == .file)
                #expect(try image.text("/.git/HEAD").contains(repository.second))
                #expect(try image.text("/.git/config").contains(repository.address))
            }
        }
    }

    @Test("--checksum and commit= must be those of the commit")
    func checksums() async throws {
        try await BuildFixture.with { f in
            try await withRepository(f) { repository in
                let good = String(repository.second.prefix(12))
                _ = try await f.build("FROM scratch\nADD --checksum=\(good) \(repository.address)#main /")
                let wrong = String(repository.first.prefix(12))
                let errors = try await f.buildFailing(
                    "FROM scratch\nADD --checksum=\(wrong) \(repository.address)#main /"
                )
                #expect(errors.contains(wrong) && errors.contains(repository.second), "\(errors)")
            }
        }
    }

    @Test("submodules come along unless the address says not to")
    func submodules() async throws {
        try await BuildFixture.with { f in
            try await withRepository(f) { repository in
                let inner = try await GitFixture(f.scratch.appending("inner"))
                try await inner.commit(["inside": "x"])
                try await publish(inner, repository.server, as: "inner.git")
                try await repository.work.run(
                    "submodule",
                    "-q",
                    "add",
                    repository.server.address + "/git/inner.git",
                    "module"
                )
                try await repository.work.commit([:])
                try await publish(repository.work, repository.server)
                let image = try await f.build("FROM scratch\nADD \(repository.address) /")
                #expect(try image.text("/module/inside") == "x")
                #expect(!image.tree.keys.contains { $0.contains("/.git/") || $0.hasSuffix("/.git") })
                let without = try await f.build("FROM scratch\nADD \(repository.address)?submodules=false /")
                #expect(without.tree["/module/inside"] == nil)
            }
        }
    }

    @Test("--chown, --chmod and --exclude work on repositories")
    func options() async throws {
        try await BuildFixture.with { f in
            try await withRepository(f) { repository in
                let image = try await f.build(
                    "FROM scratch\nADD --chown=5 --chmod=700 --exclude=sub --exclude=tool \(repository.address) /x"
                )
                #expect(image.listing() == ["d700 5:5 /x", "-700 5:5 /x/a.txt"])
                let other = try await f.build("FROM scratch\nADD --chown=5 --chmod=700 \(repository.address) /x")
                #expect(other.tree["/x/tool"] != nil)
            }
        }
    }

    @Test(
        "what cannot be had is an error at its line",
        arguments: [
            ("#nothing", "has no branch, tag or commit `nothing`"), ("#main:nothing", "has no directory `nothing`"),
            ("?what=1", "does not exist"), ("#0000000000000000000000000000000000000000", "000000"),
        ]
    )
    func failures(suffix: String, message: String) async throws {
        try await BuildFixture.with { f in
            try await withRepository(f) { repository in
                let errors = try await f.buildFailing("FROM scratch\nADD \(repository.address)\(suffix) /")
                #expect(errors.contains(message) && errors.contains(":2:5:"), "\(errors)")
            }
        }
    }

    @Test("a repository that is not there is an error that says what git said")
    func missing() async throws {
        try await BuildFixture.with { f in
            try await withRepository(f) { repository in
                let errors = try await f.buildFailing("FROM scratch\nADD \(repository.server.address)/git/no.git /")
                #expect(errors.contains("cannot list the references") && errors.contains("not found"), "\(errors)")
            }
        }
    }

    @Test("without git the error says so")
    func noGit() async throws {
        try await BuildFixture.with { f in
            let result = try await f.swiftbuild(
                "-f",
                try f.dockerfile("FROM scratch\nADD http://127.0.0.1:1/a.git /"),
                ".",
                environment: ["PATH": "/nowhere"]
            )
            #expect(result.status == 1 && result.errors.contains("cannot run `git`"), "\(result)")
        }
    }

    @Test("credentials log in, and are nowhere to be seen")
    func credentials() async throws {
        try await BuildFixture.with { f in
            try await withRepository(f) { repository in
                let login = "http://user:pass%20word@\(repository.server.authority)/auth/git/repo.git"
                let image = try await f.build("FROM scratch\nADD --keep-git-dir \(login) /")
                #expect(try image.text("/a.txt") == "two")
                #expect(!image.transcript.contains("pass%20word"), "\(image.transcript)")
                for text in ["pass%20word", "pass word", "dXNlcjpwYXNzIHdvcmQ="] {
                    let found = try await Machine.run(["grep", "-rlF", "--", text, f.store.string], in: "/tmp")
                    #expect(found.status == 1, "\(found)")
                }
                let errors = try await f.buildFailing(
                    "FROM scratch\nADD \(login.replacingOccurrences(of: "pass%20word", with: "wrong")) /"
                )
                #expect(errors.contains("cannot list the references") && !errors.contains("wrong"), "\(errors)")
            }
        }
    }

    @Test("a server that only serves files is good enough")
    func dumb() async throws {
        try await BuildFixture.with { f in
            try await withRepository(f) { repository in
                let bare = repository.server.directory.appending("repo.git").string
                let result = try await Machine.run(["git", "-C", bare, "update-server-info"], in: f.scratch)
                try #require(result.status == 0)
                let image = try await f.build("FROM scratch\nADD \(repository.server.address)/repo.git#v1 /")
                #expect(try image.text("/a.txt") == "one")
            }
        }
    }

    @Test("a Dockerfile cannot take repositories of the machine")
    func local() async throws {
        try await BuildFixture.with { f in
            let work = try await GitFixture(f.scratch.appending("local.git"))
            try await work.commit(["a": "x"])
            let errors = try await f.buildFailing("FROM scratch\nADD file://\(work.path.string) /")
            #expect(errors.contains("is not in the build context"), "\(errors)")
        }
    }

    @Test("links of a repository stay inside the image, and cannot lead a subdirectory out of it")
    func links() async throws {
        try await BuildFixture.with { f in
            try await withRepository(f) { repository in
                let link = repository.work.path.appending("out").string
                try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "/etc")
                try await repository.work.run("add", "out")
                try await repository.work.commit([:])
                try await publish(repository.work, repository.server)
                #expect(try await f.build("FROM scratch\nADD \(repository.address) /").tree["/out"]?.link == "/etc")
                let errors = try await f.buildFailing("FROM scratch\nADD \(repository.address)#:out /")
                #expect(errors.contains("has no directory `out`"), "\(errors)")
            }
        }
    }
}
