internal import Foundation
internal import SystemPackage
internal import Testing

/// Services that are published, looked into and stopped, as the reader of a book on containers types it.
@Suite("A service", .enabled("needs root, bridges and nf_tables") { try await Machine.canMakeNetworks })
struct ServiceTests {
    /// What a server on this machine answers; it has to begin within fifteen seconds.
    private func ask(_ f: BuildFixture, _ port: Int, _ path: String = "", post: String? = nil) async throws -> String {
        let data = post.map { ["--post-data", $0] } ?? []
        let command = ["busybox", "wget", "-q", "-O", "-"] + data + ["http://127.0.0.1:\(port)/\(path)"]
        var result = try await Machine.run(command, in: f.scratch)
        try await waitUntil {
            if result.status == 0 { return true }
            result = try await Machine.run(command, in: f.scratch)
            return result.status == 0
        }
        try #require(result.status == 0, "\(result)")
        return result.outputText
    }

    /// Runs the binary on a terminal, on which something is typed.
    private func onTerminal(_ f: BuildFixture, _ arguments: String, typing input: String = "") throws
        -> RunningCommand
    {
        let typed = f.scratch.appending("typed-\(UUID().uuidString)")
        try Data(input.utf8).write(to: URL(fileURLWithPath: typed.string))
        return try RunningCommand(
            ["script", "-qefc", "\(Machine.binary) \(arguments)", "/dev/null"],
            environment: f.environment,
            directory: f.context,
            logs: f.scratch,
            input: typed
        )
    }

    private func expectGracefulEnd(_ f: BuildFixture, _ name: String) async throws {
        #expect(try await f.succeed("inspect", "-f", "{{.State.ExitCode}}", name).line == "143")
        #expect(try await f.succeed("ps", "-a").outputText.contains("Exited (143)"))
        #expect(try await f.succeed("logs", name).outputText.contains("graceful shutdown triggered"))
    }

    @Test(
        "runs on a terminal with a published port, is entered, stopped and pruned",
        .enabled(if: Machine.has("script"), "needs script (package bsdutils)")
    )
    func session() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            for file in ["Dockerfile.run", "example.txt"] {
                try f.write(file, bytes: try readFile(Machine.repository.appending(file)))
            }
            try await f.succeed("-f", "Dockerfile.run", "-t", "container-run", ".")
            let service = try f.dockerfile(
                """
                FROM alpine
                RUN mkdir /www && echo 'Sleep on it' > /www/index.html
                EXPOSE 8000
                CMD trap 'echo graceful shutdown triggered; exit 143' TERM; httpd -f -p 8000 -h /www & wait
                """
            )
            try await f.succeed("-f", service, "-t", "thoughts-backend", ".")
            let port = try RegistryServer.freePort()
            let foreground = try onTerminal(f, "run -it -p 127.0.0.1:\(port):8000/tcp thoughts-backend")
            #expect(try await ask(f, port) == "Sleep on it\n")
            let rows = try await f.succeed("ps").outputText.split(separator: "\n")
            try #require(rows.count == 2, "\(rows)")
            #expect(rows[1].contains("thoughts-backend") && rows[1].contains("127.0.0.1:\(port)->8000/tcp"), "\(rows)")
            let id = String(rows[1].prefix(12))
            let typed = "echo $((6 * 7)); test -t 0 && exit 5\n"
            let shell = try await onTerminal(f, "exec -it \(id) /bin/sh", typing: typed).wait()
            #expect(shell.status == 5 && shell.outputText.contains("42\r\n"), "\(shell)")
            #expect(try await f.succeed("stop", id).line == id)
            let ended = try await foreground.wait()
            #expect(ended.status == 143 && ended.outputText.contains("graceful shutdown triggered"), "\(ended)")
            try await expectGracefulEnd(f, id)
            #expect(try await f.succeed("ps", "-q").line == "")

            try await f.succeed("run", "container-run", "/bin/sh", "-c", "cat /opt/example.txt > out.txt")
            let kept = try await f.succeed("ps", "-lq").line
            #expect(try await f.succeed("diff", kept).line == "A /out.txt")
            try await f.succeed("cp", "\(kept):/out.txt", "out.txt")
            #expect(try readFile(f.context.appending("out.txt")) == readFile(f.context.appending("example.txt")))
            let pruned = try await f.swiftbuild("system", "prune", input: "y\n").outputText
            #expect(pruned.contains("\n\(id)") && pruned.contains("\n\(kept)"), "\(pruned)")
            #expect(try await f.succeed("ps", "-aq").line == "")
        }
    }

    @Test(
        "in Python asks a PostgreSQL in another container by its name, and is asked from the machine",
        .enabled("needs mmdebstrap and a mirror of Debian") { await DebianBase.shared.path != nil }
    )
    func thoughts() async throws {
        let base = try #require(await DebianBase.shared.path)
        try await BuildFixture.with { f in
            try await f.succeed("import", base.string, "debian:bookworm")
            let contexts = ExamplesTests.directory.appending("thoughts")
            let builds = try ["database", "backend"].map { part in
                try f.start(["-t", "thoughts-\(part)", contexts.appending(part).string])
            }
            for build in builds {
                // A distribution's packages come from far away.
                let built = try await build.wait(limit: .seconds(600))
                try #require(built.status == 0, "\(built)")
            }
            try await f.succeed("network", "create", "thoughts")
            func startDatabase() async throws {
                try await f.succeed(
                    "run",
                    "-d",
                    "--name",
                    "database",
                    "--network",
                    "thoughts",
                    "-v",
                    "thoughts:/var/lib/postgresql/data",
                    "thoughts-database"
                )
                try await f.succeed("wait", "--condition", "healthy", "database")
            }
            try await startDatabase()
            let port = try RegistryServer.freePort()
            let published = "127.0.0.1:\(port):8000/tcp"
            try await f.succeed(
                "run",
                "-d",
                "--name",
                "backend",
                "--network",
                "thoughts",
                "-p",
                published,
                "thoughts-backend"
            )
            #expect(try await ask(f, port, "?search=single").contains("begins with a single step"))
            let added = "[{\"id\": 3, \"text\": \"Think twice\"}]\n"
            #expect(try await ask(f, port, post: "Think twice") == added)

            // The volume outlives the container, and the name leads to the next one.
            try await f.succeed("stop", "database")
            #expect(try await f.succeed("logs", "database").errors.contains("database system is shut down"))
            try await f.succeed("rm", "database")
            let alone = try await Machine.run(
                ["busybox", "wget", "-O", "-", "http://127.0.0.1:\(port)/"],
                in: f.scratch
            )
            #expect(alone.status != 0 && alone.errors.contains("503"), "\(alone)")
            try await startDatabase()
            #expect(try await ask(f, port, "?search=twice") == added)

            #expect(try await f.succeed("stop", "backend").line == "backend")
            try await expectGracefulEnd(f, "backend")
            try await f.succeed("rm", "-f", "backend", "database")
            try await f.succeed("network", "rm", "thoughts")
            try await f.succeed("volume", "rm", "thoughts")
        }
    }
}
