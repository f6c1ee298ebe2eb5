internal import Foundation
internal import Glibc
internal import SystemPackage
internal import Testing

/// What the cases of `Semantics/mount` cannot show: several builds, what is on disk, and what is said.
@Suite("RUN --mount", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
struct MountTests {
    /// What a transcript says about each step of a Dockerfile with one stage: whether it was taken from the cache.
    private func isCached(_ image: BuiltImage, step: Int) -> Bool { CacheTests.cached(image.transcript).contains(step) }

    @Test("a bind counts by the content that it shows")
    func bindContent() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try f.write("used/a", "one")
            try f.write("used/b", "b")
            try f.write("unused", "x")
            let text = "FROM base\nRUN --mount=source=used,target=/m cat /m/a >/result"
            #expect(try await !isCached(f.build(text), step: 2))
            try f.write("unused", "changed")
            try f.write("used/b", "b")
            #expect(try await isCached(f.build(text), step: 2))
            // Where the files come from does not count, only what they are.
            try f.write("other/a", "one")
            try f.write("other/b", "b")
            #expect(try await isCached(f.build(text.replacing("source=used", with: "source=other")), step: 2))
            try f.write("used/b", "changed")
            #expect(try await !isCached(f.build(text), step: 2))
            try f.write("used/b", "b")
            try f.write("used/b", "b", mode: 0o755)
            #expect(try await !isCached(f.build(text), step: 2))
            try f.write("used/c")
            #expect(try await !isCached(f.build(text), step: 2))
            try f.write("used/a", "two")
            let image = try await f.build(text)
            #expect(try image.text("/result") == "two")
        }
    }

    @Test("a stage that ran again and made the same files is the same source")
    func stageContent() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            func text(_ comment: String, _ content: String = "same") -> String {
                """
                FROM base AS made
                RUN mkdir /d && echo \(content) >/d/file; : \(comment)
                FROM base
                RUN --mount=from=made,source=/d,target=/m cat /m/file >/result
                """
            }
            _ = try await f.build(text("one"))
            let again = try await f.build(text("two"))
            #expect(isCached(again, step: 4) && !isCached(again, step: 2))
            let other = try await f.build(text("two", "other"))
            #expect(!isCached(other, step: 4))
            #expect(try other.text("/result") == "other\n")
        }
    }

    @Test("neither a secret's value, nor whether it was given, nor what a cache is called and holds counts")
    func uncounted() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try f.write("s", "one")
            let text = """
                FROM base
                RUN --mount=type=secret,id=s --mount=type=cache,target=/c,id=first cat /run/secrets/s >/result
                """
            _ = try await f.build(text, "--secret", "id=s,src=s")
            try f.write("s", "two")
            let again = try await f.build(text, "--secret", "id=s,src=s")
            #expect(try isCached(again, step: 2) && again.text("/result") == "one")
            #expect(try await isCached(f.build(text), step: 2))
            #expect(try await isCached(f.build(text.replacing("id=first", with: "id=second")), step: 2))
            for (old, new) in [("id=s ", "id=s,mode=0444 "), ("target=/c", "target=/d")] {
                let image = try await f.build(text.replacing(old, with: new), "--secret", "id=s,src=s")
                #expect(try !isCached(image, step: 2) && image.text("/result") == "two")
            }
        }
    }

    @Test("a secret is nowhere on disk while it is used, nor afterwards, nor in what is said")
    func secretIsNowhere() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let value = "geheimnis-\(UUID().uuidString)"
            try f.write("secret", value + "\n")
            let text = """
                FROM base
                RUN --mount=type=secret,id=s,env=S cat /run/secrets/s 2>/dev/null; echo "$S"; echo "$S" | cut -c 1-20; \
                    echo "$S" >&2; echo re''ady; if test -e /wait; then sleep 300; fi; false
                """
            func expectNowhere(_ said: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
                #expect(!said.contains(value), sourceLocation: sourceLocation)
                for path in try FileManager.default.subpathsOfDirectory(atPath: f.store.string) {
                    let bytes = try? Data(contentsOf: URL(fileURLWithPath: f.store.appending(path).string))
                    #expect(bytes?.range(of: Data(value.utf8)) == nil, "\(path)", sourceLocation: sourceLocation)
                }
            }
            let failed = try await f.buildFailing(text, "--secret", "id=s,src=secret")
            #expect(failed.contains("\n***\n") && failed.contains("  | ***\n"), "\(failed)")
            #expect(failed.contains(String(value.prefix(20))))
            try expectNowhere(failed)
            let works = try await f.build(text.replacing("; false", with: ""), "--secret", "id=s,src=secret")
            try expectNowhere(works.transcript)

            let waiting = "FROM base\nRUN mkdir /wait\n" + text.split(separator: "\n", maxSplits: 1)[1]
            let build = try f.start(["--secret", "id=s,src=secret", "-f", try f.dockerfile(waiting), "."])
            try await build.waitForErrors(containing: "\nready")
            try expectNowhere("")
            build.signal(SIGKILL)
            _ = try await build.wait()
            try expectNowhere("")
            try await f.succeed("prune")
        }
    }

    @Test("a required secret is not needed where nothing runs")
    func requiredSecretOfCachedStep() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try f.write("s", "value")
            let text = "FROM base\nRUN --mount=type=secret,id=s,required true"
            _ = try await f.build(text, "--secret", "id=s,src=s")
            #expect(try await isCached(f.build(text), step: 2))
            #expect(try await f.buildFailing(text, "--no-cache").contains("--secret id=s,src=FILE"))
        }
    }

    @Test("what follows --secret, --ssh and --add-host is checked before anything is built")
    func options() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let cases = [
                (["--secret", "src=a"], "`id` is missing"), (["--secret", "id=a,src=none"], "cannot read `none`"),
                (["--secret", "id=a,file=b"], "unknown key `file`"), (["--secret", "id=a,type=x"], "unknown type `x`"),
                (["--ssh", "default"], "SSH_AUTH_SOCK is not set"), (["--ssh", "a=none"], "cannot use `none`"),
                (["--add-host", "a"], "expected NAME:ADDRESS"),
                (["--network", "x"], "is not default, none or host"), (["--allow", "x"], "unknown `x`"),
                (["--shm-size", "x"], "invalid size `x`"), (["--ulimit", "nofile=2:1"], "above the hard one"),
            ]
            try f.write("s")
            let file = try f.dockerfile("FROM base\nRUN exit 1")
            for (arguments, text) in cases {
                let result = try await f.start(["-f", file] + arguments + ["."]).wait()
                #expect(result.status == 2 && result.errors.contains(text), "\(result)")
            }
        }
    }
}

