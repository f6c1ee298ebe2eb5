import Foundation
import SystemPackage
import Testing

@Suite("Networks of containers", .enabled("needs root, bridges and nf_tables") { try await Machine.canMakeNetworks })
struct ContainerNetworkTests {
    /// Says its line to each client.
    private static func server(_ line: String, port: Int) -> [String] {
        ["sh", "-c", "while :; do echo \(line) | nc -l -p \(port); done"]
    }

    private func ask(_ f: BuildFixture, from container: String, _ name: String, _ port: Int) async throws -> String {
        for _ in 0..<100 {
            let result = try await f.swiftbuild("exec", container, "nc", "-w", "2", name, "\(port)")
            if result.status == 0 { return result.outputText }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw TestFailure("\(name):\(port) never answered")
    }

    /// What a server on this machine says; empty where there is none.
    private func read(_ f: BuildFixture, _ port: Int) async throws -> String {
        try await Machine.run(["busybox", "nc", "-w", "2", "127.0.0.1", "\(port)"], in: f.scratch).outputText
    }

    private func start(_ f: BuildFixture, _ name: String, _ flags: [String], _ command: [String]) async throws {
        let result = try await f.start(["run", "-d", "--name", name] + flags + ["base"] + command).wait()
        #expect(result.status == 0, "\(result)")
    }

    private func isRefused(_ f: BuildFixture, _ arguments: String..., saying text: String?) async throws {
        let result = try await f.start(arguments).wait()
        #expect(result.status != 0 && text.map { result.errors.contains($0) } ?? true, "\(result)")
    }

    @Test("let containers find each other by name, alias and address, and nobody else's")
    func names() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try await f.succeed("network", "create", "--subnet", "10.211.7.0/24", "shop")
            try await f.succeed("network", "create", "vault")
            let place = ["--network", "shop", "--network-alias", "store", "--ip", "10.211.7.9"]
            try await start(f, "db", place, Self.server("from-db", port: 5432))
            try await f.succeed("run", "-d", "--network", "shop", "--name", "web", "base", "sleep", "100")
            for name in ["db", "store", "10.211.7.9", "db.shop"] {
                #expect(try await ask(f, from: "web", name, 5432) == "from-db\n")
            }
            try await f.succeed("run", "-d", "--network", "vault", "--name", "spy", "base", "sleep", "100")
            try await isRefused(f, "exec", "spy", "nc", "-w", "1", "db", "5432", saying: "bad address")
            try await isRefused(f, "exec", "spy", "nc", "-w", "1", "10.211.7.9", "5432", saying: nil)
            try await f.succeed("network", "connect", "--alias", "thief", "shop", "spy")
            #expect(try await ask(f, from: "spy", "db", 5432) == "from-db\n")
            try await f.succeed("rename", "db", "database")
            #expect(try await ask(f, from: "spy", "database", 5432) == "from-db\n")
            #expect(
                try await f.succeed("ps", "--filter", "name=spy", "--format", "{{.Networks}}").outputText
                    == "vault,shop\n"
            )
            try await f.succeed("network", "disconnect", "shop", "spy")
            try await isRefused(f, "exec", "spy", "nc", "-w", "1", "database", "5432", saying: "bad address")
            try await isRefused(f, "network", "rm", "shop", saying: "`database`, `web`")
            try await f.succeed("rm", "-f", "database", "web", "spy")
            #expect(try await f.succeed("network", "prune", "-f").outputText == "Deleted Networks:\nshop\nvault\n")
        }
    }

    @Test("publish ports on addresses that are asked for, on free ones, and tell who has one already")
    func ports() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let server = Self.server("hello", port: 80)
            try await start(f, "web", ["-p", "127.0.0.1::80/tcp", "-p", "81"], server)
            let address = try await f.succeed("port", "web", "80").outputText.trimmingCharacters(in: .newlines)
            #expect(address.hasPrefix("127.0.0.1:"))
            let port = try #require(Int(address.split(separator: ":")[1]))
            var answer = ""
            try await waitUntil {
                answer = try await read(f, port)
                return !answer.isEmpty
            }
            #expect(answer == "hello\n")
            let shown = try await f.succeed("ps", "--format", "{{.Ports}}").outputText
            #expect(shown.contains("127.0.0.1:\(port)->80/tcp") && shown.contains("->81/tcp"), "\(shown)")
            try await isRefused(f, "run", "-p", "\(port):80", "base", "true", saying: "in use by container `web`")
            try await f.succeed("rm", "-f", "web")
            #expect(try await read(f, port) == "")
        }
    }

    @Test("are another's, the machine's or none, where that is asked for")
    func shared() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try await start(f, "web", [], Self.server("inside", port: 80))
            try await f.succeed("run", "-d", "--name", "side", "--network", "container:web", "base", "sleep", "100")
            #expect(try await ask(f, from: "side", "127.0.0.1", 80) == "inside\n")
            let none = try await f.succeed("run", "--rm", "--network", "none", "base", "ip", "-o", "link").outputText
            #expect(none.split(separator: "\n").count == 1 && none.contains("lo:"), "\(none)")
            let host = try await f.succeed(
                "run",
                "--rm",
                "--network",
                "host",
                "base",
                "readlink",
                "/proc/self/ns/net"
            ).outputText
            #expect(host == (try await Machine.run(["readlink", "/proc/self/ns/net"], in: f.scratch)).outputText)
            try await f.succeed("stop", "-t", "0", "web")
            try await isRefused(f, "run", "--network", "container:web", "base", "true", saying: "not running")
            try await isRefused(f, "run", "--network", "nope", "base", "true", saying: "network `nope` not found")
            try await f.succeed("rm", "-f", "side", "web")
        }
    }

    @Test("leave nothing on the machine, also when a supervisor is killed")
    func killed() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try await f.succeed("run", "-d", "--name", "web", "-p", "80", "base", "sleep", "100")
            let id = try await f.succeed("network", "ls", "-q", "--filter", "name=bridge").outputText
                .trimmingCharacters(in: .newlines)
            func interfaces() throws -> Int {
                try FileManager.default.contentsOfDirectory(atPath: "/sys/class/net").filter { $0 == "sb-\(id)" }.count
            }
            #expect(try interfaces() == 1)
            let supervisors = try await Machine.run(["pgrep", "-f", "container-supervisor \(f.store)"], in: f.scratch)
            for id in supervisors.outputText.split(separator: "\n").compactMap({ Int32($0) }) { kill(id, SIGKILL) }
            try await waitUntil { try await f.succeed("ps", "-q").outputText == "" }
            #expect(try await f.succeed("ps", "-a", "--format", "{{.State}}").outputText == "dead\n")
            #expect(try interfaces() == 0)
            try await f.succeed("start", "web")
            #expect(try interfaces() == 1)
            try await f.succeed("rm", "-f", "web")
            #expect(try interfaces() == 0)
            // The work directory of the killed one.
            try await f.succeed("prune")
        }
    }
}
