import Foundation
import SystemPackage
import Testing

@Suite("Containers", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
struct ContainerLifeTests {
    /// A container that runs until it is asked to end.
    private static let service =
        "trap 'echo graceful shutdown triggered; exit 143' TERM; echo up; while :; do sleep 0.05; done"

    private func state(_ f: BuildFixture, _ name: String) async throws -> String {
        let rows = try await f.succeed("ps", "-a", "--filter", "name=\(name)", "--format", "{{.State}}").outputText
        return rows.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    private func waitForLog(_ f: BuildFixture, _ name: String, _ text: String) async throws {
        for _ in 0..<500 {
            if try await f.succeed("logs", name).outputText.contains(text) { return }
            try await Task.sleep(for: .milliseconds(20))
        }
        Issue.record("`\(name)` never wrote `\(text)`")
    }

    @Test("that end while they are asked to can be removed, and have their exit code")
    func endsAtOnce() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            for delay in 0..<10 {
                let script = "sleep 0.0\(delay * 3); exit 7"
                try await f.succeed("run", "-d", "--name", "quick", "base", "sh", "-c", script)
                try await f.succeed("stop", "quick")
                let code = try await f.succeed("wait", "quick").outputText
                #expect(["7\n", "143\n", "137\n"].contains(code), "\(code)")
                try await f.succeed("rm", "quick")
            }
        }
    }

    @Test("run in the background, are listed, looked into, asked to end, started again and removed")
    func life() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let id = try await f.succeed("run", "-d", "--name", "web", "base", "sh", "-c", Self.service).outputText
            #expect(id.count == 65)
            try await waitForLog(f, "web", "up")
            let row = try await f.succeed("ps", "--format", "{{.ID}} {{.Image}} {{.State}} {{.Names}}").outputText
            #expect(row == "\(id.prefix(12)) base running web\n")
            let inside = try await f.succeed(
                "exec",
                "-u",
                "5:6",
                "-e",
                "A=1",
                "web",
                "sh",
                "-c",
                "echo $A $(id -u):$(id -g); ps"
            )
            #expect(inside.outputText.hasPrefix("1 5:6\n"))
            // The container's process is its first, and the command is beside it.
            #expect(inside.outputText.contains("    1 root"))
            #expect(try await f.start(["exec", "web", "nope"]).wait().status == 127)
            #expect(try await f.start(["exec", "web", "sh", "-c", "exit 9"]).wait().status == 9)
            let refused = try await f.start(["rm", "web"]).wait()
            #expect(refused.status == 1 && refused.errors.contains("is running"), "\(refused)")
            try await f.succeed("stop", "web")
            #expect(try await f.succeed("logs", "web").outputText == "up\ngraceful shutdown triggered\n")
            #expect(try await f.succeed("wait", "web").outputText == "143\n")
            #expect(try await state(f, "web") == "exited")
            #expect(try await f.start(["exec", "web", "true"]).wait().errors.contains("is not running"))
            try await f.succeed("start", "web")
            #expect(try await state(f, "web") == "running")
            try await f.succeed("rename", "web", "site")
            try await f.succeed("rm", "-f", "site")
            #expect(try await f.succeed("ps", "-aq").outputText == "")
        }
    }

    @Test("do not hold what the caller had open, whose readers wait for its end")
    func inheritedDescriptors() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let command = "\(Machine.binary) run -d --name web base sleep 100 9>&1 >/dev/null | cat"
            let result = try await Machine.run(
                ["timeout", "60", "sh", "-c", command],
                environment: f.environment,
                in: f.context
            )
            #expect(result.status == 0, "\(result)")
            try await f.succeed("rm", "-f", "web")
        }
    }

    @Test("keep what they wrote until they are removed, also from prune")
    func files() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try await f.succeed("run", "--name", "box", "base", "sh", "-c", "cat /made || echo new > /made")
            try await f.succeed("rmi", "-f", "base")
            try await f.succeed("prune", "--all", "--force")
            #expect(try await f.succeed("start", "-a", "box").outputText == "new\n")
            try await f.succeed("rm", "box")
        }
    }

    @Test("with --rm leave nothing, and say why they could not start")
    func removed() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            #expect(try await f.start(["run", "--rm", "-v", "/data", "base", "sh", "-c", "exit 4"]).wait().status == 4)
            let file = f.scratch.appending("id")
            let missing = try await f.start(["run", "--rm", "--cidfile", file.string, "base", "nope"]).wait()
            let id = try String(contentsOfFile: file.string, encoding: .utf8)
            for root in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] {
                #expect(!FileManager.default.fileExists(atPath: "\(root)/swiftbuild/\(id)"))
            }
            #expect(missing.status == 127 && missing.errors.contains("could not find `nope`"), "\(missing)")
            let taken = try await f.start(["run", "-d", "--name", "one", "base", "sleep", "60"]).wait()
            #expect(taken.status == 0)
            let again = try await f.start(["run", "--name", "one", "base", "true"]).wait()
            #expect(again.status == 125 && again.errors.contains("is in use by the container"), "\(again)")
            try await f.succeed("kill", "one")
            try await f.succeed("rm", "one")
            for bucket in ["containers-v1", "volumes-v1"] {
                #expect(try FileManager.default.contentsOfDirectory(atPath: f.store.appending(bucket).string) == [])
            }
        }
    }

    @Test("have volumes that outlive them and begin with what the image has")
    func volumes() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            _ = try await f.build(
                "FROM base\nRUN mkdir /data && echo first > /data/a && chown 5:6 /data/a",
                "-t",
                "seeded"
            )
            let look = "cat /data/*; stat -c %u:%g /data/a; echo more > /data/b"
            let first = try await f.succeed("run", "--rm", "-v", "store:/data", "seeded", "sh", "-c", look)
            #expect(first.outputText == "first\n5:6\n")
            let second = try await f.succeed(
                "run",
                "--rm",
                "-v",
                "store:/data:ro",
                "base",
                "sh",
                "-c",
                "cat /data/*; touch /data/c || echo read-only"
            )
            #expect(second.outputText == "first\nmore\nread-only\n")
        }
    }

    @Test("are started again as their policy says, and not after they were stopped")
    func restart() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try await f.succeed(
                "run",
                "-d",
                "--name",
                "job",
                "--restart",
                "on-failure:2",
                "base",
                "sh",
                "-c",
                "echo try; exit 3"
            )
            #expect(try await f.succeed("wait", "job").outputText == "3\n")
            #expect(try await f.succeed("logs", "job").outputText == "try\ntry\ntry\n")
            try await f.succeed("run", "-d", "--name", "loop", "--restart", "always", "base", "sh", "-c", Self.service)
            try await waitForLog(f, "loop", "up")
            // The end of process 1 may take this shell along before it has ended by itself.
            let ending = try await f.swiftbuild("exec", "loop", "sh", "-c", "kill -KILL -1; kill -TERM 1")
            #expect([0, 137].contains(ending.status))
            try await waitForLog(f, "loop", "triggered\nup")
            try await f.succeed("stop", "loop")
            #expect(try await state(f, "loop") == "exited")
            try await f.succeed("rm", "job", "loop")
        }
    }

    @Test("tell whether they are healthy, and pause")
    func health() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try await f.succeed(
                "run",
                "-d",
                "--name",
                "sick",
                "--health-cmd",
                "test -e /ok",
                "--health-interval",
                "50ms",
                "--health-retries",
                "1",
                "--read-only",
                "--tmpfs",
                "/tmp",
                "base",
                "sh",
                "-c",
                Self.service
            )
            try await waitUntil { try await f.succeed("ps").outputText.contains("(unhealthy)") }
            #expect(try await f.succeed("ps").outputText.contains("(unhealthy)"))
            #expect(try await f.start(["exec", "sick", "touch", "/ok"]).wait().status == 1)
            try await f.succeed("exec", "sick", "touch", "/tmp/ok")
            try await f.succeed("pause", "sick")
            #expect(try await state(f, "sick") == "paused")
            try await f.succeed("unpause", "sick")
            try await f.succeed("rm", "-f", "sick")
        }
    }

    @Test("keep as much of their output as they are told, and show the end of it")
    func logs() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let script = "i=0; while [ $i -lt 400 ]; do echo line $i; i=$((i+1)); done; echo end >&2"
            try await f.succeed("run", "--name", "all", "base", "sh", "-c", script)
            #expect(try await f.succeed("logs", "--tail", "2", "all").outputText == "line 399\n")
            for all in [["logs", "all"], ["logs", "--tail", "\(Int.max)", "--since", "1h", "all"]] {
                #expect(try await f.start(all).wait().outputText.split(separator: "\n").count == 400)
            }
            #expect(try await f.succeed("logs", "--until", "1h", "all").outputText == "")
            try await f.succeed(
                "run",
                "--name",
                "some",
                "--log-opt",
                "max-size=4k",
                "--log-opt",
                "max-file=2",
                "base",
                "sh",
                "-c",
                script
            )
            let kept = try await f.succeed("logs", "some").outputText.split(separator: "\n")
            #expect(kept.last == "line 399" && kept.count < 200, "\(kept.count)")
            try await f.succeed("rm", "all", "some")
        }
    }

    @Test("give their further processes no device of the machine, and hold them to the same limits")
    func furtherProcesses() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            // /dev/kmsg, which root of the machine can read.
            let probe =
                "rm -f /kmsg; mknod /kmsg c 1 11 2>/dev/null; dd if=/kmsg bs=1 count=0 2>/dev/null && echo open || echo shut"
            try await f.succeed(
                "run",
                "-d",
                "--name",
                "box",
                "--pids-limit",
                "20",
                "--health-cmd",
                probe + " > /health",
                "--health-interval",
                "50ms",
                "base",
                "sh",
                "-c",
                "while [ ! -s /health ]; do sleep 0.05; done; cat /health; \(Self.service)"
            )
            try await waitForLog(f, "box", "up")
            #expect(try await f.succeed("logs", "box").outputText == "shut\nup\n")
            #expect(try await f.succeed("exec", "box", "sh", "-c", probe).outputText == "shut\n")
            let own = try await f.succeed("exec", "box", "cat", "/proc/1/cgroup").outputText
            let other = try await f.succeed("exec", "box", "cat", "/proc/self/cgroup").outputText
            #expect(own == other && own.contains("swiftbuild"))
            try await f.succeed("rm", "-f", "box")
        }
    }
}
