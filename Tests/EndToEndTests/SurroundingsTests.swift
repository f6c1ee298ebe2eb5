internal import Foundation
internal import Glibc
internal import SystemPackage
internal import Testing

/// What the caller's shell, group, limits and directories do to a build: nothing.
@Suite("The caller's surroundings", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
struct SurroundingsTests {
    /// Runs the binary from a shell that first does something to itself.
    private func swiftbuild(_ f: BuildFixture, after preparation: String, _ arguments: String...) async throws
        -> CommandResult
    {
        try await RunningCommand(
            ["sh", "-c", "\(preparation); exec \"$@\"", "sh", Machine.binary.string] + arguments,
            environment: f.environment,
            directory: f.context,
            logs: f.scratch
        ).wait()
    }

    private static let users = """
        FROM base AS other
        FROM base
        RUN mkdir -m 777 /out
        USER 1234
        RUN --mount=target=/context --mount=from=other,target=/other cat /context/f >/out/f && ls /other/bin >/dev/null && \
            umask >/out/umask && stat -c '%a %u:%g' / >/out/root
        """

    @Test("no umask shows in the modes of what a process sees", arguments: ["022", "027", "077", "0777"])
    func umask(mask: String) async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try f.write("f", "text")
            // The base is unpacked under that mask, too.
            let file = try f.dockerfile(Self.users)
            let built = try await swiftbuild(f, after: "umask \(mask)", "-q", "-t", "made", "-f", file, ".")
            try #require(built.status == 0, "\(built)")
            let image = try BuiltImage(id: built.line, store: f.store, transcript: "")
            #expect(try image.text("/out/f") == "text")
            #expect(try image.text("/out/umask") == "0022\n")
            #expect(try image.text("/out/root") == "755 0:0\n")
            let ran = try await swiftbuild(f, after: "umask \(mask)", "run", "-u", "nobody", "base", "id", "-u")
            #expect(ran.outputText == "65534\n", "\(ran)")
        }
    }

    @Test("a store below a directory with another group and setgid gives the same owners and modes")
    func setgid() async throws {
        try await BuildFixture.with { f in
            chown(f.scratch.string, 0, 4242)
            chmod(f.scratch.string, 0o2755)
            try await f.importBase()
            try f.write("f", "text")
            let image = try await f.build(
                Self.users + "\nUSER 0\nRUN mkdir /d && touch /d/f && stat -c '%a %u:%g' / /d /d/f /proc >/made"
            )
            #expect(try image.text("/out/root") == "755 0:0\n")
            #expect(try image.text("/made") == "755 0:0\n755 0:0\n644 0:0\n555 0:0\n")
            #expect(image.listing("/d") == ["d755 0:0 /d", "-644 0:0 /d/f"])
        }
    }

    @Test(
        "a store below a directory with a default access list gives the same modes",
        .enabled("needs setfacl (acl)") { Machine.has("setfacl") }
    )
    func accessList() async throws {
        try await BuildFixture.with { f in
            // User 1 may do everything, the group reads, others nothing.
            let made = try await Machine.run(["setfacl", "-d", "-m", "u:1:rwx,g::r-x,o::---", "."], in: f.scratch)
            guard made.status == 0 else {
                print("skipped: this filesystem has no access lists")
                return
            }
            try await f.importBase()
            try f.write("f", "text")
            let image = try await f.build(Self.users + "\nUSER 0\nRUN mkdir /d && touch /d/f")
            #expect(try image.text("/out/root") == "755 0:0\n")
            #expect(image.listing("/d") == ["d755 0:0 /d", "-644 0:0 /d/f"])
        }
    }

    @Test("limits of the caller are not those of a process")
    func limits() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let file = try f.dockerfile(
                "FROM base\nRUN ulimit -Sn >/r; ulimit -Hn >>/r; ulimit -Sc >>/r; ulimit -f >>/r; ulimit -s >>/r"
            )
            let limits = "ulimit -Sn 300; ulimit -Sc unlimited; ulimit -Ss 4096"
            let built = try await swiftbuild(f, after: limits, "-q", "-t", "made", "-f", file, ".")
            try #require(built.status == 0, "\(built)")
            let image = try BuiltImage(id: built.line, store: f.store, transcript: "")
            // Without CAP_SYS_RESOURCE a hard limit cannot be raised.
            var files = rlimit()
            getrlimit(__rlimit_resource_t(7), &files)
            let mayBeLower = files.rlim_max < 524_288 ? [files.rlim_max, 524_288] : [524_288]
            #expect(mayBeLower.map { "1024\n\($0)\n0\nunlimited\n8192\n" }.contains(try image.text("/r")))
        }
    }

    @Test(
        "closed descriptors do no harm",
        arguments: ["exec <&-", "exec >&-", "exec 2>&-", "exec <&- >&- 2>&-"]
    )
    func closedDescriptors(closing: String) async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let file = try f.dockerfile("FROM base\nRUN echo out && echo err >&2 && echo x >/x\nCOPY . /context/")
            let built = try await swiftbuild(f, after: closing, "-t", "made", "-f", file, ".")
            #expect(built.status == 0, "\(built)")
            #expect(try await f.succeed("cat", "made:/x").outputText == "x\n")
            // What was meant for the user is in no file of the store.
            #expect(try await f.succeed("doctor").status == 0)
        }
    }
}

