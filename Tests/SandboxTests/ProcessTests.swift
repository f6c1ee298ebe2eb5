import FileSystem
import Foundation
import Sandbox
import SystemPackage
import Testing

@Suite("A process in a sandbox", .needsFullSandbox)
struct ProcessTests {
    @Test(
        "Exit codes and signals come back",
        arguments: [
            ("true", SandboxExit.exited(0)), ("exit 7", .exited(7)), ("false", .exited(1)),
            ("sh -c 'kill -9 $$'; exit $?", .exited(137)),
        ]
    )
    func exit(script: String, expected: SandboxExit) throws {
        try SandboxFixture.with { fixture in
            let outcome = try run(fixture.configuration(script))
            #expect(outcome.exit == expected)
        }
    }

    @Test("Output and error are told apart, and nothing is lost")
    func streams() throws {
        try SandboxFixture.with { fixture in
            let outcome = try run(
                fixture.configuration("echo out; echo err >&2; dd if=/dev/zero bs=1M count=3 2>/dev/null")
            )
            #expect(outcome.output.utf8.count == 4 + 3 << 20)
            #expect(outcome.error == "err\n")
        }
    }

    @Test("It is process 1, has the environment, the directory, the hostname and the umask it was given")
    func surroundings() throws {
        try SandboxFixture.with { fixture in
            var configuration = try fixture.configuration(
                "echo $$; pwd; hostname; umask; env; cat /proc/self/status; cat"
            )
            configuration.environment += ["GREETING=hello world", "EMPTY="]
            configuration.workingDirectory = "/srv/new"
            let outcome = try run(configuration)
            let lines = outcome.output.split(separator: "\n").map(String.init)
            #expect(lines.starts(with: ["1", "/srv/new", "buildkitsandbox", "0022"]), "\(outcome)")
            #expect(lines.contains("GREETING=hello world") && lines.contains("EMPTY="))
            #expect(lines.contains("CapBnd:\t00000000a80425fb"), "Docker's set")
            #expect(lines.contains { $0.hasPrefix("CapEff") && $0.hasSuffix("00000000a80425fb") })
            #expect(lines.contains("SigBlk:\t0000000000000000"))
            #expect(lines.first { $0.hasPrefix("SigIgn") } == "SigIgn:\t0000000000000000")
            #expect(outcome.created.map(\.path) == ["/dev", "/proc", "/sys"])
            #expect(fixture.exists("upper/srv/new"))
        }
    }

    @Test("User and groups are exactly those asked for")
    func user() throws {
        try SandboxFixture.with { fixture in
            var configuration = try fixture.configuration(
                "id -u; id -g; id -G; cat /proc/self/status; touch /mine 2>&1; pwd"
            )
            configuration.user = SandboxUser(userID: 1000, groupID: 100, supplementaryGroups: [5, 7])
            configuration.workingDirectory = "/home/somebody"
            let outcome = try run(configuration)
            #expect(outcome.output.hasPrefix("1000\n100\n100 5 7\n"), "\(outcome)")
            #expect(outcome.output.contains("CapEff:\t0000000000000000"))
            #expect(outcome.output.contains("/mine: Permission denied"))
            #expect(try FileStatus.of(fixture.upper.appending("home/somebody")).userID == 1000)
            configuration.user.supplementaryGroups = []
            configuration.root = .overlay(lower: [fixture.lower], upper: fixture.upper, work: try fixture.freshWork())
            #expect(try run(configuration).output.hasPrefix("1000\n100\n100\n"))
        }
    }

    @Test("No descriptor but the standard ones gets in")
    func descriptors() throws {
        try SandboxFixture.with { fixture in
            let leak = open("/dev/null", O_RDONLY)
            defer { close(leak) }
            // The fourth is the one that `ls` reads the directory with.
            let outcome = try run(fixture.configuration(arguments: ["ls", "/proc/self/fd"]))
            #expect(outcome.output == "0\n1\n2\n3\n")
        }
    }