// MARK: - Caches

extension MountTests {
    /// A command that says when it has the cache, and ends when a file appears in another one.
    private func holding(_ sharing: String, _ name: String) -> String {
        """
        FROM base
        RUN --mount=type=cache,target=/c,sharing=\(sharing) --mount=type=cache,target=/signals \
            echo \(name) >>/c/log; echo re''ady; until test -e /signals/\(name); do sleep 0.02; done; cat /c/log >/log
        """
    }

    private func release(_ f: BuildFixture, _ name: String) async throws {
        try await f.succeed(
            "-f",
            try f.dockerfile("FROM base\nRUN --mount=type=cache,target=/signals touch /signals/\(name)"),
            "."
        )
    }

    @Test("two builds share a cache, unless it is locked or private")
    func sharing() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            func start(_ sharing: String, _ name: String) throws -> RunningCommand {
                try f.start([
                    "--progress", "plain", "-t", name, "-f", try f.dockerfile(holding(sharing, name)), ".",
                ])
            }
            func log(_ name: String) async throws -> String {
                let text = "FROM \(name)\nRUN cat /log >/copy"
                return try await f.build(text).text("/copy")
            }
            let shared = [try start("shared", "s1"), try start("shared", "s2")]
            for build in shared { try await build.waitForErrors(containing: "\nready") }
            for name in ["s1", "s2"] { try await release(f, name) }
            for build in shared { #expect(try await build.wait().status == 0) }

            let first = try start("locked", "l1")
            try await first.waitForErrors(containing: "\nready")
            let second = try start("locked", "l2")
            try await second.waitForErrors(containing: "waiting for the cache `/c`")
            let alone = try start("private", "p1")
            try await alone.waitForErrors(containing: "\nready")
            for name in ["p1", "l2", "l1"] { try await release(f, name) }
            for build in [first, second, alone] { #expect(try await build.wait().status == 0) }
            #expect(try await log("p1") == "p1\n")
            #expect(Set(try await log("l1").split(separator: "\n")) == ["s1", "s2", "l1"])
            #expect(Set(try await log("l2").split(separator: "\n")) == ["s1", "s2", "l1", "l2"])
        }
    }