/// Who may see and outlive what.
@Suite("Isolation", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
struct IsolationTests {
    private func mode(_ path: FilePath) throws -> mode_t {
        var status = stat()
        try #require(stat(path.string, &status) == 0)
        return status.st_mode & 0o7777
    }

    @Test("a store is its owner's alone; one that was open to others is closed when its owner opens it")
    func privateStore() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            #expect(try mode(f.store) == 0o700)
            chmod(f.store.string, 0o755)
            try await f.succeed("images")
            #expect(try mode(f.store) == 0o700)
            // A group that somebody has given it may pass through.
            chown(f.store.string, 0, 4242)
            chmod(f.store.string, 0o755)
            try await f.succeed("images")
            #expect(try mode(f.store) == 0o710)
            // A symbolic link to a store is that store.
            chmod(f.store.string, 0o755)
            let link = f.scratch.appending("link")
            symlink(f.store.string, link.string)
            try await f.succeed("--root", link.string, "images")
            #expect(try mode(f.store) == 0o710)
        }
    }

    @Test("a directory with other things in it stays as open as it is, but not what the store has there")
    func storeAmongOthers() async throws {
        try await BuildFixture.with { f in
            let shared = f.scratch.appending("shared")
            mkdir(shared.string, 0o755)
            try Data().write(to: URL(fileURLWithPath: shared.appending("other").string))
            let file = try f.dockerfile("FROM scratch\nLABEL a=b")
            for _ in 0..<2 {
                try await f.succeed("build", "--root", shared.string, "-f", file, ".")
                #expect(try mode(shared) == 0o755)
                #expect(try mode(shared.appending("names-v1")) == 0o700)
            }
            chmod(shared.appending("builds-v1").string, 0o755)
            try await f.succeed("--root", shared.string, "images")
            #expect(try mode(shared.appending("builds-v1")) == 0o700)
        }
    }

    @Test("the parents of a new store are ordinary directories")
    func parents() async throws {
        try await BuildFixture.with { f in
            let root = f.scratch.appending("a").appending("b").appending("store")
            let file = try f.dockerfile("FROM scratch\nLABEL a=b")
            try await f.succeed("build", "--root", root.string, "-f", file, ".")
            #expect(try mode(root) == 0o700)
            #expect(try mode(f.scratch.appending("a")) & 0o755 == 0o755)
        }
    }

    @Test("a build leaves no process behind, not even for the first process of a container to reap")
    func leavesNoProcess() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let file = try f.dockerfile("FROM base\nRUN true")
            // What is left behind becomes a child of this program (PR_SET_CHILD_SUBREAPER).
            let program = """
                import ctypes, os, subprocess, sys
                ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
                subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                try: print("left", os.waitpid(-1, os.WNOHANG))
                except ChildProcessError: print("nothing")
                """
            let arguments = [Machine.binary.string, "build", "-f", file, "."]
            let result = try await Machine.run(
                ["python3", "-c", program] + arguments,
                environment: f.environment,
                in: f.context
            )
            #expect(result.status == 0 && result.line == "nothing", "\(result)")
        }
    }

    @Test("a process that has cleared its death signal ends with a builder that is killed")
    func outlivesNothing() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            // A set-user-ID program makes the kernel clear it.
            _ = try await f.build("FROM base\nRUN cp /bin/busybox /busybox && chmod 4755 /busybox", "-t", "su")
            let mark = "MARK=\(UUID().uuidString)"
            let file = try f.dockerfile("FROM su\nUSER 1234\nENV \(mark)\nRUN echo rea''dy && exec /busybox sleep 1000")
            let build = try f.start(["--progress", "plain", "-f", file, "."])
            try await build.waitForErrors(containing: "ready")
            try await Task.sleep(for: .milliseconds(200))
            #expect(!Machine.processes(withEnvironment: mark).isEmpty)
            build.signal(SIGKILL)
            #expect(try await build.wait().status == 128 + SIGKILL)
            try await waitUntil { Machine.processes(withEnvironment: mark).isEmpty }
            #expect(Machine.processes(withEnvironment: mark).isEmpty)
            // What the killed build had begun.
            try await f.succeed("prune")
        }
    }

    @Test("run --security-opt takes profiles, unconfined and no-new-privileges")
    func securityOptions() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            func status(_ options: String...) async throws -> String {
                let arguments = ["run"] + options.flatMap { ["--security-opt", $0] }
                let command = [
                    "base", "sh", "-c", "grep -E 'Seccomp:|NoNewPrivs' /proc/self/status; mkdir /m; ls -d /m",
                ]
                return try await f.start(arguments + command).wait().outputText
            }
            #expect(try await status() == "NoNewPrivs:\t0\nSeccomp:\t2\n/m\n")
            #expect(try await status("seccomp=builtin") == "NoNewPrivs:\t0\nSeccomp:\t2\n/m\n")
            #expect(try await status("seccomp=unconfined") == "NoNewPrivs:\t0\nSeccomp:\t0\n/m\n")
            #expect(try await status("no-new-privileges") == "NoNewPrivs:\t1\nSeccomp:\t2\n/m\n")
            try f.write(
                "profile.json",
                """
                {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir", "mkdirat"],
                "action": "SCMP_ACT_ERRNO"}]}
                """
            )
            #expect(try await status("seccomp=profile.json") == "NoNewPrivs:\t0\nSeccomp:\t2\n")
            try f.write("bad.json", #"{"defaultAction": "SCMP_ACT_NOTIFY"}"#)
            mkfifo(f.context.appending("fifo").string, 0o644)
            for (option, reason) in [
                ("seccomp=nowhere", "no such file"), ("seccomp=bad.json", "`defaultAction`"), ("label=x", "unknown"),
                ("seccomp=", "unknown"), ("seccomp=fifo", "named pipe"), ("no-new-privileges=maybe", "unknown"),
            ] {
                let result = try await f.swiftbuild("run", "--security-opt", option, "base", "true")
                #expect(result.status == 125 && result.errors.contains(reason), "\(result)")
            }
        }
    }

    @Test("the user of a container can open its output by name, through a pipe and in a terminal")
    func outputByName() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let binary = Machine.binary.string
            let script = "echo a >/dev/stdout; echo b >/dev/stderr; echo c >/proc/self/fd/1"
            for options in ["", "-t"] {
                let command = "\(binary) run \(options) -u 1234 base sh -c '\(script)' 2>&1 </dev/null | cat"
                let result = try await Machine.run(["sh", "-c", command], environment: f.environment, in: f.scratch)
                // `-t` without a terminal is told.
                let lines = result.outputText.split(whereSeparator: \.isNewline).filter { !$0.hasPrefix("note: ") }
                // Output and error are two pipes to the supervisor, as with Docker, so that their order may change.
                #expect(lines.sorted() == ["a", "b", "c"], "\(options) \(result)")
            }
        }
    }

    @Test("users and groups have numbers from 0 to 2147483647")
    func numbers() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            for user in ["4294967295", "2147483648", "1000:4294967295", "99999999999999999999"] {
                let result = try await f.swiftbuild("run", "-u", user, "base", "id", "-u")
                #expect(result.status != 0 && result.outputText.isEmpty, "\(result)")
                #expect(result.errors.contains("expected a number from 0 to 2147483647"), "\(result)")
            }
            #expect(try await f.succeed("run", "-u", "2147483647:7", "base", "id", "-u").line == "2147483647")
        }
    }
}