    @Test("A program that is still being written is waited for")
    func busyProgram() throws {
        try SandboxFixture.with { fixture in
            let writer = open(fixture.lower.appending("bin/busybox").string, O_WRONLY | O_CLOEXEC)
            DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(20)) { close(writer) }
            let outcome = try run(fixture.configuration(arguments: ["echo", "done"]))
            #expect(outcome.output == "done\n")
        }
    }

    @Test("A program that is missing or not executable is a clear error")
    func programErrors() throws {
        try SandboxFixture.with { fixture in
            try fixture.write("text", to: "lower/etc/text")
            try fixture.write("#!/proc/self/exe\n", to: "lower/bin/evil")
            chmod(fixture.lower.appending("bin/evil").string, 0o755)
            func message(_ program: String) throws -> String {
                let configuration = try fixture.configuration(arguments: [program])
                let error = #expect(throws: SandboxError.self) { try run(configuration) }
                #expect(error?.reason == .execution)
                return error?.description ?? ""
            }
            #expect(
                try message("nothing")
                    == "could not find `nothing` in PATH `/usr/bin:/bin`: no such file or directory"
            )
            #expect(try message("/nothing") == "could not execute `/nothing`: no such file or directory")
            #expect(try message("/etc/text") == "could not execute `/etc/text`: permission denied")
            #expect(try message("/etc") == "could not execute `/etc`: permission denied")
            #expect(try message("/proc/self/exe") == "could not execute `/proc/self/exe`: permission denied")
            #expect(try message("evil") == "could not execute `evil`: permission denied")
        }
    }

    @Test("A configuration that cannot work is refused with the reason")
    func invalidConfigurations() throws {
        try SandboxFixture.with { fixture in
            var configuration = try fixture.configuration(arguments: [])
            #expect(throws: SandboxError.self) { try run(configuration) }
            configuration.arguments = ["a\0b"]
            let error = #expect(throws: SandboxError.self) { try run(configuration) }
            #expect(error?.description == "`a` contains a zero byte, which cannot be passed to a program")
        }
    }

    @Test("SIGKILL ends the process and everything it started at once, and readers see the end")
    func kill() throws {
        try SandboxFixture.with { fixture in
            let process = try SandboxProcess.launch(fixture.configuration("sleep 1000 & echo ready; sleep 1000"))
            let start = ContinuousClock.now
            try process.readOutput { _, chunk in
                let text = String(decoding: chunk, as: UTF8.self)
                #expect(text == "ready\n")
                process.kill()
            }
            #expect(try process.wait() == .signalled(9))
            #expect(try process.wait() == .signalled(9))
            #expect(ContinuousClock.now - start < .seconds(5))
        }
    }

    @Test("A background process does not outlive its namespace or keep the reader waiting")
    func background() throws {
        try SandboxFixture.with { fixture in
            let start = ContinuousClock.now
            let outcome = try run(fixture.configuration("sleep 1000 & echo done"))
            #expect(outcome.output == "done\n")
            #expect(ContinuousClock.now - start < .seconds(5))
        }
    }

    @Test("Fifty launches at once from many threads all work")
    func concurrency() throws {
        try SandboxFixture.with { fixture in
            let count = 50
            DispatchQueue.concurrentPerform(iterations: count) { number in
                do {
                    let upper = fixture.scratch.appending("upper-\(number)")
                    try FileOperations.createDirectories(upper)
                    var configuration = try fixture.configuration(
                        "echo \(number) > /file; echo \(number); exit \(number)"
                    )
                    configuration.root = .overlay(lower: [fixture.lower], upper: upper, work: try fixture.freshWork())
                    let outcome = try run(configuration)
                    #expect(outcome.output == "\(number)\n" && outcome.exit == .exited(Int32(number)))
                    #expect(
                        try String(contentsOfFile: upper.appending("file").string, encoding: .utf8) == "\(number)\n"
                    )
                } catch {
                    Issue.record(error)
                }
            }
        }
    }

    @Test("A process with a terminal sees it by name and as its controlling one")
    func terminal() throws {
        try SandboxFixture.with { fixture in
            let terminal = try PseudoTerminal()
            var configuration = try fixture.configuration(
                "tty; echo input is $(head -n 1); : < /dev/tty && echo controlled"
            )
            configuration.streams = .terminal(terminal.processEnd)
            let process = try SandboxProcess.launch(configuration)
            let input = Pipe()
            let output = Pipe()
            input.fileHandleForWriting.write(Data("typed\n".utf8))
            try terminal.relay(
                input: input.fileHandleForReading.fileDescriptor,
                output: output.fileHandleForWriting.fileDescriptor,
                untilEndOf: process
            )
            #expect(try process.wait() == .exited(0))
            try output.fileHandleForWriting.close()
            let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            #expect(text.contains("/dev/console\r\n") && text.contains("input is typed\r\n"), "\(text)")
            #expect(text.contains("controlled"), "\(text)")
        }
    }
}
