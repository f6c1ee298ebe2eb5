internal import Foundation
internal import SystemPackage
internal import Testing

@Suite("What steps leave to look at", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
struct StepLogTests {
    @Test("build-logs shows what each step wrote, whole, also of a step whose result was used again")
    func logs() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try f.write("a", "1")
            let text = """
                FROM base
                RUN seq 1 20000; echo last; printf 'no end \\377'
                COPY a /a
                RUN true
                """
            _ = try await f.build(text)
            let whole = (1...20000).map { "\($0)\n" }.joined() + "last\nno end "
            #expect(try await f.succeed("build-logs", "--step", "2").output == Array(whole.utf8) + [0xFF])
            try f.write("a", "2")
            _ = try await f.build(text)
            #expect(
                try await f.succeed("build-logs", "--step", "2", "image-under-test").output.count == whole.utf8.count
                    + 1
            )
            let all = try await f.succeed("build-logs").outputText
            #expect(all.hasPrefix("==> Step 2/4 : RUN seq") && !all.contains("Step 4/4"))
            let wrong = try await f.swiftbuild("build-logs", "--step", "9")
            #expect(wrong.status == 1 && wrong.errors.contains("has no step 9"))
            // Gone with the record of the build.
            try await f.succeed("prune", "--all")
            #expect(try FileManager.default.contentsOfDirectory(atPath: f.store.appending("logs-v1").string).isEmpty)
            #expect(try await f.swiftbuild("build-logs").errors.contains("no build has been recorded"))
        }
    }

    @Test("a log has no values of secrets, and a long one costs no memory")
    func secrets() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try f.write("secret", "very-secret-value")
            _ = try await f.build(
                "FROM base\nRUN --mount=type=secret,id=s cat /run/secrets/s; head -c 20000000 /dev/zero | tr '\\0' x",
                "--secret",
                "id=s,src=\(f.context)/secret"
            )
            let log = try await f.succeed("build-logs", "--step", "2")
            #expect(log.output.count == 20_000_003)
            #expect(log.output.starts(with: Array("***xxx".utf8)))
            if Machine.has("time") {
                let file = try f.dockerfile("FROM base\nRUN : again; head -c 160000000 /dev/zero | tr '\\0' x")
                let result = try await Machine.run(
                    [
                        "/usr/bin/time", "-f", "%M", Machine.binary.string, "--root", f.store.string, "-f", file, "-q",
                        ".",
                    ],
                    in: f.context
                )
                let kilobytes = try #require(Int(result.errors.split(separator: "\n").last ?? ""), "\(result.status)")
                #expect(kilobytes < 120_000)
            }
        }
    }

    @Test("debug-shell starts where a RUN failed, with its files, mounts, user, directory and environment")
    func debugShell() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try f.write("bound", "bound")
            try f.write("secret", "very-secret-value")
            let text = """
                FROM base
                RUN echo builder:x:1234:1234::/:/bin/sh >>/etc/passwd; echo below >/below
                ENV COLOUR=blue
                WORKDIR /work
                RUN chown builder .
                USER builder
                RUN --mount=type=bind,source=bound,target=/bound --mount=type=cache,target=/cache,uid=1234 \\
                    --mount=type=secret,id=s,env=TOKEN echo half >half; echo kept >/cache/kept; rm -f nothing; exit 3
                """
            try await f.buildFailing(text, "--secret", "id=s,src=\(f.context)/secret")
            let result = try await f.succeed(
                "debug-shell",
                input: Array(
                    "cat half /below /bound /cache/kept; id -u; pwd; echo $COLOUR [$TOKEN]; echo more >more\n".utf8
                )
            )
            #expect(result.outputText == "half\nbelow\nboundkept\n1234\n/work\nblue []\n", "\(result)")
            #expect(result.errors.contains("not kept: the secret `s`"))
            let again = try await f.swiftbuild("debug-shell", "--", "/bin/sh", "-c", "cat more; exit 7")
            #expect(again.outputText == "more\n" && again.status == 7, "\(again)")
            #expect(try await f.swiftbuild("debug-shell", "--", "/nothing").status == 127)
            // A build that succeeds is not disturbed, and prune takes it away.
            try await f.succeed("prune")
            let gone = try await f.swiftbuild("debug-shell")
            #expect(gone.status == 1 && gone.errors.contains("no failed step"), "\(gone)")
        }
    }

    @Test("debug-shell has the limits, shared memory, hosts and network of the RUN that failed")
    func debugShellSettings() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try await f.buildFailing(
                "FROM base\nRUN --network=none --mount=type=tmpfs,target=/a/b --mount=type=tmpfs,target=/a false",
                "--ulimit",
                "nofile=123",
                "--shm-size",
                "1m",
                "--add-host",
                "db:10.1.2.3"
            )
            let script =
                "ulimit -n; df -k /dev/shm | awk 'NR==2{print $2}'; grep -c 10.1.2.3 /etc/hosts; ls /sys/class/net /a"
            let result = try await f.succeed("debug-shell", "--", "sh", "-c", script)
            #expect(result.outputText == "123\n1024\n1\n/a:\nb\n\n/sys/class/net:\nlo\n", "\(result)")
        }
    }

    @Test("--on-error shell opens it at once; only the latest failures are kept")
    func onError() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let file = try f.dockerfile("FROM base\nRUN echo left >/left; exit 3")
            let result = try await f.start(["--on-error", "shell", "-f", file, "."], input: Array("cat /left\n".utf8))
                .wait()
            #expect(result.status == 1 && result.outputText == "left\n", "\(result)")
            for number in 0..<5 { try await f.buildFailing("FROM base\nRUN echo \(number) >/n; exit 1") }
            #expect(try await f.succeed("ps", "-aq").lines.count == 3)
            #expect(try await f.swiftbuild("debug-shell", "--", "cat", "/n").outputText == "4\n")
        }
    }

    @Test("diff --step shows what a step changed, also in a stage built on another one")
    func difference() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try f.write("a", "a")
            _ = try await f.build(
                """
                FROM base AS first
                COPY a /a
                FROM first
                RUN echo b >/b; chmod 600 /a; rm /bin/busybox
                """
            )
            let changed = try await f.swiftbuild("diff", "--step", "4")
            #expect(
                changed.outputText == "files:\n  C /a (mode 0644 -> 0600)\n  A /b\n  D /bin/busybox\n",
                "\(changed)"
            )
            #expect(changed.status == 1)
            #expect(try await f.swiftbuild("diff", "--step", "2", "last").outputText == "files:\n  A /a\n")
            let base = try await f.swiftbuild("diff", "--step", "1")
            #expect(base.status == 2 && base.errors.contains("made no layer"), "\(base)")
            #expect(try await f.swiftbuild("diff", "one").status == 2)
        }
    }
}
