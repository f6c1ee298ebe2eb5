import Foundation
import SystemPackage
import Testing

/// What a container has of the machine itself, and what its first process is.
@Suite("Containers and the machine", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
struct MachineAccessTests {
    private func run(_ f: BuildFixture, _ arguments: String...) async throws -> CommandResult {
        try await f.start(["run", "--rm"] + arguments).wait()
    }

    @Test("have an init that collects orphans, hands signals on and ends with the program")
    func initProcess() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let orphans =
                "(sleep 0.01 &); sleep 0.3; cat /proc/1/comm; echo /proc/[0-9]*; tr '\\0' ' ' </proc/1/cmdline"
            let collected = try await run(f, "--init", "base", "sh", "-c", orphans)
            #expect(collected.outputText.hasPrefix("init\n/proc/1 /proc/2\ninit -- sh -c "), "\(collected)")
            #expect(try await run(f, "--init", "base", "sh", "-c", "exit 7").status == 7)
            #expect(try await run(f, "--init", "base", "sh", "-c", "kill -9 $$").status == 137)
            #expect(try await run(f, "--init", "base", "nope").status == 127)
            // The program may see it before it is an init, but then nothing of it.
            let own = "until readlink /proc/1/exe; do sleep 0.01; done"
            #expect(try await run(f, "--init", "base", "sh", "-c", own).outputText == "/dev/init\n")
            // What the program may not do, it may not.
            let file = try await run(
                f,
                "--init",
                "-u",
                "5",
                "base",
                "sh",
                "-c",
                "grep CapEff /proc/1/status"
            )
            #expect(file.outputText == "CapEff:\t0000000000000000\n", "\(file)")
            // SIGTERM ends a program without a handler, which process 1 itself would ignore.
            try await f.succeed("run", "-d", "--name", "job", "--init", "base", "sleep", "1000")
            try await f.succeed("stop", "-t", "60", "job")
            #expect(try await f.succeed("wait", "job").outputText == "143\n")
            try await f.succeed("rm", "job")
        }
    }

    @Test("have the devices that they are given, and may do with them what was said")
    func devices() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let look =
                "for m in r w; do "
                + "(if [ $m = r ]; then exec 3</dev/x; else exec 3>/dev/x; fi) 2>/dev/null && echo $m; done; stat -c %t:%T /dev/x"
            #expect(
                try await run(f, "--cap-add", "SYSLOG", "--device", "/dev/kmsg:/dev/x", "base", "sh", "-c", look)
                    .outputText == "r\nw\n1:b\n"
            )
            #expect(
                try await run(f, "--cap-add", "SYSLOG", "--device", "/dev/kmsg:/dev/x:r", "base", "sh", "-c", look)
                    .outputText == "r\n1:b\n"
            )
            let made = "mknod /dev/x c 1 11; " + look
            let rule = try await run(
                f,
                "--cap-add",
                "SYSLOG",
                "--device-cgroup-rule",
                "c 1:* w",
                "base",
                "sh",
                "-c",
                "mkdir /d; mknod /d/x c 1 11; echo >/d/x && cat /d/x"
            )
            #expect(rule.status == 1 && !rule.errors.contains("create"), "\(rule)")
            #expect(try await run(f, "base", "sh", "-c", made).outputText == "1:b\n")
            for (device, reason) in [
                ("/dev/nope", "cannot use `/dev/nope`: no such file"), ("/etc/passwd", "is not a device"),
                ("/dev/null::r", "expected PATH"), ("/dev/null:/dev/x:q", "expected some of r, w and m"),
            ] {
                let refused = try await run(f, "--device", device, "base", "true")
                #expect(refused.status == 125 && refused.errors.contains(reason), "\(refused)")
            }
        }
    }

    @Test("have all devices of the machine with --privileged, and their own of those that every container has")
    func allDevices() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let look = "find /dev \\( -type c -o -type b \\) ! -path '/dev/pts/*' | sort"
            func devices(_ text: String) -> [Substring] {
                text.split(separator: "\n").filter { !["/dev/console", "/dev/ptmx"].contains($0) }
            }
            let machine = devices(try await Machine.run(["sh", "-c", look], in: "/").outputText)
            let found = try await run(f, "--privileged", "base", "sh", "-c", look)
            #expect(devices(found.outputText) == machine, "\(found)")
            let usual = try await run(f, "base", "sh", "-c", look)
            #expect(devices(usual.outputText).count == 6, "\(usual)")
            let own = try await run(f, "--privileged", "base", "sh", "-c", "readlink /dev/ptmx; ls /dev/shm | wc -l")
            #expect(own.outputText == "pts/ptmx\n0\n", "\(own)")
            if FileManager.default.fileExists(atPath: "/dev/loop-control") {
                let numbers = "stat -c '%t:%T %a' /dev/loop-control; exec 3<>/dev/loop-control"
                let opened = try await run(f, "--privileged", "base", "sh", "-c", numbers)
                #expect(opened.status == 0 && opened.outputText == "a:ed 600\n", "\(opened)")
            }
        }
    }

    @Test("share the namespaces of the machine that they are told to, and nothing of them is left")
    func namespaces() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let marker = "1\(Int.random(in: 100_000...999_999))"
            let inner = "for n in pid ipc uts; do readlink /proc/self/ns/$n; done; (setsid sleep \(marker) &)"
            let result = try await run(f, "--pid", "host", "--ipc", "host", "--uts", "host", "base", "sh", "-c", inner)
            let own = try await Machine.run(
                ["readlink", "/proc/self/ns/pid", "/proc/self/ns/ipc", "/proc/self/ns/uts"],
                in: "/"
            )
            #expect(result.outputText == own.outputText, "\(result)")
            #expect(try await Machine.run(["pgrep", "-f", "sleep \(marker)"], in: "/").status == 1)
            for (flags, reason) in [
                (["--uts", "host", "-h", "x"], "exclude each other"),
                (["--pid", "container:x"], "there is no container `x`"),
                (["--pid", "x"], "expected host, container:NAME"),
                (["--sysctl", "kernel.msgmax=1", "--ipc", "host"], "the machine's own parameter"),
                (["--network", "host", "--sysctl", "net.ipv4.ip_forward=1"], "the machine's own parameter"),
                (["--cgroup-parent", "x"], "are below `swiftbuild`"),
            ] {
                let refused = try await f.start(["run", "--rm"] + flags + ["base", "true"]).wait()
                #expect(refused.status == 125 && refused.errors.contains(reason), "\(refused)")
            }
        }
    }

    @Test("have groups by name, a domain, a score for memory and variables of files, and are waited for")
    func surroundings() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try f.write("vars", "# none\nA=1\n B=2 3\n")
            let text = "echo 'ops:x:77:' >>/etc/group; sleep 1000"
            try await f.succeed(
                "run",
                "-d",
                "--name",
                "box",
                "--domainname",
                "example.org",
                "--oom-score-adj",
                "500",
                "--health-cmd",
                "test -e /ok",
                "--health-interval",
                "20ms",
                "--annotation",
                "a=b",
                "base",
                "sh",
                "-c",
                text
            )
            let look = "cat /proc/sys/kernel/domainname /proc/1/oom_score_adj /proc/self/oom_score_adj; echo $A $B"
            #expect(
                try await f.succeed("exec", "--env-file", "vars", "box", "sh", "-c", look).outputText
                    == "example.org\n500\n500\n1 2 3\n"
            )
            let waiting = try f.start(["wait", "--condition", "healthy", "box"])
            try await f.succeed("exec", "box", "touch", "/ok")
            #expect(try await waiting.wait().outputText == "0\n")
            let size = try await f.succeed("ps", "-s", "--format", "{{.Size}}").outputText
            #expect(size.contains("B (virtual ") && !size.hasPrefix("0B"), "\(size)")
            let gone = try f.start(["wait", "--condition", "removed", "box"])
            try await f.succeed("rm", "-f", "box")
            // It may have been removed before anything could wait for it.
            let removed = try await gone.wait()
            #expect(removed.outputText == "137\n" || removed.errors.contains("no container"), "\(removed)")
            let groups = try await run(f, "--group-add", "root", "--group-add", "77", "-u", "5:6", "base", "id", "-G")
            #expect(groups.outputText == "6 0 77\n", "\(groups)")
            #expect(try await run(f, "--group-add", "nope", "base", "true").errors.contains("group `nope`"))
            try await f.succeed("run", "--name", "sick", "base", "true")
            let never = try await f.swiftbuild("wait", "--condition", "healthy", "sick")
            #expect(never.status == 1 && never.errors.contains("has no health check"), "\(never)")
            try await f.succeed("rm", "sick")
        }
    }
}
