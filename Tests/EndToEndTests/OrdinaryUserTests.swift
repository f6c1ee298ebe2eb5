internal import Foundation
internal import Glibc
internal import SystemPackage
internal import Testing

@Suite("An ordinary user")
struct OrdinaryUserTests {
    /// Runs the binary as `nobody` where this is root, as it is otherwise.
    ///
    /// - Parameter wrapper: A program that is started first, and runs the rest of its arguments.
    func run(_ f: BuildFixture, _ arguments: [String], below wrapper: [String] = []) async throws -> CommandResult {
        // `setpriv` itself still finds programs where only root may look; what it starts does not.
        let user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--no-new-privs", "env"]
        let environment = ["SWIFTBUILD_ROOT": f.scratch.appending("home").appending("store").string]
        return try await RunningCommand(
            wrapper + (Machine.isRoot ? user : []) + [Machine.binary.string] + arguments,
            environment: f.environment.merging(environment) { $1 },
            directory: f.context,
            logs: f.scratch
        ).wait()
    }

    func makeHome(_ f: BuildFixture) {
        let home = f.scratch.appending("home").string
        mkdir(home, 0o755)
        if Machine.isRoot { chown(home, 65534, 65534) }
    }

    func importBase(_ f: BuildFixture) async throws {
        let archive = f.scratch.appending("rootfs.tar")
        try Data(try await BaseImage.shared.archive()).write(to: URL(fileURLWithPath: archive.string))
        let imported = try await run(f, ["import", archive.string, "base"])
        try #require(imported.status == 0, "\(imported)")
    }

    /// Whether such a user may read the binary and the Swift libraries it was linked with.
    static func canStart() async throws -> Bool {
        var started = true
        // Tests ask from within their own fixture, too.
        try await BuildFixture.with(.none) { f in
            let suite = OrdinaryUserTests()
            suite.makeHome(f)
            started = try await suite.run(f, ["--help"]).status == 0
        }
        return started
    }

