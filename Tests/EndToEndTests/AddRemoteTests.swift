internal import Foundation
internal import SystemPackage
internal import Testing

@Suite("ADD from the web", .enabled(if: WebServer.isAvailable, "\(WebServer.needs)"))
struct AddRemoteTests {
    @Test("a file comes as it is: mode 0600, root, the time that the server says")
    func attributes() async throws {
        try await BuildFixture.with { f in
            try await WebServer.with(f) { server in
                try server.write("sub/file.txt", "hello", modified: 1_500_000_000)
                let image = try await f.build("FROM scratch\nADD \(server.address)/sub/file.txt /x/")
                #expect(image.listing() == ["d755 0:0 /x", "-600 0:0 /x/file.txt"])
                #expect(try image.text("/x/file.txt") == "hello")
                #expect(image.tree["/x/file.txt"]?.modified == 1_500_000_000)
            }
        }
    }

    @Test(
        "the name is that of the address, unless the destination is one",
        arguments: [
            ("/a.txt", "/x/", "/x/a.txt"), ("/a.txt", "/x", "/x"), ("/a.txt?query=b.txt", "/x/", "/x/a.txt"),
            ("/a%20b.txt", "/x/", "/x/a b.txt"), ("/a.txt#fragment", "/", "/a.txt"),
            ("/redirect/302/a.txt", "/x/", "/x/a.txt"), ("/redirect/302/other?to=/a.txt", "/x/", "/x/other"),
            ("/%2e%2e%2fa.txt", "/x", "/x"),
        ]
    )
    func names(path: String, destination: String, expected: String) async throws {
        try await BuildFixture.with { f in
            try await WebServer.with(f) { server in
                try server.write("a.txt", "a")
                try server.write("a b.txt", "a")
                try server.write("../a.txt", "a")
                let image = try await f.build("FROM scratch\nADD \(server.address)\(path) \(destination)")
                #expect(image.tree[expected]?.kind == .file, "\(image.listing())")
            }
        }
    }

    @Test("an address without a name needs a destination with one")
    func nameless() async throws {
        try await BuildFixture.with { f in
            try await WebServer.with(f) { server in
                let errors = try await f.buildFailing("FROM scratch\nADD \(server.address)/ /x/")
                #expect(errors.contains("needs a name") && errors.contains(":2:"), "\(errors)")
                #expect(server.requests == [])
            }
        }
    }

    @Test("--chown and --chmod work on a download")
    func changed() async throws {
        try await BuildFixture.with { f in
            try await WebServer.with(f) { server in
                try server.write("a", "a")
                let image = try await f.build("FROM scratch\nADD --chown=3:4 --chmod=755 \(server.address)/a /")
                #expect(image.listing() == ["-755 3:4 /a"])
            }
        }
    }

