import Foundation
import SystemPackage
import Testing

/// What containers may use, and what they may do: each flag does what it says, or says that it cannot.
@Suite("Limits of containers", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
struct ContainerLimitTests {
    /// Whether limits of a kind can be set here; where they cannot, `run` has to say so.
    private func expectLimit(_ result: CommandResult, _ controller: String, _ body: (CommandResult) -> Void) {
        if result.status == 125, result.errors.contains("needs the control group `\(controller)`") { return }
        body(result)
    }

    private func run(_ f: BuildFixture, _ flags: [String], _ script: String) async throws -> CommandResult {
        try await f.start(["run", "--rm"] + flags + ["base", "sh", "-c", script]).wait()
    }

    @Test("memory that is used up ends the process, and is said to be the reason")
    func memory() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let eat = "x=$(head -c 64000000 /dev/zero | tr '\\0' a); echo ate"
            for (flags, isKilled) in [
                (["-m", "16m"], true), (["-m", "16m", "--memory-swap", "16m"], true), (["-m", "512m"], false),
            ] {
                let result = try await f.start(["run", "--name", "box"] + flags + ["base", "sh", "-c", eat]).wait()
                expectLimit(result, "memory") { result in
                    #expect(isKilled == (result.status != 0), "\(result)")
                    #expect(isKilled != (result.outputText == "ate\n"), "\(result)")
                }
                if result.status != 125 {
                    let directory = f.store.appending("containers-v1")
                    let id = try FileManager.default.contentsOfDirectory(atPath: directory.string)
                    let state = directory.appending(try #require(id.first)).appending("state.json")
                    let text = try String(contentsOfFile: state.string, encoding: .utf8)
                    #expect(text.contains("\"isOutOfMemory\":\(isKilled)"), "\(text)")
                }
                try await f.succeed("rm", "box")
            }
        }
    }

    @Test("processors: less time, fewer of them, and a share")
    func processors() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            // Half a second of a loop; what it has got of the processor is what `times` says.
            let spin =
                "end=$(($(cut -d. -f1 /proc/uptime) + 2)); while [ $(cut -d. -f1 /proc/uptime) -lt $end ]; do "
                + "i=0; while [ $i -lt 2000 ]; do i=$((i+1)); done; done; cat /proc/1/stat | cut -d' ' -f14"
            for flags in [["--cpus", "0.1"], ["--cpu-period", "50000", "--cpu-quota", "5000"]] {
                expectLimit(try await run(f, flags, spin), "cpu") { result in
                    // Ticks of ten milliseconds.
                    #expect(Int(result.line).map { $0 < 45 } ?? false, "\(result)")
                }
            }
            let shares = try await run(f, ["-c", "512"], "cat /proc/self/cgroup")
            expectLimit(shares, "cpu") { #expect($0.outputText.contains("swiftbuild"), "\($0)") }
            let allowed = "grep Cpus_allowed_list /proc/self/status; grep Mems_allowed_list /proc/self/status"
            expectLimit(try await run(f, ["--cpuset-cpus", "0", "--cpuset-mems", "0"], allowed), "cpuset") { result in
                #expect(result.outputText == "Cpus_allowed_list:\t0\nMems_allowed_list:\t0\n", "\(result)")
            }
            expectLimit(try await run(f, ["--cpuset-cpus", "8000"], "true"), "cpuset") { result in
                #expect(result.status == 125 && result.errors.contains("--cpuset-cpus: the kernel"), "\(result)")
            }
        }
    }

    @Test("processes, files and memory that is shared")
    func counts() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let fork = "for i in 1 2 3 4 5 6 7 8; do sleep 0.1 & done; wait"
            expectLimit(try await run(f, ["--pids-limit", "5"], fork), "pids") { result in
                #expect(result.status != 0 && result.errors.contains("can't fork"), "\(result)")
            }
            #expect(try await run(f, ["--pids-limit", "-1"], fork).status == 0)
            let fill = "dd if=/dev/zero of=/dev/shm/x bs=1M count=3 2>&1 | grep -o 'No space'; stat -c %s /dev/shm/x"
            #expect(try await run(f, ["--shm-size", "2m"], fill).outputText == "No space\n2097152\n")
            let limits = try await run(f, ["--ulimit", "nofile=20:30", "--ulimit", "core=0"], "ulimit -n; ulimit -Hn")
            #expect(limits.outputText == "20\n30\n", "\(limits)")
        }
    }

    @Test(
        "capabilities are added and dropped in Docker's order",
        arguments: [
            (["--cap-drop", "ALL"], []), (["--cap-drop", "ALL", "--cap-add", "CHOWN"], [0]),
            (["--cap-add", "chown", "--cap-drop", "all"], [0]), (["--cap-drop", "CAP_CHOWN"], [1, 3, 13]),
            (["--cap-add", "NET_ADMIN"], [0, 1, 12, 13]), (["--cap-add", "ALL", "--cap-drop", "CHOWN"], [1, 12, 21]),
        ]
    )
    func capabilities(_ flags: [String], _ some: [Int]) async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let result = try await run(f, flags, "grep CapBnd /proc/self/status | cut -f2")
            let bits = try #require(UInt64(result.line, radix: 16), "\(result)")
            #expect(
                [0, 1, 3, 12, 13, 21].filter { bits >> UInt64($0) & 1 == 1 && some.contains($0) } == some,
                "\(result)"
            )
            #expect((bits & 1 == 1) == some.contains(0), "\(result)")
        }
    }

    @Test("kernel parameters, a read-only root and options of security")
    func privileges() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            for (flags, script, expected) in [
                (["--sysctl", "kernel.msgmax=4096"], "cat /proc/sys/kernel/msgmax", "4096\n"),
                (
                    ["--network", "none", "--sysctl", "net.ipv4.ip_forward=1"], "cat /proc/sys/net/ipv4/ip_forward",
                    "1\n"
                ),
                (
                    ["--read-only", "--tmpfs", "/t", "-v", "vol:/v"], "touch /x 2>/dev/null; touch /t/x /v/x; ls /v",
                    "x\n"
                ),
                (["--security-opt", "no-new-privileges"], "grep NoNewPrivs /proc/self/status", "NoNewPrivs:\t1\n"),
                (["--security-opt", "seccomp=unconfined"], "grep Seccomp: /proc/self/status", "Seccomp:\t0\n"),
                (["--security-opt", "apparmor=unconfined"], "grep Seccomp: /proc/self/status", "Seccomp:\t2\n"),
                (["--security-opt", "systempaths=unconfined"], "grep -c ' /proc/' /proc/self/mounts", "0\n"),
            ] {
                let result = try await run(f, flags, script)
                #expect(result.outputText == expected, "\(flags): \(result)")
            }
            for (flags, reason) in [
                (["--read-only"], "Read-only file system"), (["--sysctl", "kernel.hostname=x"], "own namespaces"),
                (["--sysctl", "kernel.msgmax=x"], "`kernel/msgmax` to `x`"), (["--cap-add", "NOPE"], "`NOPE`"),
                (["--security-opt", "apparmor=x"], "unknown `apparmor=x`"), (["-m", "1k"], "the least is 6m"),
                (["--memory-swap", "1g"], "needs --memory"), (["--cpus", "1", "--cpu-quota", "5000"], "exclude"),
                (["-m", "1g", "--memory-swap", "512m"], "less than"), (["--cpuset-cpus", "x"], "invalid list"),
                (["--oom-score-adj", "1001"], "-1000 to 1000"), (["--ulimit", "nofile=2:1"], "above the hard one"),
            ] {
                let result = try await run(f, flags, "touch /x")
                #expect([1, 125].contains(result.status) && result.errors.contains(reason), "\(flags): \(result)")
            }
        }
    }

    @Test(
        "where a hierarchy is missing, the others do, and a limit that needs it is refused",
        .enabled(if: Machine.has("unshare"), "needs unshare")
    )
    func hierarchies() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            // Version 2 alone has no controllers where version 1 has them.
            let places = [
                "none": "umount -R /sys/fs/cgroup; true",
                "old": "for m in $(grep ' cgroup2 ' /proc/mounts | cut -d' ' -f2); do umount -l $m; done",
            ]
            for (name, script) in places {
                func run(_ arguments: String...) async throws -> CommandResult {
                    try await RunningCommand(
                        ["unshare", "--mount", "--propagation", "private", "sh", "-c", script + "; exec \"$@\"", "sh"]
                            + [Machine.binary.string] + arguments,
                        environment: f.environment,
                        directory: f.context,
                        logs: f.scratch
                    ).wait()
                }
                let device = "exec 3<>/dev/x && echo open"
                let plain = try await run(
                    "run",
                    "--rm",
                    "--device",
                    "/dev/tty:/dev/x",
                    "--device",
                    "/dev/full:/dev/y",
                    "base",
                    "echo",
                    "ran"
                )
                #expect(plain.outputText == "ran\n", "\(name): \(plain)")
                let memory = try await run("run", "--rm", "-m", "64m", "base", "cat", "/proc/self/cgroup")
                expectLimit(memory, "memory") {
                    #expect(name == "old" && $0.outputText.contains("memory:/swiftbuild/"), "\($0)")
                }
                let limited = try await run("run", "--rm", "--device", "/dev/kmsg:/dev/x:r", "base", "sh", "-c", device)
                #expect(limited.status != 0, "\(name): \(limited)")
                #expect(
                    limited.status == 125 ? limited.errors.contains("needs a control group") : name == "old",
                    "\(limited)"
                )
                _ = try await run("run", "-d", "--name", "box", "base", "sleep", "1000")
                let paused = try await run("pause", "box")
                #expect(
                    paused.status == 0 ? name == "old" : paused.errors.contains("no control group"),
                    "\(name): \(paused)"
                )
                #expect(try await run("rm", "-f", "box").status == 0)
            }
        }
    }
}
