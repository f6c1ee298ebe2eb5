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

    @Test("kill -9 of run takes the container with it")
    func killed() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let marker = UUID().uuidString
            let container = try f.start([
                "run", "-e", "MARKER=\(marker)", "base", "sh", "-c", "echo ready >&2; sleep 300",
            ])
            try await container.waitForErrors(containing: "ready")
            container.signal(SIGKILL)
            _ = try await container.wait()
            for _ in 0..<200 where !Machine.processes(withEnvironment: "MARKER=\(marker)").isEmpty {
                try await Task.sleep(for: .milliseconds(10))
            }
            #expect(Machine.processes(withEnvironment: "MARKER=\(marker)") == [])
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
        }
    }
}
