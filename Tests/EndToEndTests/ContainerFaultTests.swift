import Foundation
import Glibc
import SystemPackage
import Testing

/// What becomes of containers when something goes wrong.
@Suite("Faults around containers", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
struct ContainerFaultTests {
    static let service = "trap 'exit 143' TERM; echo up; while :; do sleep 0.05; done"

    private func directory(_ f: BuildFixture) -> FilePath { f.store.appending("containers-v1") }

    private func expectGone(_ f: BuildFixture, _ ids: [String]) throws {
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory(f).string) == [])
        #expect(try f.supervisors() == [])
        for hierarchy in (try? FileManager.default.contentsOfDirectory(atPath: "/sys/fs/cgroup")) ?? [] {
            for id in ids {
                #expect(!FileManager.default.fileExists(atPath: "/sys/fs/cgroup/\(hierarchy)/swiftbuild/\(id)"))
                #expect(!FileManager.default.fileExists(atPath: "/sys/fs/cgroup/swiftbuild/\(id)"))
            }
        }
    }

    @Test("a damaged record is told, and can be removed", arguments: ["container.json", "state.json"])
    func damaged(_ file: String) async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            var ids: [String] = []
            for text in ["", "{}", nil] {
                let id = try await f.succeed("run", "-d", "base", "sleep", "1000").line
                ids.append(id)
                let path = directory(f).appending(id).appending(file).string
                if let text { try Data(text.utf8).write(to: URL(fileURLWithPath: path)) } else { unlink(path) }
                let listed = try await f.succeed("ps", "-a")
                #expect(listed.errors.contains("\(id.prefix(12)) is damaged: `\(file)`"), "\(listed)")
                for arguments in [["start", id], ["rm", id], ["stop", String(id.prefix(12))]] {
                    let refused = try await f.start(arguments).wait()
                    #expect(refused.status == 1 && refused.errors.contains("rm -f"), "\(refused)")
                }
                try await f.succeed("rm", "-f", id)
            }
            try expectGone(f, ids)
        }
    }

    @Test("commands at the same time agree on what becomes of a container")
    func races() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try await f.succeed("run", "--rm", "base", "true")
            for pair in [[["stop", "box"], ["stop", "box"]], [["rm", "-f", "box"], ["stop", "box"]]] {
                try await f.succeed("run", "-d", "--name", "box", "base", "sh", "-c", Self.service)
                let refused = try await f.swiftbuild("rm", "box")
                #expect(refused.status == 1 && refused.errors.contains("is running"), "\(refused)")
                let started = try pair.map { try f.start($0) }
                for command in started {
                    let result = try await command.wait()
                    #expect(result.status == 0 || result.errors.contains("no container"), "\(result)")
                }
                #expect(try await f.succeed("ps", "-q").outputText == "")
                try await f.succeed("rm", "-f", "box")
            }
            // The same name, of which only one can have it.
            let starts = try (0..<8).map { _ in try f.start(["run", "-d", "--name", "one", "base", "sleep", "1000"]) }
            var codes: [Int32] = []
            for start in starts { codes.append(try await start.wait().status) }
            #expect(codes.sorted() == [0] + Array(repeating: 125, count: 7))
            try await f.succeed("rm", "-f", "one")
            try expectGone(f, [])
        }
    }

    @Test(
        "a full disk ends no container, and its end is told as it was",
        .enabled(if: Machine.canMount, "\(Machine.needsMounts)")
    )
    func fullDisk() async throws {
        try await BuildFixture.with { f in
            let disk = f.store.string
            mkdir(disk, 0o755)
            try #require(
                try await Machine.run(["mount", "-t", "tmpfs", "-o", "size=16m", "x", disk], in: "/").status == 0
            )
            do {
                try await f.importBase()
                let flood = "trap 'exit 5' TERM; yes | head -c 9000000; touch /dev/shm/up; while :; do sleep 0.05; done"
                try await f.succeed("run", "-d", "--name", "box", "base", "sh", "-c", flood)
                let filler = try await Machine.run(["dd", "if=/dev/zero", "of=\(disk)/filler", "bs=4k"], in: "/")
                #expect(filler.status == 1)
                try await f.succeed("exec", "box", "sh", "-c", "while [ ! -e /dev/shm/up ]; do sleep 0.1; done")
                let stopped = try await f.swiftbuild("stop", "box")
                #expect(stopped.status == 0, "\(stopped)")
                let listed = try await f.swiftbuild("ps", "-a", "--format", "{{.State}} {{.Status}}")
                #expect(listed.outputText.hasPrefix("exited Exited (5)"), "\(listed)")
                let refused = try await f.swiftbuild("run", "--rm", "base", "true")
                #expect(refused.status == 125 && refused.errors.contains("no space left"), "\(refused)")
                unlink("\(disk)/filler")
                #expect(try await f.succeed("logs", "--tail", "1", "box").outputText.count <= 2)
                try await f.succeed("rm", "box")
                try expectGone(f, [])
            } catch {
                _ = try await Machine.run(["umount", "-l", disk], in: "/")
                throw error
            }
            _ = try await Machine.run(["umount", "-l", disk], in: "/")
        }
    }

    @Test("a supervisor whose program was removed works on; after a reboot, and kill -9, nothing is said to run")
    func lostSupervisor() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let copy = f.scratch.appending("copy").string
            // By another process: what this one has open for writing, those that it starts have open for a moment.
            try #require(try await Machine.run(["cp", Machine.binary.string, copy], in: "/").status == 0)
            let arguments = ["run", "-d", "--name", "box", "--restart", "always", "base", "sleep", "0.3"]
            let started = try await RunningCommand(
                [copy] + arguments,
                environment: f.environment,
                directory: f.context,
                logs: f.scratch
            ).wait()
            try #require(started.status == 0, "\(started)")
            unlink(copy)
            let file = directory(f).appending(started.line).appending("state.json").string
            try await waitUntil { try String(contentsOfFile: file, encoding: .utf8).contains("\"restartCount\":1") }
            try await waitUntil { try await f.swiftbuild("exec", "box", "true").status == 0 }
            for process in try f.supervisors() { kill(process, SIGKILL) }
            try await waitUntil { try f.supervisors().isEmpty }
            #expect(try await f.succeed("ps", "-a", "--format", "{{.State}}").line == "dead")
            #expect(try await f.swiftbuild("exec", "box", "true").errors.contains("is not running"))
            // It starts again, as does one of which a file says that it runs since another boot.
            try await f.succeed("start", "box")
            try await f.succeed("stop", "box")
            let path = directory(f).appending(started.line).appending("state.json").string
            let stopped = try String(contentsOfFile: path, encoding: .utf8)
            let lying = stopped.replacingOccurrences(of: "\"status\":\"exited\"", with: "\"status\":\"running\"")
                .replacingOccurrences(of: "\"processID\":0", with: "\"processID\":1")
                .replacing(/"bootID":"[^"]*"/, with: "\"bootID\":\"0-0\"")
            try Data(lying.utf8).write(to: URL(fileURLWithPath: path))
            #expect(try await f.swiftbuild("exec", "box", "true").errors.contains("is not running"))
            #expect(try String(contentsOfFile: path, encoding: .utf8).contains("the machine was restarted"))
            try await f.succeed("rm", "box")
            try expectGone(f, [started.line])
        }
    }

    @Test("a number that is another process's by now is told from the container's, and never touched")
    func reusedNumbers() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let stranger = try RunningCommand(["sleep", "1000"], environment: [:], directory: "/", logs: f.scratch)
            defer { stranger.signal(SIGKILL) }
            let id = try await f.succeed("run", "-d", "--name", "box", "base", "sh", "-c", Self.service).line
            let first = try await f.succeed("inspect", "-f", "{{.State.Pid}}", "box").line
            let path = directory(f).appending(id).appending("state.json").string
            let running = try String(contentsOfFile: path, encoding: .utf8)
            let reused = running.replacing("\"processID\":\(first)", with: "\"processID\":\(stranger.processID)")
            try #require(reused != running)

            // While the supervisor lives, only a command that has read the file just before its end sees such a number.
            try Data(reused.utf8).write(to: URL(fileURLWithPath: path))
            for arguments in [["exec", "box", "true"], ["top", "box"]] {
                let refused = try await f.start(arguments).wait()
                #expect(refused.status == 1 && refused.errors.contains("is not running"), "\(refused)")
            }
            let sharing = try await f.swiftbuild("run", "--rm", "--network", "container:box", "base", "true")
            #expect(sharing.status == 125 && sharing.errors.contains("not running"), "\(sharing)")
            try await f.succeed("kill", "-s", "WINCH", "box")
            #expect(kill(stranger.processID, 0) == 0)

            // After a reboot, or the end of a supervisor, the number may be anybody's.
            for process in try f.supervisors() { kill(process, SIGKILL) }
            try await waitUntil { try f.supervisors().isEmpty }
            for command in [["stop", "box"], ["exec", "box", "true"], ["kill", "box"], ["ps", "-a"]] {
                try Data(reused.utf8).write(to: URL(fileURLWithPath: path))
                let result = try await f.start(command).wait()
                switch command[0] {
                case "ps": #expect(result.outputText.contains(" Dead "), "\(result)")
                case "stop": #expect(result.status == 0, "\(result)")
                default: #expect(result.status == 1 && result.errors.contains("is not running"), "\(result)")
                }
                #expect(try await f.succeed("ps", "-aq", "--filter", "status=dead").line == String(id.prefix(12)))
                #expect(kill(stranger.processID, 0) == 0, "\(command)")
            }
            try Data(reused.utf8).write(to: URL(fileURLWithPath: path))
            try await f.succeed("rm", "-f", "box")
            #expect(kill(stranger.processID, 0) == 0)
            try expectGone(f, [id])
        }
    }

    @Test("kill -9 at any moment leaves nothing, and what `ps -a` says is true")
    func killed() async throws {
        // All moments: SWIFTBUILD_KILLS=200.
        let count = ProcessInfo.processInfo.environment["SWIFTBUILD_KILLS"].flatMap { Int($0) } ?? 12
        try await BuildFixture.with { f in
            try await f.importBase()
            try await f.succeed("run", "--rm", "base", "true")
            for number in 0..<count {
                let names = try await f.succeed("ps", "-q").outputText.split(separator: "\n").map(String.init)
                let box = names.randomElement()
                var arguments = ["run", ["-d", "--rm", "--init"].randomElement() ?? "-d", "base", "sh", "-c"]
                arguments += arguments[1] == "-d" ? [Self.service] : ["sleep 0.1"]
                if let box, number > 2 {
                    let others = [
                        ["exec", box, "sleep", "0.1"], ["stop", "-t", "1", box], ["restart", "-t", "1", box],
                        ["rm", "-f", box], ["kill", box], ["pause", box],
                    ]
                    arguments = (others + [arguments, arguments]).randomElement() ?? arguments
                }
                let command = try f.start(arguments)
                try await Task.sleep(for: .milliseconds(Int.random(in: 0...300)))
                let supervisors = try f.supervisors()
                let first = supervisors.compactMap(child).randomElement()
                switch Int.random(in: 0...3) {
                case 0: command.signal(SIGKILL)
                case 1: if let first { kill(first, SIGKILL) }
                case 2: if let victim = supervisors.randomElement() { kill(victim, SIGKILL) }
                default:
                    command.signal(SIGKILL)
                    if let victim = supervisors.randomElement() { kill(victim, SIGKILL) }
                }
                _ = try await command.wait()
                try await expectTruth(f, "\(number): \(arguments)")
            }
            let all = try await f.succeed("ps", "-aq", "--no-trunc").outputText.split(separator: "\n").map(String.init)
            #expect(try await f.start(["rm", "-f", "-v"] + all).wait().status == 0)
            try expectGone(f, all)
            // What a command that was killed had not finished goes with a later one.
            for _ in 0..<30 where !f.temporaryFiles().isEmpty {
                try await Task.sleep(for: .seconds(1))
                try await f.succeed("run", "--rm", "base", "true")
            }
        }
    }

    /// The first child of a process.
    private func child(_ process: pid_t) -> pid_t? {
        let text = (try? readFile(FilePath("/proc/\(process)/task/\(process)/children"))) ?? []
        return String(decoding: text, as: UTF8.self).split(separator: " ").last.flatMap { pid_t($0) }
    }

    /// Each container that is said to run has a supervisor, and no other one has.
    private func expectTruth(_ f: BuildFixture, _ what: String) async throws {
        var differences = ""
        for _ in 0..<100 {
            let rows = try await f.succeed("ps", "-a", "--no-trunc", "--format", "{{.ID}} {{.State}}").outputText
            let running = Set(
                rows.split(separator: "\n").filter {
                    !$0.hasSuffix("exited") && !$0.hasSuffix("dead") && !$0.hasSuffix("created")
                }.map { $0.prefix(64) }
            )
            let supervised = Set(
                try f.supervisors().compactMap { process in
                    let line = (try? readFile(FilePath("/proc/\(process)/cmdline"))) ?? []
                    return line.split(separator: 0).last.map { Substring(decoding: $0, as: UTF8.self) }
                }
            )
            differences = "\(running.symmetricDifference(supervised))"
            if running == supervised, try Machine.mounts(below: f.scratch) == [] { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        Issue.record("\(what): \(differences)")
    }
}