    @Test("an archive is unpacked with --unpack only")
    func archives() async throws {
        try await BuildFixture.with { f in
            try await WebServer.with(f) { server in
                let members: [TarEntry] = [.directory("d", mode: 0o700), .file("d/f", "x", mode: 0o640, user: 5)]
                try server.write("a.tar", bytes: TarArchive.write(members))
                let image = try await f.build(
                    "FROM scratch\nADD \(server.address)/a.tar /x/\nADD --unpack \(server.address)/a.tar /y/"
                )
                #expect(
                    image.listing() == [
                        "d755 0:0 /x", "-600 0:0 /x/a.tar", "d755 0:0 /y", "d700 0:0 /y/d", "-640 5:0 /y/d/f",
                    ]
                )
            }
        }
    }

    @Test("what is no archive is copied in spite of --unpack")
    func noArchive() async throws {
        try await BuildFixture.with { f in
            try await WebServer.with(f) { server in
                try server.write("a", "text")
                let image = try await f.build("FROM scratch\nADD --unpack=true \(server.address)/a /x/")
                #expect(image.listing() == ["d755 0:0 /x", "-600 0:0 /x/a"])
            }
        }
    }

    @Test("a second build asks whether the file is still the same, and downloads it only if not")
    func revalidation() async throws {
        try await BuildFixture.with { f in
            try await WebServer.with(f) { server in
                try server.write("a", "one")
                let text = "FROM scratch\nADD \(server.address)/a /"
                let first = try await f.build(text)
                let second = try await f.build(text)
                #expect(second.id == first.id && second.transcript.contains("Using cache"))
                #expect(server.requests == ["GET /a", "GET /a If-None-Match"])
                try server.write("a", "two")
                let third = try await f.build(text)
                #expect(try third.text("/a") == "two" && third.id != first.id)
                try server.write("a", "one")
                #expect(try await f.build(text).id == first.id)
            }
        }
    }

    @Test("the content counts for the cache, not the address")
    func contentKey() async throws {
        try await BuildFixture.with { f in
            try await WebServer.with(f) { server in
                try server.write("one/a", "same")
                try server.write("two/a", "same")
                let first = try await f.build("FROM scratch\nADD \(server.address)/one/a /")
                let second = try await f.build("FROM scratch\nADD \(server.address)/two/a /")
                #expect(second.transcript.contains("Using cache"), "\(second.transcript)")
                #expect(second.layers == first.layers)
            }
        }
    }

    @Test("a server without validators is asked for everything again, and the result is a hit all the same")
    func noValidators() async throws {
        try await BuildFixture.with { f in
            try await WebServer.with(f) { server in
                try server.write("a", "one")
                let text = "FROM scratch\nADD \(server.address)/plain/a /"
                _ = try await f.build(text)
                let second = try await f.build(text)
                #expect(second.transcript.contains("Using cache"))
                #expect(second.tree["/a"]?.modified == 0)
                #expect(server.requests == ["GET /plain/a", "GET /plain/a"])
            }
        }
    }

    @Test("prune --all removes what was fetched, and the next build fetches it again")
    func pruning() async throws {
        try await BuildFixture.with { f in
            try await WebServer.with(f) { server in
                try server.write("a", "one")
                let text = "FROM scratch\nADD \(server.address)/a /"
                let first = try await f.build(text)
                let sources = f.store.appending("sources-v1").string
                #expect(try FileManager.default.contentsOfDirectory(atPath: sources).count == 1)
                try await f.succeed("prune", "--all")
                #expect(try FileManager.default.contentsOfDirectory(atPath: sources) == [])
                #expect(try await f.build(text).layers == first.layers)
                #expect(server.requests == ["GET /a", "GET /a"])
            }
        }
    }

    @Test("with a checksum that is in the store nothing is asked")
    func offline() async throws {
        try await BuildFixture.with { f in
            let digest = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
            var text = ""
            var id = ""
            try await WebServer.with(f) { server in
                try server.write("a", "hello")
                text = "FROM scratch\nADD --checksum=\(digest) \(server.address)/a /"
                id = try await f.build(text).id
                #expect(server.requests == ["GET /a"])
            }
            // The server is gone.
            #expect(try await f.build(text).id == id)
            let elsewhere = try await f.build(text + "other/")
            #expect(try elsewhere.text("/other/a") == "hello")
        }
    }

    @Test("another content than the checksum says is an error that names both")
    func mismatch() async throws {
        try await BuildFixture.with { f in
            try await WebServer.with(f) { server in
                try server.write("a", "hello")
                let wrong = "sha256:" + String(repeating: "0", count: 64)
                let errors = try await f.buildFailing("FROM scratch\nADD --checksum=\(wrong) \(server.address)/a /")
                #expect(errors.contains(wrong), "\(errors)")
                #expect(errors.contains("sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"))
            }
        }
    }

    @Test("a checksum that is none, or beside a local file, is an error", arguments: ["md5:abc", "sha256:12", "x"])
    func badChecksum(text: String) async throws {
        try await BuildFixture.with { f in
            try f.write("a")
            let errors = try await f.buildFailing("FROM scratch\nADD --checksum=\(text) http://127.0.0.1:1/a /")
            #expect(errors.contains("checksum"), "\(errors)")
            #expect(try await f.buildFailing("FROM scratch\nADD --checksum=sha256:00 a /").contains("checksum"))
        }
    }

    @Test(
        "a server that fails in passing is asked again",
        arguments: ["/fail/2/500/a", "/fail/1/503/a", "/fail/2/429/a", "/cut/2/a", "/cut/1/a"]
    )
    func retries(path: String) async throws {
        try await BuildFixture.with { f in
            try await WebServer.with(f) { server in
                let text = String(repeating: "0123456789", count: 20_000)
                try server.write("a", text)
                let image = try await f.build("FROM scratch\nADD \(server.address)\(path) /x")
                #expect(try image.text("/x") == text)
                if path.hasPrefix("/cut") { #expect(server.requests.last?.hasSuffix(" Range") == true) }
            }
        }
    }

    @Test(
        "what cannot be had is an error at its line that says why, and leaves nothing",
        arguments: [
            ("/nothing", "404 (Not Found)"), ("/status/403", "403 (Forbidden)"), ("/status/500", "500"),
            ("/cut/99/a", "bytes"), ("/auth/a", "401"), ("/redirect/302/redirect/302/x?to=/redirect/302/y", "redirect"),
        ]
    )
    func failures(path: String, message: String) async throws {
        try await BuildFixture.with { f in
            try await WebServer.with(f) { server in
                try server.write("a", "content")
                try server.write("y", "content")
                let loop = path.contains("redirect") ? "/redirect/302/?to=/redirect/302/?to=" : path
                let errors = try await f.buildFailing("FROM scratch\nADD \(server.address)\(loop) /x")
                #expect(errors.contains(message) && errors.contains(":2:5: error: ADD failed"), "\(errors)")
                #expect(errors.contains("127.0.0.1"), "\(errors)")
            }
        }
    }

    @Test("a host where nothing listens is an error that names it")
    func unreachable() async throws {
        try await BuildFixture.with { f in
            let errors = try await f.buildFailing("FROM scratch\nADD http://127.0.0.1:1/file /x")
            #expect(errors.contains("cannot reach `127.0.0.1:1`") && errors.contains("connection refused"), "\(errors)")
            #expect(errors.contains("hint: "))
        }
    }

    @Test("credentials reach the server they are for, and nothing that is shown or kept")
    func credentials() async throws {
        try await BuildFixture.with { f in
            try await WebServer.with(f) { other in
                try await WebServer.with(f) { server in
                    try server.write("a", "secret file")
                    try other.write("b", "elsewhere")
                    let login = "http://user:pass%20word@\(server.authority)"
                    let image = try await f.build("FROM scratch\nADD \(login)/auth/a /")
                    #expect(try image.text("/a") == "secret file")
                    #expect(!image.transcript.contains("pass%20word"), "\(image.transcript)")
                    #expect(!"\(image.configuration)".contains("pass%20word"), "\(image.configuration)")
                    try await expectNowhere("pass%20word", in: f.store)
                    try await expectNowhere("pass word", in: f.store)

                    let failed = try await f.buildFailing("FROM scratch\nADD \(login)/nothing /")
                    #expect(!failed.contains("pass%20word"), "\(failed)")

                    // Another server does not get them.
                    _ = try await f.build(
                        "FROM scratch\nADD \(login)/redirect/302/x?to=\(other.address)/b /b"
                    )
                    #expect(server.requests.last?.hasSuffix("Authorization") == true)
                    #expect(other.requests == ["GET /b"])
                }
            }
        }
    }

    /// No file of the store has a text in it.
    private func expectNowhere(_ text: String, in store: FilePath) async throws {
        let result = try await Machine.run(["grep", "-rlF", "--", text, store.string], in: "/tmp")
        #expect(result.status == 1, "\(result)")
    }

    @Test("a proxy is used where the environment names one, and not for what it excepts")
    func proxies() async throws {
        try await BuildFixture.with { f in
            try await WebServer.with(f) { proxy in
                let result = try await f.swiftbuild(
                    "-f",
                    try f.dockerfile("FROM scratch\nADD http://host.example/status/404 /"),
                    ".",
                    environment: ["HTTP_PROXY": proxy.address]
                )
                #expect(result.status == 1 && result.errors.contains("host.example"), "\(result)")
                #expect(proxy.requests == ["GET http://host.example/status/404"])
                let direct = try await f.swiftbuild(
                    "-f",
                    try f.dockerfile("FROM scratch\nADD http://host.invalid/status/404 /"),
                    ".",
                    environment: ["HTTP_PROXY": proxy.address, "NO_PROXY": ".invalid"]
                )
                #expect(direct.errors.contains("no such host"), "\(direct)")
                #expect(proxy.requests.count == 1)
            }
        }
    }

    @Test(
        "https needs a certificate of the system, or of SSL_CERT_FILE",
        .enabled(if: Machine.has("openssl"), "needs openssl")
    )
    func certificates() async throws {
        try await BuildFixture.with { f in
            let (key, certificate) = (f.scratch.appending("key.pem"), f.scratch.appending("certificate.pem"))
            let made = try await Machine.run(
                [
                    "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key.string,
                    "-out", certificate.string, "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
                ],
                in: f.scratch
            )
            try #require(made.status == 0, "\(made)")
            try await WebServer.with(f, certificate: (certificate, key)) { server in
                try server.write("a", "over tls")
                let text = "FROM scratch\nADD \(server.address)/a /"
                let errors = try await f.buildFailing(text)
                #expect(errors.contains("no trusted connection") && errors.contains("certificate"), "\(errors)")
                let image = try await f.build(text, environment: ["SSL_CERT_FILE": certificate.string])
                #expect(try image.text("/a") == "over tls")
            }
        }
    }

    @Test("an interrupted download leaves nothing")
    func interruption() async throws {
        try await BuildFixture.with { f in
            try await WebServer.with(f) { server in
                let running = try f.start(
                    ["-f", try f.dockerfile("FROM scratch\nADD \(server.address)/hang/a /"), "."]
                )
                try await waitUntil { !server.requests.isEmpty }
                running.signal(SIGINT)
                #expect(try await running.wait().status == 130)
            }
        }
    }
}
