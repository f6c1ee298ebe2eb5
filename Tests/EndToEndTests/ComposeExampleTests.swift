internal import Foundation
internal import Glibc
internal import SystemPackage
internal import Testing

/// What a reader types who learns Compose with `examples/compose`, in that order.
@Suite(
    "The example of compose",
    .enabled("needs root, bridges and nf_tables") { try await Machine.canMakeNetworks },
    .enabled("needs mmdebstrap and a mirror of Debian") { await DebianBase.shared.path != nil },
    .enabled("`compose` runs no containers yet") {
        try await Machine.run([Machine.binary.string, "compose", "up", "--help"], in: "/").status == 0
    }
)
struct ComposeExampleTests {
    static let directory = ExamplesTests.directory.appending("compose")

    /// The example in a fixture, with ports that are free.
    private struct Session {
        let f: BuildFixture
        let databasePort: Int
        let serverPort: Int

        init(_ f: BuildFixture) throws {
            self.f = f
            databasePort = try RegistryServer.freePort()
            serverPort = try RegistryServer.freePort()
        }

        func start(_ arguments: [String]) throws -> RunningCommand {
            let ports = ["DATABASE_PORT": "\(databasePort)", "SERVER_PORT": "\(serverPort)"]
            return try RunningCommand(
                [Machine.binary.string, "compose"] + arguments,
                environment: f.environment.merging(ports) { $1 },
                directory: directory,
                logs: f.scratch
            )
        }

        @discardableResult
        func compose(_ arguments: String..., sourceLocation: SourceLocation = #_sourceLocation) async throws
            -> CommandResult
        {
            // A distribution's packages come from far away.
            let result = try await start(arguments).wait(limit: .seconds(600))
            try #require(result.status == 0, "\(result)", sourceLocation: sourceLocation)
            return result
        }

        /// What the server answers; it has to begin within fifteen seconds.
        func ask(_ path: String) async throws -> String {
            let command = ["busybox", "wget", "-q", "-O", "-", "http://127.0.0.1:\(serverPort)/\(path)"]
            var result = try await Machine.run(command, in: f.scratch)
            try await waitUntil {
                if result.status == 0 { return true }
                result = try await Machine.run(command, in: f.scratch)
                return result.status == 0
            }
            return result.outputText
        }
    }

    private func expectTests(_ result: CommandResult, _ count: Int, _ location: SourceLocation = #_sourceLocation) {
        let text = result.outputText + result.errors
        #expect(text.contains("Ran \(count) tests"), "\(result)", sourceLocation: location)
        #expect(text.contains("\nOK"), "\(result)", sourceLocation: location)
    }

    @Test("runs the tests of a service on two databases, and the service with its database")
    func chapter() async throws {
        let base = try #require(await DebianBase.shared.path)
        try await BuildFixture.with { f in
            try await f.succeed("import", base.string, "debian:bookworm")
            let session = try Session(f)
            let built = try await session.compose("build", "test-sqlite")
            #expect(built.errors.contains("[test-sqlite] Successfully tagged compose-test-sqlite:latest"), "\(built)")
            expectTests(try await session.compose("run", "test-sqlite", "-k", "test_create"), 6)
            expectTests(try await session.compose("run", "--rm", "test-sqlite"), 17)

            // Built, and then in the foreground with its name before each line.
            let up = try session.start(["up", "db"])
            try await waitForDatabase(up, session)
            up.signal(SIGINT)
            let ended = try await up.wait()
            let logs = (ended.outputText + ended.errors).split(separator: "\n")
            #expect(logs.contains { $0.hasPrefix("db-1") && $0.contains("| ") && $0.contains("ready to") }, "\(ended)")
            #expect([0, 130].contains(ended.status), "\(ended)")
            #expect(try await session.compose("ps", "-q").outputText == "")

            expectTests(try await session.compose("run", "test-postgresql"), 17)
            #expect(try await session.compose("ps", "--services").lines == ["db"])
            try await session.compose("up", "-d", "server")
            #expect(Set(try await session.compose("ps", "--services").lines) == ["db", "server"])
            let table = try await session.compose("ps").outputText
            #expect(table.contains("compose-server-1") && table.contains("\(session.serverPort)->8000"), "\(table)")
            try await exchange(session)
            let log = try await session.compose("logs", "server").outputText
            #expect(log.split(separator: "\n").allSatisfy { $0.hasPrefix("server-1") }, "\(log)")
            #expect(log.contains("| listening on port 8000"), "\(log)")

            try await session.compose("down")
            #expect(try await f.succeed("ps", "-aq").outputText == "")
            #expect(!(try await f.succeed("network", "ls").outputText.contains("compose_default")))
            #expect(try await f.succeed("volume", "ls", "-q").lines.contains("compose_data"))
            // The volume has what the first database was told.
            try await session.compose("up", "-d", "--wait", "server")
            #expect(try await session.ask("thoughts").contains("Sleep on it"))
            try await session.compose("down", "-v")
            #expect(!(try await f.succeed("volume", "ls", "-q").lines.contains("compose_data")))
        }
    }

    private func waitForDatabase(_ up: RunningCommand, _ session: Session) async throws {
        for _ in 0..<20 {
            // Its packages come from far away.
            do {
                // The build starts the database too.
                return try await waitUntil {
                    try up.written.split(separator: "\n").contains {
                        $0.hasPrefix("db-1") && $0.contains("database system is ready to accept connections")
                    }
                }
            } catch {
                guard kill(up.processID, 0) == 0 else { break }
            }
        }
        throw TestFailure("the database did not start: \(try await up.wait(limit: .zero))")
    }

    /// What a client writes into the database, the service reads.
    private func exchange(_ session: Session) async throws {
        #expect(try await session.ask("thoughts") == "[]\n")
        let statement = "INSERT INTO thought (text) VALUES ('Sleep on it')"
        let address = "postgresql://thoughts:sesame@127.0.0.1:\(session.databasePort)/thoughts"
        // Its own client, since the machine need not have one; it sees the machine's network.
        try await session.f.succeed(
            "run",
            "--rm",
            "--network",
            "host",
            "compose-db",
            "psql",
            "-q",
            "-c",
            statement,
            address
        )
        #expect(try await session.ask("thoughts?search=on") == "[{\"id\": 1, \"text\": \"Sleep on it\"}]\n")
    }
}
