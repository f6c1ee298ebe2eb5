internal import Foundation
internal import Glibc
internal import SystemPackage
internal import Testing

@Suite("run", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
struct ContainerTests {
    @Test("ENTRYPOINT, CMD, arguments and --entrypoint")
    func commands() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            _ = try await f.build(#"FROM base\#nENTRYPOINT ["echo", "entry"]\#nCMD ["default"]"#, "-t", "both")
            #expect(try await f.succeed("run", "both").outputText == "entry default\n")
            #expect(try await f.succeed("run", "both", "a", "-x", "--rm").outputText == "entry a -x --rm\n")
            #expect(try await f.succeed("run", "--entrypoint", "printf", "both", "%s.", "x").outputText == "x.")
            #expect(try await f.succeed("run", "--rm", "base", "echo", "plain").outputText == "plain\n")
        }
    }

    @Test("exit codes are passed through, and output streams stay apart")
    func exitCodes() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let result = try await f.swiftbuild("run", "base", "sh", "-c", "echo out; echo err >&2; exit 42")
            #expect(result.status == 42)
            #expect(result.outputText == "out\n")
            #expect(result.errors == "err\n")
            #expect(try await f.swiftbuild("run", "base", "sh", "-c", "sh -c 'kill -9 $$'; exit $?").status == 137)
            let missing = try await f.swiftbuild("run", "base", "/no/such/program")
            #expect(missing.status == 127, "\(missing)")
            #expect(missing.errors.contains("/no/such/program"))
        }
    }

    @Test("-i, -e, -w, -u and the image's own settings")
    func settings() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            _ = try await f.build("FROM base\nENV A=1\nWORKDIR /w\nUSER 12:34", "-t", "set")
            let own = try await f.succeed("run", "set", "sh", "-c", "echo $A $PWD $(id -u):$(id -g) $HOME")
            #expect(own.outputText == "1 /w 12:34 /\n")
            let flags = try await f.succeed(
                "run",
                "-e",
                "A=2",
                "-e",
                "FROM_OUTSIDE",
                "-w",
                "/tmp",
                "-u",
                "www-data",
                "set",
                "sh",
                "-c",
                "echo $A $FROM_OUTSIDE $PWD $(id -u):$(id -g)",
                environment: ["FROM_OUTSIDE": "outside"]
            )
            #expect(flags.outputText == "2 outside /tmp 33:33\n")
            let input = try await f.succeed("run", "-i", "base", "cat", input: Array("typed".utf8))
            #expect(input.outputText == "typed")
        }
    }

    @Test("what a container writes never reaches the image or the next container; -v does reach outside")
    func isolation() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try f.write("shared/in", "in")
            try await f.succeed(
                "run",
                "--rm",
                "base",
                "sh",
                "-c",
                "echo x >/written; rm /etc/passwd; echo y >>/etc/group"
            )
            let next = try await f.succeed("run", "--rm", "base", "sh", "-c", "ls /written; cat /etc/passwd | wc -l")
            #expect(next.errors.contains("/written"), "\(next)")
            #expect(next.outputText == "4\n", "\(next)")
            let volume = f.context.appending("shared").string
            try await f.succeed("run", "-v", "\(volume):/v", "base", "sh", "-c", "cat /v/in >/v/out")
            #expect(try readFile(f.context.pushing("shared/out")) == Array("in".utf8))
            let readOnly = try await f.swiftbuild("run", "-v", "\(volume):/v:ro", "base", "touch", "/v/x")
            #expect(readOnly.status != 0)
            #expect(!fileExists(f.context.pushing("shared/x")))
        }
    }

    @Test("SIGTERM is forwarded, and SIGINT too", arguments: [("TERM", SIGTERM), ("INT", SIGINT)])
    func signals(name: String, number: Int32) async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let container = try f.start([
                "run", "base", "sh", "-c",
                "trap 'echo caught; exit 9' \(name); echo ready >&2; while :; do sleep 0.05; done",
            ])
            try await container.waitForErrors(containing: "ready")
            container.signal(number)
            let result = try await container.wait()
            #expect(result.status == 9, "\(result)")
            #expect(result.outputText == "caught\n")
        }
    }

    @Test("every signal is handed on as often as it comes")
    func manySignals() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let names: [(String, Int32)] = [
                ("HUP", SIGHUP), ("TERM", SIGTERM), ("INT", SIGINT), ("INT", SIGINT), ("INT", SIGINT),
                ("USR1", SIGUSR1), ("USR2", SIGUSR2), ("USR1", SIGUSR1), ("QUIT", SIGQUIT), ("WINCH", SIGWINCH),
                ("ALRM", SIGALRM), ("TERM", SIGTERM),
            ]
            let traps = Set(names.map(\.0)).map { "trap 'echo \($0) >&2' \($0)" }.joined(separator: "; ")
            let container = try f.start([
                "run", "base", "sh", "-c",
                "n=0; \(traps); trap 'n=$((n+1)); echo TERM$n >&2; [ $n = 2 ] && exit 7' TERM; echo ready >&2; "
                    + "while :; do sleep 0.02; done",
            ])
            try await container.waitForErrors(containing: "ready")
            var terminations = 0
            for (name, number) in names {
                container.signal(number)
                if name == "TERM" { terminations += 1 }
                // One that is still waiting is not told twice.
                if name == "TERM" {
                    try await container.waitForErrors(containing: "TERM\(terminations)")
                } else {
                    try await Task.sleep(for: .milliseconds(150))
                }
            }
            let result = try await container.wait(limit: .seconds(20))
            #expect(result.status == 7, "\(result)")
            let seen = result.errors.split(separator: "\n").map { $0.hasPrefix("TERM") ? "TERM" : String($0) }
            #expect(seen == ["ready"] + names.map(\.0), "\(result)")
        }
    }

    @Test("--sig-proxy=false keeps signals from the command")
    func noProxy() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let container = try f.start([
                "run", "--sig-proxy=false", "base", "sh", "-c", "trap 'echo caught >&2' TERM; echo ready >&2; sleep 60",
            ])
            try await container.waitForErrors(containing: "ready")
            container.signal(SIGTERM)
            let result = try await container.wait(limit: .seconds(20))
            #expect(result.status == 130 && !result.errors.contains("caught"), "\(result)")
            let id = try await f.succeed("ps", "-q").outputText
            try await f.succeed("rm", "-f", id.trimmingCharacters(in: .whitespacesAndNewlines))
        }
    }

    @Test("a terminal needs one: -it is refused without, -t tells its command that there is no input, -i ends")
    func withoutTerminal() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            for input in [nil, Array("typed".utf8)] {
                let both = try await f.start(["run", "-it", "base", "cat"], input: input).wait(limit: .seconds(20))
                #expect(both.status == 1 && both.errors.contains("the input device is not a TTY"), "\(both)")
                for command in ["sh", "cat"] {
                    let terminal = try await f.start(["run", "-t", "base", command], input: input)
                        .wait(limit: .seconds(20))
                    #expect(terminal.status == 0 && terminal.errors.contains("not a TTY"), "\(terminal)")
                }
                let piped = try await f.start(["run", "-i", "base", "cat"], input: input).wait(limit: .seconds(20))
                #expect(piped.status == 0 && piped.output == input ?? [], "\(piped)")
            }
        }
    }

    @Test(
        "the third Ctrl-C on a terminal kills what ignores them, and says so",
        .enabled(if: Machine.has("script"), "needs script (package bsdutils)")
    )
    func thirdInterrupt() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            // `script` writes the command itself into the file, so the words in it are spelled otherwise.
            let screen = f.scratch.appending("screen").string
            func shown(_ text: String) -> String { "until grep -qs '\(text)' \(screen); do sleep 0.05; done" }
            let command =
                "(\(shown("ready")); for i in 1 2 3; do printf '\\003'; sleep 0.4; done; \(shown("code "))) | "
                + #"script -qfec 'trap : INT; \#(Machine.binary) run base sh -c "echo rea\dy; exec sleep 60"; "#
                + #"echo co\de $?' \#(screen)"#
            let result = try await RunningCommand(
                ["sh", "-c", command],
                environment: f.environment,
                directory: f.context,
                logs: f.scratch
            ).wait(limit: .seconds(30))
            #expect(result.outputText.contains("a third Ctrl-C kills it"), "\(result)")
            #expect(result.outputText.contains("killed by the third Ctrl-C"), "\(result)")
            #expect(result.outputText.contains("code 137"), "\(result)")
        }
    }

    @Test(
        "what run itself cannot do has exit code 125, as Docker has it",
        arguments: [
            ["--nope", "base"], ["-e", "=x", "base"], ["-e", "", "base"], ["-d", "base"], ["-p8000:8000", "base"], [],
            ["--pull=never", "missing"], ["--pull=sometimes", "base"], ["Upper:Case:Name"], ["-v", "name:/x", "base"],
            ["-u", "nobody-of-that-name", "base", "true"], ["--platform", "a/b/c/d", "base"],
        ]
    )
    func ownFailures(arguments: [String]) async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let result = try await f.start(["run"] + arguments).wait(limit: .seconds(20))
            #expect(result.status == 125 && result.errors.hasPrefix("error: "), "\(result)")
        }
    }

    @Test("a command that is missing gives 127, one that may not be executed 126, others their own code")
    func commandFailures() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            #expect(try await f.swiftbuild("run", "base", "/etc/passwd").status == 126)
            #expect(try await f.swiftbuild("run", "base", "no-such-program").status == 127)
            for code in [1, 2, 3, 125] {
                let result = try await f.swiftbuild("run", "base", "sh", "-c", "exit \(code)")
                #expect(result.status == Int32(code) && result.errors == "", "\(result)")
            }
        }
    }

    @Test("-h is the host name, also before --name; values may be attached to their letters")
    func letters() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let script = "hostname; echo $A $PWD $(id -u)"
            let result = try await f.succeed(
                "run",
                "-hbox",
                "--name",
                "box",
                "-eA=1",
                "-w/tmp",
                "-u12",
                "base",
                "sh",
                "-c",
                script
            )
            #expect(result.outputText == "box\n1 /tmp 12\n")
            let id = try await f.succeed("run", "base", "hostname").outputText.dropLast()
            #expect(id.count == 12 && id.allSatisfy(\.isHexDigit), "\(id)")
        }
    }

    @Test("kill -9 of run leaves the container running; that of its supervisor takes it along, and ps says so")
    func killed() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let marker = UUID().uuidString
            let container = try f.start([
                "run", "--name", "box", "-e", "MARKER=\(marker)", "base", "sh", "-c", "echo ready >&2; sleep 300",
            ])
            try await container.waitForErrors(containing: "ready")
            container.signal(SIGKILL)
            _ = try await container.wait()
            #expect(Machine.processes(withEnvironment: "MARKER=\(marker)").count == 1)
            #expect(try await f.succeed("ps", "--format", "{{.State}}").outputText == "running\n")
            let supervisors = try await Machine.run(
                ["pgrep", "-f", "container-supervisor \(f.store)"],
                in: f.scratch
            ).outputText
            for id in supervisors.split(separator: "\n").compactMap({ Int32($0) }) { kill(id, SIGKILL) }
            try await waitUntil { Machine.processes(withEnvironment: "MARKER=\(marker)").isEmpty }
            #expect(Machine.processes(withEnvironment: "MARKER=\(marker)") == [])
            #expect(try await f.succeed("ps", "-a", "--format", "{{.State}}").outputText == "dead\n")
            try await f.succeed("rm", "box")
            try await f.succeed("prune")
        }
    }

    @Test("-t gives a real terminal", .enabled(if: Machine.has("script"), "needs script (package bsdutils)"))
    func terminal() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let command =
                "\(Machine.binary) run -i -t base sh -c 'tty; test -t 0 && test -t 1 && echo terminal; stty size; exit 3'"
            let result = try await RunningCommand(
                ["script", "-qec", "stty rows 33 cols 77; " + command, "/dev/null"],
                environment: f.environment,
                directory: f.context,
                logs: f.scratch
            ).wait()
            #expect(result.outputText.contains("terminal"), "\(result)")
            #expect(result.outputText.contains("/dev/"), "\(result)")
            #expect(result.outputText.contains("33 77"), "\(result)")
            #expect(result.status == 3, "\(result)")
            try await f.succeed("run", "-d", "--name", "box", "base", "sleep", "100")
            let further = try await RunningCommand(
                [
                    "script", "-qec", "\(Machine.binary) exec -t -u 5 box sh -c 'tty; echo written >/dev/pts/0'",
                    "/dev/null",
                ],
                environment: f.environment,
                directory: f.context,
                logs: f.scratch
            ).wait()
            let lines = further.outputText.split(whereSeparator: \.isNewline)
            #expect(lines == ["/dev/pts/0", "written"], "\(further)")
            try await f.succeed("rm", "-f", "box")
        }
    }
}
