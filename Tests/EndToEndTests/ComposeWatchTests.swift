import Foundation
import Glibc
import SystemPackage
import Testing

@Suite("compose watch", .enabled("needs root, bridges and nf_tables") { try await Machine.canMakeNetworks })
struct ComposeWatchTests {
    private func write(_ f: BuildFixture) throws {
        try f.write("Dockerfile", "FROM alpine\nCOPY src /app\nCOPY version /version\nCMD sleep 1000")
        try f.write("src/first", "1")
        try f.write("version", "1")
        try f.write("settings", "1")
        try f.write("run/empty")
        try f.write(".dockerignore", "src/*.log")
        try f.write(
            "compose.yaml",
            """
            name: w
            services:
              web:
                build: .
                stop_grace_period: 0s
                develop:
                  watch:
                    - {path: src, target: /app, action: sync, ignore: [skipped], initial_sync: true}
                    - {path: settings, target: /new/directory/settings, action: sync+restart}
                    - {path: version, action: rebuild}
                    - {path: run, target: /run, action: sync+exec, exec: {command: [sh, -c, 'echo "$$V $$(cat /run/x)"'], \
            environment: {V: executed}}}
            """
        )
    }

    /// Waits until a line was written.
    private func line(_ command: RunningCommand, where isWanted: (Substring) -> Bool) async throws {
        try await waitUntil { try command.written.split(separator: "\n").contains(where: isWanted) }
    }

    /// Waits until a command in the container prints something.
    private func expect(_ text: String, _ command: String, _ f: BuildFixture) async throws {
        var last = try await f.swiftbuild("exec", "w-web-1", "sh", "-c", command)
        for _ in 0..<100 {
            if last.status == 0, last.outputText == text { return }
            try await Task.sleep(for: .milliseconds(100))
            last = try await f.swiftbuild("exec", "w-web-1", "sh", "-c", command)
        }
        Issue.record("`\(command)` never printed `\(text)`: \(last)")
    }

    @Test("copies files, builds again, restarts and runs commands, until it is interrupted")
    func actions() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            try write(f)
            let watch = try f.start(["compose", "watch"])
            try await line(watch) { $0.contains("watching") }
            func started() async throws -> String {
                try await f.succeed("inspect", "-f", "{{.Id}} {{.State.StartedAt}}", "w-web-1").line
            }
            let first = try await started()
            try f.write("src/first", "2")
            try f.write("src/new/directory/file", "deep")
            try f.write("src/skipped", "x")
            try f.write("src/a.log", "x")
            try await expect("2deep", "cat /app/first /app/new/directory/file", f)
            try f.remove("src/new")
            try f.remove("src/first")
            try await expect("", "ls /app", f)
            try f.write("run/x", "now")
            try await line(watch) { $0 == "executed now" }
            #expect(try await started() == first)

            try f.write("settings", "2")
            try await expect("2", "cat /new/directory/settings", f)
            try await line(watch) { $0.contains("w-web-1") && $0.contains("Restarted") }
            let second = try await started()
            #expect(second != first && second.prefix(64) == first.prefix(64))
            try f.write("version", "2")
            try await expect("2", "cat /version", f)
            #expect(try await started().prefix(64) != first.prefix(64))
            watch.signal(SIGINT)
            #expect(try await watch.wait().status == 130)
            #expect(try await f.succeed("compose", "ps", "-q").lines.count == 1)
            try await f.succeed("compose", "down")
        }
    }

    @Test("takes only what is included, and restarts without copying")
    func includedFiles() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            try f.write("src/empty")
            try f.write("settings/empty")
            try f.write(
                "compose.yaml",
                """
                name: w
                services:
                  web:
                    image: alpine
                    command: sh -c 'mkdir -p /app; echo begins; exec sleep 1000'
                    stop_grace_period: 0s
                    develop:
                      watch:
                        - {path: src, target: /app, action: sync, include: ["*.py", "lib/**"], ignore: ["lib/cache"]}
                        - {path: settings, action: restart, include: ["*.ini"]}
                """
            )
            let watch = try f.start(["compose", "watch"])
            try await line(watch) { $0.contains("watching") }
            func started() async throws -> String {
                try await f.succeed("inspect", "-f", "{{.Id}} {{.State.StartedAt}}", "w-web-1").line
            }
            let first = try await started()
            // Neither is included; what comes after is, and shows that these were seen.
            try f.write("src/notes.txt", "no")
            try f.write("src/lib/cache/x", "no")
            try f.write("settings/other", "no")
            try f.write("src/main.py", "main")
            try f.write("src/lib/a/b", "deep")
            try await expect("maindeep", "cat /app/main.py /app/lib/a/b", f)
            try await expect("lib\nmain.py\na\n", "ls /app /app/lib | grep -v : | grep .", f)
            #expect(try await started() == first)
            try f.write("settings/web.ini", "yes")
            try await line(watch) { $0.contains("w-web-1") && $0.contains("Restarted") }
            let second = try await started()
            #expect(second != first && second.prefix(64) == first.prefix(64))
            // It was not copied anywhere.
            try await expect("", "find / -xdev -name web.ini", f)
            watch.signal(SIGINT)
            #expect(try await watch.wait().status == 130)
            try await f.succeed("compose", "down")
        }
    }

    @Test("goes on beside the output of `up`, which follows containers that are replaced")
    func beside() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            try f.write("Dockerfile", "FROM alpine\nCOPY version /version\nCMD cat /version /app/file; exec sleep 1000")
            try f.write("version", "version 1\n")
            try f.write("src/file", "file 1\n")
            try f.write(
                "compose.yaml",
                """
                name: w
                services:
                  web:
                    build: .
                    stop_grace_period: 0s
                    develop:
                      watch:
                        - {path: src, target: /app, action: sync+restart, initial_sync: true}
                        - {path: version, action: rebuild}
                """
            )
            let up = try f.start(["compose", "up", "--watch"])
            try await line(up) { $0.contains("watching") }
            try await line(up) { $0 == "web-1  | version 1" }
            try f.write("src/file", "file 2\n")
            try await line(up) { $0 == "web-1  | file 2" }
            try f.write("version", "version 2\n")
            try await line(up) { $0 == "web-1  | version 2" }
            up.signal(SIGINT)
            let result = try await up.wait()
            #expect(result.status == 130, "\(result)")
            // Nothing is shown twice.
            #expect(result.outputText.components(separatedBy: "version 2\n").count == 2, "\(result)")
            #expect(try await f.succeed("compose", "ps", "-q").outputText == "")
            #expect(try await f.swiftbuild("compose", "up", "--watch", "-d").status == 2)
            try await f.succeed("compose", "down")
        }
    }

    @Test("needs a service that says what is watched")
    func nothing() async throws {
        try await BuildFixture.with { f in
            try f.write("compose.yaml", "services: {web: {image: alpine}}")
            let result = try await f.swiftbuild("compose", "watch")
            #expect(result.status == 1 && result.errors.contains("no service has a `develop.watch`"), "\(result)")
        }
    }
}