    @Test("a killed build leaves its cache as it was written, and locked for nobody")
    func killed() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let build = try f.start([
                "--progress", "plain", "-f", try f.dockerfile(holding("locked", "killed")), ".",
            ])
            try await build.waitForErrors(containing: "\nready")
            build.signal(SIGKILL)
            _ = try await build.wait()
            let image = try await f.build(
                "FROM base\nRUN --mount=type=cache,target=/c,sharing=locked echo next >>/c/log; cat /c/log >/log"
            )
            #expect(try image.text("/log") == "killed\nnext\n")
            try await f.succeed("prune")
        }
    }

    @Test("two stages that lock two caches in opposite order both end")
    func noDeadlock() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            func stage(_ name: String, _ first: String, _ second: String) -> String {
                """
                FROM base AS \(name)
                RUN --mount=type=cache,target=/\(first),sharing=locked --mount=type=cache,target=/\(second),sharing=locked \
                    sleep 0.1 && echo \(name) >/\(name)

                """
            }
            let stages = (0..<4).map {
                stage("s\($0)", $0.isMultiple(of: 2) ? "a" : "b", $0.isMultiple(of: 2) ? "b" : "a")
            }
            let text = stages.joined() + "FROM base\n" + (0..<4).map { "COPY --from=s\($0) /s\($0) /\n" }.joined()
            #expect(try await f.build(text).text("/s3") == "s3\n")
        }
    }

    @Test("prune --all empties caches; prune leaves them")
    func prune() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let text = "FROM base\nRUN --mount=type=cache,target=/c echo x >>/c/log; cat /c/log >/log"
            _ = try await f.build(text)
            try await f.succeed("prune")
            #expect(try await f.build(text, "--no-cache").text("/log") == "x\nx\n")
            try await f.succeed("prune", "--all")
            #expect(try await f.build(text, "--no-cache").text("/log") == "x\n")
        }
    }
}

// MARK: - ssh

extension MountTests {
    @Test(
        "an agent answers whoever the socket belongs to, also another user than the builder",
        .enabled("needs openssh-client") {
            Machine.has("ssh-agent") && Machine.has("ssh-add") && Machine.has("ssh-keygen")
        }
    )
    func agent() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let (key, socket) = (f.scratch.appending("key"), f.scratch.appending("agent"))
            // The client with its libraries, so that it runs on busybox.
            let script = """
                ssh-keygen -q -t ed25519 -N '' -f '\(key)' && mkdir client && cp "$(command -v ssh-add)" client/
                for file in $(ldd client/ssh-add | grep -o '/[^ ]*'); do
                    mkdir -p "client$(dirname $file)" && cp "$file" "client$file"
                done
                """
            let made = try await Machine.run(["sh", "-euc", script], in: f.context)
            try #require(made.status == 0, "\(made)")
            let agent = try RunningCommand(
                ["ssh-agent", "-D", "-a", socket.string],
                environment: f.environment,
                directory: f.context,
                logs: f.scratch
            )
            // It inherits that SIGTERM is blocked.
            defer { agent.signal(SIGKILL) }
            try await waitUntil { fileExists(socket) }
            let added = try await Machine.run(
                ["ssh-add", "-q", key.string],
                environment: ["SSH_AUTH_SOCK": socket.string],
                in: f.context
            )
            try #require(added.status == 0, "\(added)")
            let text = """
                FROM base
                COPY client /
                RUN mkdir -m 777 /out && echo 'app:x:50:51::/:/bin/sh' >>/etc/passwd
                RUN --mount=type=ssh,required /ssh-add -L >/out/root && echo "$SSH_AUTH_SOCK" >>/out/root
                USER app
                RUN --mount=type=ssh,id=deploy,uid=50,mode=0600,target=/tmp/s /ssh-add -L >/out/app && stat -c '%a %u' /tmp/s >>/out/app
                RUN --mount=type=ssh,id=files,mode=0666 /ssh-add -L >/out/files
                RUN --mount=type=ssh /ssh-add -L >/out/other 2>&1 || echo refused >>/out/other
                RUN ls / /tmp >/out/left
                """
            let image = try await f.build(
                text,
                "--ssh",
                "default",
                "--ssh",
                "deploy=\(socket)",
                "--ssh",
                "files=\(key)",
                environment: ["SSH_AUTH_SOCK": socket.string]
            )
            let expected = String(decoding: try readFile(FilePath(key.string + ".pub")), as: UTF8.self)
            #expect(try image.text("/out/root") == expected + "/run/buildkit/ssh_agent.0\n")
            #expect(try image.text("/out/app") == expected + "600 50\n")
            let parts = expected.split(separator: " ")
            #expect(try image.text("/out/files").hasPrefix("\(parts[0]) \(parts[1])"))
            try f.write("no-key", "text")
            let refused = try await f.buildFailing(
                "FROM base\nRUN --mount=type=ssh true",
                "--ssh",
                "default=no-key",
                status: 3
            )
            #expect(refused.contains("ssh-agent did not accept the keys: "), "\(refused)")
            try f.expectNothingLeft()
            #expect(try image.text("/out/other").hasSuffix("refused\n"))
            let left = try image.text("/out/left").split(separator: "\n")
            // What something was mounted on was made for that, and is not kept.
            #expect(!left.contains("run") && !left.contains("s"), "\(left)")
        }
    }
}