    /// Whether such a user may start processes in a user namespace.
    static func canRun() async throws -> Bool {
        guard Machine.has("busybox"), try await canStart() else { return false }
        let script = "unshare --user --map-root-user --mount --pid --fork true"
        let user = Machine.isRoot ? ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] : []
        return try await Machine.run(user + ["sh", "-c", script], in: "/tmp").status == 0
    }

    /// Whether containers of such a user can have networks of their own.
    static func canMakeNetworks() async throws -> Bool {
        guard try await canRun() else { return false }
        var text = "containers have the machine's network"
        try await BuildFixture.with(.none) { f in
            let suite = OrdinaryUserTests()
            suite.makeHome(f)
            text = try await suite.run(f, ["doctor"]).outputText
        }
        return !text.contains("containers have the machine's network")
    }

    @Test(
        "builds COPY-only Dockerfiles with no privileges at all",
        .enabled("an ordinary user may not read the binary or the toolchain here") { try await canStart() }
    )
    func copyOnly() async throws {
        try await BuildFixture.with { f in
            makeHome(f)
            try f.write("a", "text", mode: 0o4755)
            try f.write("a.tar", bytes: TarArchive.write([.file("x", "archived", user: 5, group: 6)]))
            let text = """
                FROM scratch AS one
                WORKDIR /workdir
                COPY --chown=1:2 a /a
                ADD a.tar /unpacked
                FROM scratch
                COPY --from=one / /
                """
            let first = try await run(f, ["-q", "-t", "mine", "-f", try f.dockerfile(text), "."])
            try #require(first.status == 0, "\(first)")
            let image = try BuiltImage(
                id: first.line,
                store: f.scratch.appending("home").appending("store"),
                transcript: ""
            )
            #expect(
                image.listing() == [
                    "-4755 1:2 /a", "d755 0:0 /unpacked", "-644 5:6 /unpacked/x", "d755 0:0 /workdir",
                ]
            )
            let second = try await run(f, ["-q", "-t", "mine", "-f", try f.dockerfile(text), "."])
            #expect(second.line == first.line)
            #expect(try await run(f, ["images"]).status == 0)
            #expect(
                try await run(f, ["save", "-o", f.scratch.appending("home").appending("x.tar").string, "mine"]).status
                    == 0
            )
        }
    }

    @Test(
        "is told which permission is missing where RUN cannot work, or it works",
        .enabled("needs busybox-static") { Machine.has("busybox") },
        .enabled("an ordinary user may not read the binary or the toolchain here") { try await canStart() }
    )
    func run() async throws {
        try await BuildFixture.with { f in
            makeHome(f)
            try await importBase(f)
            let result = try await run(
                f,
                ["-q", "-t", "made", "-f", try f.dockerfile("FROM base\nRUN echo made >/made"), "."]
            )
            let canRun = try await Self.canRun()
            try #require(result.status == (canRun ? 0 : 3), "\(result)")
            if canRun {
                let store = f.scratch.appending("home").appending("store")
                let image = try BuiltImage(id: result.line, store: store, transcript: "")
                // On disk the file is the user's; in the image it is root's, as the process saw it.
                #expect(image.listing("/made") == ["-644 0:0 /made"])
                #expect(try image.text("/made") == "made\n")
            } else {
                #expect(result.errors.contains("permi") || result.errors.contains("root"), "\(result)")
            }
        }
    }

    @Test(
        "may have files and directories in RUN that their owner cannot read",
        .enabled("needs busybox-static") { Machine.has("busybox") },
        .enabled("an ordinary user may not read the binary or the toolchain here") { try await canStart() }
    )
    func unreadable() async throws {
        try await BuildFixture.with { f in
            makeHome(f)
            try await importBase(f)
            let text = """
                FROM base
                RUN echo secret >/file && chmod 000 /file && cp /file /execute && chmod 111 /execute && \\
                    mkdir -p /dir/below && echo x >/dir/below/file && chmod 311 /dir/below && chmod 000 /dir
                RUN cat /file >/copy && echo more >/dir/below/more
                """
            let result = try await run(f, ["-q", "-t", "made", "-f", try f.dockerfile(text), "."])
            #expect(result.status == 0 || result.status == 3, "\(result)")
            guard result.status == 0 else { return }
            let store = f.scratch.appending("home").appending("store")
            let image = try BuiltImage(id: result.line, store: store, transcript: "")
            #expect(image.listing("/file") == ["-0 0:0 /file"])
            #expect(image.listing("/execute") == ["-111 0:0 /execute"])
            #expect(
                image.listing("/dir") == [
                    "d0 0:0 /dir", "d311 0:0 /dir/below", "-644 0:0 /dir/below/file", "-644 0:0 /dir/below/more",
                ]
            )
            #expect(try image.text("/copy") == "secret\n")
            // The same again, from what is unpacked by now.
            let again = try await run(
                f,
                ["-q", "-f", try f.dockerfile("FROM made\nRUN cat /file /dir/below/more >/both"), "."]
            )
            #expect(again.status == 0, "\(again)")
            #expect(try await run(f, ["prune", "--all"]).status == 0)
        }
    }

    @Test(
        "has every kind of mount where RUN works",
        .enabled("needs busybox-static") { Machine.has("busybox") },
        .enabled("an ordinary user may not read the binary or the toolchain here") { try await canStart() },
        .enabled("an ordinary user may start no process in namespaces of its own here") { try await canRun() }
    )
    func mounts() async throws {
        try await BuildFixture.with { f in
            makeHome(f)
            try await importBase(f)
            try f.write("secret", "sesame")
            let text = """
                FROM base AS made
                RUN mkdir /d && echo stage >/d/file
                FROM base
                RUN --mount=from=made,source=/d,target=/m,rw cat /m/file >/result && echo x >/m/file
                RUN --mount=target=/m cat /m/secret >>/result; touch /m/x 2>/dev/null || echo ' protected' >>/result
                RUN --mount=type=cache,target=/c,mode=0700,uid=7 echo cache >/c/file
                RUN --mount=type=cache,target=/c,mode=0700,uid=7 --mount=type=tmpfs,target=/t cp /c/file /t/ && cat /t/file >>/result
                RUN --mount=type=secret,id=s,uid=3 --network=none cat /run/secrets/s >>/result; ls /sys/class/net >>/result
                """
            let result = try await run(
                f,
                [
                    "-q", "-t", "made", "-f", try f.dockerfile(text), "--secret", "id=s,src=secret", "--add-host",
                    "a:1.2.3.4", ".",
                ]
            )
            try #require(result.status == 0, "\(result)")
            let store = f.scratch.appending("home").appending("store")
            let image = try BuiltImage(id: result.line, store: store, transcript: "")
            #expect(try image.text("/result") == "stage\nsesame protected\ncache\nsesamelo\n")
            #expect(image.tree["/m/secret"] == nil && image.tree["/c/file"] == nil)
            #expect(image.tree["/run/secrets"] == nil)
        }
    }

    @Test(
        "has containers: run, exec, logs, stop, volumes and health checks",
        .enabled("needs busybox-static") { Machine.has("busybox") },
        .enabled("an ordinary user may not read the binary or the toolchain here") { try await canStart() },
        .enabled("an ordinary user may start no process in namespaces of its own here") { try await canRun() }
    )
    func containers() async throws {
        try await BuildFixture.with { f in
            makeHome(f)
            try await importBase(f)
            func succeed(_ arguments: String..., status: Int32 = 0) async throws -> String {
                let result = try await run(f, arguments)
                try #require(result.status == status, "\(result)")
                return result.outputText
            }
            let first = try await succeed(
                "run",
                "--rm",
                "-v",
                "vol:/d",
                "base",
                "sh",
                "-c",
                "id -u; echo kept >/d/x; exit 3",
                status: 3
            )
            #expect(first == "0\n")
            #expect(try await succeed("run", "--rm", "--init", "-v", "vol:/d:ro", "base", "cat", "/d/x") == "kept\n")
            let service = "trap 'echo ended; exit 143' TERM; echo up; while :; do sleep 0.05; done"
            _ = try await succeed(
                "run",
                "-d",
                "--name",
                "web",
                "--health-cmd",
                "test -e /ok",
                "--health-interval",
                "50ms",
                "base",
                "sh",
                "-c",
                service
            )
            #expect(try await succeed("ps", "--format", "{{.State}}") == "running\n")
            _ = try await succeed("exec", "web", "touch", "/ok")
            #expect(try await succeed("wait", "--condition", "healthy", "web") == "0\n")
            _ = try await succeed("stop", "web")
            #expect(try await succeed("logs", "web") == "up\nended\n")
            #expect(try await succeed("wait", "web") == "143\n")
            _ = try await succeed("start", "web")
            _ = try await succeed("exec", "web", "test", "-e", "/ok")
            let limited = try await run(f, ["run", "--rm", "-m", "64m", "base", "true"])
            #expect(limited.status == 125 && limited.errors.contains("--memory needs the control group"), "\(limited)")
            let shared = try await run(f, ["run", "--rm", "--pid", "host", "base", "true"])
            #expect(shared.status == 125 && shared.errors.contains("--pid needs a control group"), "\(shared)")
            _ = try await succeed("rm", "-f", "web")
            #expect(try await succeed("ps", "-aq") == "")
        }
    }

    @Test(
        "has a container of a RUN that failed, and exports files that nobody may read",
        .enabled("needs busybox-static") { Machine.has("busybox") },
        .enabled("an ordinary user may not read the binary or the toolchain here") { try await canStart() },
        .enabled("an ordinary user may start no process in namespaces of its own here") { try await canRun() }
    )
    func failedStep() async throws {
        try await BuildFixture.with { f in
            makeHome(f)
            try await importBase(f)
            let text = "FROM base\nRUN echo below >/b; chmod 0 /b\nRUN echo left >/l; chmod 0 /l; chown 7:8 /l; exit 3"
            let build = try await run(f, ["-f", try f.dockerfile(text), "."])
            #expect(build.status == 1, "\(build)")
            let shell = try await run(f, ["debug-shell", "--", "cat", "/b", "/l"])
            #expect(shell.outputText == "below\nleft\n", "\(shell)")
            let name = try await run(f, ["ps", "-a", "--format", "{{.Names}}"]).line
            #expect(try await run(f, ["diff", name]).outputText == "A /l\n")
            let export = try await run(f, ["export", name])
            let entries = try TarArchive.read(export.output)
            for (path, content) in [("/b", "below\n"), ("/l", "left\n")] {
                let entry = try #require(entries.first { $0.path == path }, "\(export.errors)")
                #expect(String(decoding: entry.content, as: UTF8.self) == content && entry.mode & 0o777 == 0)
            }
            #expect(try await run(f, ["rm", name]).status == 0)
        }
    }

    @Test(
        "where nothing is allowed RUN says what is missing, and everything else works",
        .enabled("needs root, to make such a place") { Machine.isRoot },
        .enabled("needs busybox-static, setpriv and unshare") {
            Machine.has("busybox") && Machine.has("setpriv") && Machine.has("unshare")
        },
        .enabled("an ordinary user may not read the binary or the toolchain here") { try await canStart() }
    )
    func nothingAllowed() async throws {
        try await BuildFixture.with { f in
            makeHome(f)
            try await importBase(f)
            // The kernel gives no user namespace to a process in a changed root directory, and processes are not to be traced.
            let root = f.scratch.appending("root").string
            mkdir(root, 0o755)
            func confined(_ text: String) async throws -> CommandResult {
                let inner = """
                    mount --rbind / "$0" && exec chroot "$0" setpriv --reuid 65534 --regid 65534 --clear-groups --no-new-privs \
                        env --chdir "$1" SWIFTBUILD_ISOLATION=userns-single "$2" -q -f "$3" .
                    """
                let arguments = [root, f.context.string, Machine.binary.string, try f.dockerfile(text)]
                return try await RunningCommand(
                    ["unshare", "--mount", "--propagation", "private", "sh", "-c", inner] + arguments,
                    environment: f.environment.merging([
                        "SWIFTBUILD_ROOT": f.scratch.appending("home").appending("store").string
                    ]) { $1 },
                    directory: f.context,
                    logs: f.scratch
                ).wait()
            }
            let failed = try await confined("FROM base\nRUN echo made >/made")
            #expect(failed.status == 3, "\(failed)")
            #expect(failed.errors.contains("a user namespace: "), "\(failed)")
            #expect(failed.errors.contains("hint: run as root"), "\(failed)")
            let mounted = try await confined("FROM base\nRUN --mount=type=tmpfs,target=/t true")
            #expect(mounted.status == 3, "\(mounted)")
            try f.write("a", "text")
            let copied = try await confined("FROM base\nWORKDIR /w\nCOPY a .\nCMD cat a")
            #expect(copied.status == 0, "\(copied)")
        }
    }

    @Test(
        "who is root and may mount nothing gets the strongest isolation that works, and is told",
        .enabled("needs root, busybox-static and setpriv") {
            Machine.isRoot && Machine.has("busybox") && Machine.has("setpriv")
        },
        .enabled("an ordinary user may not read the binary or the toolchain here") { try await canStart() }
    )
    func limitedRoot() async throws {
        try await BuildFixture.with { f in
            makeHome(f)
            try await importBase(f)
            let result = try await RunningCommand(
                ["setpriv", "--bounding-set=-sys_admin", Machine.binary.string, "-f"]
                    + [try f.dockerfile("FROM base\nRUN echo made >/made\nRUN cat /made"), "."],
                environment: f.environment.merging([
                    "SWIFTBUILD_ROOT": f.scratch.appending("home").appending("store").string
                ]) { $1 },
                directory: f.context,
                logs: f.scratch
            ).wait()
            #expect(result.status == 0, "\(result)")
            let lines = result.errors.split(separator: "\n")
            #expect(lines.contains("made") && lines.count { $0.hasPrefix(" ---> Running in") } == 2, "\(result)")
            #expect(result.errors.contains("note: isolation `"), "\(result)")
        }
    }
}
