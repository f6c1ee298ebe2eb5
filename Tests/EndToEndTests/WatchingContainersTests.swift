import Foundation
import SystemPackage
import Testing

@Suite("Watching containers", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
struct WatchingContainersTests {
    @Test("top lists the processes of one container with Docker's columns, and takes options of ps")
    func processes() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try await f.succeed("run", "-d", "--name", "one", "base", "sh", "-c", "sleep 101 & sleep 102; true")
            try await f.succeed("run", "-d", "--name", "two", "-u", "77", "base", "sleep", "103")
            try await f.succeed("exec", "-d", "one", "sleep", "104")
            try await waitUntil { try await f.succeed("top", "one").outputText.contains("sleep 102") }
            let lines = try await f.succeed("top", "one").outputText.split(separator: "\n").map(String.init)
            #expect(lines[0].split(separator: " ") == ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"])
            let commands = lines.dropFirst().map { line in
                line.split(separator: " ", maxSplits: 7, omittingEmptySubsequences: true).last?.drop { $0 == " " } ?? ""
            }
            #expect(
                commands.sorted() == ["sh -c sleep 101 & sleep 102; true", "sleep 101", "sleep 102", "sleep 104"],
                "\(lines)"
            )
            let first = try await f.succeed("inspect", "-f", "{{.State.Pid}}", "one").line
            #expect(lines[1].split(separator: " ")[1] == first)
            let other = try await f.succeed("top", "two").outputText.split(separator: "\n")
            #expect(other.count == 2 && other[1].hasPrefix("77 "), "\(other)")
            if Machine.has("ps") {
                let chosen = try await f.succeed("top", "two", "-o", "pid,args").outputText
                #expect(chosen.contains("sleep 103") && !chosen.contains("sleep 101"), "\(chosen)")
                let without = try await f.swiftbuild("top", "two", "-o", "args")
                #expect(without.status == 1 && without.errors.contains("no column `PID`"), "\(without)")
            }
            let none = try await f.swiftbuild("top", "two", "aux", environment: ["PATH": "/nowhere"])
            #expect(none.status == 1 && none.errors.contains("not installed"), "\(none)")
            try await f.succeed("kill", "two")
            #expect(try await f.swiftbuild("top", "two").errors.contains("is not running"))
            try await f.succeed("rm", "-f", "one", "two")
        }
    }

    @Test("stats counts what containers use")
    func statistics() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try await f.succeed("run", "-d", "--name", "busy", "base", "sh", "-c", "while :; do :; done")
            try await f.succeed("create", "--name", "idle", "base", "true")
            let format = "{{.Name}}|{{.CPUPerc}}|{{.MemUsage}}|{{.PIDs}}"
            let row = try await f.succeed("stats", "--no-stream", "--format", format).line.split(separator: "|")
            try #require(row.count == 4, "\(row)")
            #expect(row[0] == "busy" && row[3] == "1")
            #expect((Double(row[1].dropLast()) ?? 0) > 5, "\(row)")
            #expect(!row[2].hasPrefix("0B") && row[2].contains("iB / "), "\(row)")
            let all = try await f.succeed("stats", "-a", "--no-stream", "--no-trunc").outputText
            #expect(all.hasPrefix("CONTAINER ID") && all.contains("-- / --"), "\(all)")
            #expect(try await f.swiftbuild("stats", "--no-stream", "nope").status == 1)
            try await f.succeed("rm", "-f", "busy", "idle")
        }
    }

    @Test("events tell what happened, in order, also to containers that are removed by themselves, and are filtered")
    func events() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let running = try f.start(["events", "--filter", "event=destroy", "--format", "{{.Actor.Attributes.name}}"])
            try await f.succeed(
                "run",
                "-d",
                "--name",
                "box",
                "-l",
                "a=b",
                "-v",
                "data:/d",
                "--health-cmd",
                "true",
                "--health-interval",
                "0.1s",
                "base",
                "sleep",
                "100"
            )
            try await waitUntil {
                try await f.succeed("inspect", "-f", "{{.State.Health.Status}}", "box").line == "healthy"
            }
            try await f.succeed("exec", "box", "true")
            // Its end is seen by the supervisor.
            try await f.succeed("exec", "-d", "box", "sh", "-c", "exit 6")
            func ends() async throws -> [Substring] {
                let filters = ["--filter", "event=exec_die", "--format", "{{.Actor.Attributes.exitCode}}"]
                return try await f.start(["events", "--since", "1h", "--until", "0s"] + filters).wait().outputText
                    .split(separator: "\n")
            }
            try await waitUntil { try await ends() == ["0", "6"] }
            try await f.succeed("pause", "box")
            try await f.succeed("unpause", "box")
            try await f.succeed("rename", "box", "case")
            try await f.succeed("restart", "-t", "0", "case")
            try await f.succeed("rm", "-f", "case")
            _ = try await f.swiftbuild("run", "--rm", "--name", "short", "base", "sh", "-c", "exit 3")
            let actions = try await f.succeed(
                "events",
                "--since",
                "1h",
                "--until",
                "0s",
                "--filter",
                "type=container",
                "--filter",
                "label=a=b",
                "--format",
                "{{.Action}}"
            ).outputText.split(separator: "\n").map(String.init)
            #expect(
                actions.filter { !$0.hasPrefix("health_status") } == [
                    "create", "start", "exec_create: true", "exec_start: true", "exec_die", "exec_create: sh -c exit 6",
                    "exec_start: sh -c exit 6", "exec_die", "pause", "unpause",
                    "rename",
                    "kill", "kill", "die", "stop", "start", "restart", "kill", "die", "destroy",
                ]
            )
            #expect(actions.contains("health_status: healthy"))
            let died = try await f.succeed(
                "events",
                "--since",
                "1h",
                "--until",
                "0s",
                "--filter",
                "event=die",
                "--filter",
                "container=short",
                "--format",
                "json"
            )
            let event = try JSONDecoder().decode(JSON.self, from: Data(died.output))
            #expect(event["Actor"]["Attributes"]["exitCode"].text == "3" && event["status"].text == "die", "\(died)")
            let volume = try await f.succeed("events", "--since", "1h", "--until", "0s", "--filter", "volume=data")
            #expect(volume.outputText.contains(" volume create data (driver=local)\n"), "\(volume)")
            #expect(try await f.swiftbuild("events", "--since", "x").status == 2)
            #expect(try await f.swiftbuild("events", "--filter", "x").status == 2)
            // The one that was started first has followed all of it.
            try await Task.sleep(for: .milliseconds(400))
            running.signal(SIGTERM)
            #expect(try await running.wait().outputText == "case\nshort\n")
        }
    }
}
