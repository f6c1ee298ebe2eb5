import Foundation
import Glibc
import SystemPackage
import Testing

@Suite(
    "Networks of an ordinary user",
    .enabled("needs busybox-static") { Machine.has("busybox") },
    .enabled("an ordinary user may have no networks here") { try await OrdinaryUserTests.canMakeNetworks() }
)
struct OrdinaryNetworkTests {
    private let user = OrdinaryUserTests()

    @discardableResult
    private func succeed(_ f: BuildFixture, _ arguments: String...) async throws -> String {
        let result = try await user.run(f, arguments)
        try #require(result.status == 0, "\(result)")
        return result.outputText
    }

    /// Starts a container that says its line to each client of a port.
    private func serve(_ f: BuildFixture, _ name: String, _ flags: [String], port: Int) async throws {
        let command = ["sh", "-c", "while :; do echo from-\(name) | nc -l -p \(port); done"]
        let result = try await user.run(f, ["run", "-d", "--name", name] + flags + ["base"] + command)
        try #require(result.status == 0, "\(result)")
    }

    private func ask(_ f: BuildFixture, from container: String, _ name: String, _ port: Int) async throws -> String {
        for _ in 0..<100 {
            let result = try await user.run(f, ["exec", container, "nc", "-w", "2", name, "\(port)"])
            if result.status == 0 { return result.outputText }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw TestFailure("\(name):\(port) never answered")
    }

    /// What a server on this machine says; empty where there is none.
    private func read(_ f: BuildFixture, _ port: String) async throws -> String {
        for _ in 0..<100 {
            let result = try await Machine.run(["busybox", "nc", "-w", "2", "127.0.0.1", port], in: f.scratch)
            if !result.outputText.isEmpty { return result.outputText }
            try await Task.sleep(for: .milliseconds(20))
        }
        return ""
    }

    private enum Kind { case any, supervisor, holder }

    /// The processes of this program that serve containers of the store.
    private func processes(_ f: BuildFixture, _ kind: Kind = .any) throws -> [Int32] {
        let store = f.scratch.appending("home").appending("store").string
        return try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }.filter { id in
            func text(_ file: String) -> String {
                (try? String(decoding: readFile(FilePath("/proc/\(id)/\(file)")), as: UTF8.self)) ?? ""
            }
            guard text("cmdline").contains("container-supervisor\0\(store)") else { return false }
            return switch kind {
            case .any: true
            case .supervisor: !text("comm").hasPrefix("swiftbuild-")
            case .holder: text("comm") == "swiftbuild-net\n"
            }
        }
    }

    private func expectNothingLeft(_ f: BuildFixture) async throws {
        try await waitUntil { try processes(f).isEmpty }
        #expect(try processes(f) == [])
    }

    @Test("let containers find each other by name, publish ports, and do not see each other")
    func names() async throws {
        try await BuildFixture.with { f in
            user.makeHome(f)
            try await user.importBase(f)
            try await succeed(f, "network", "create", "shop")
            try await succeed(f, "network", "create", "vault")
            try await serve(f, "db", ["--network", "shop", "--network-alias", "store"], port: 5432)
            try await serve(f, "web", ["--network", "shop", "-p", "127.0.0.1::80"], port: 80)
            #expect(try processes(f, .holder).count == 1)
            #expect(try await ask(f, from: "web", "db", 5432) == "from-db\n")
            #expect(try await ask(f, from: "web", "store", 5432) == "from-db\n")
            let port = try await succeed(f, "port", "web", "80").trimmingCharacters(in: .newlines)
            #expect(try await read(f, String(port.split(separator: ":")[1])) == "from-web\n")
            #expect(try await succeed(f, "exec", "db", "ls", "/sys/class/net") == "eth0\nlo\n")
            let address = try await succeed(f, "exec", "db", "ip", "-o", "-4", "addr", "show", "eth0")
                .split(separator: " ")[3].split(separator: "/")[0]
            try await succeed(f, "run", "-d", "--name", "spy", "--network", "vault", "base", "sleep", "100")
            for name in ["db", String(address)] {
                let refused = try await user.run(f, ["exec", "spy", "nc", "-w", "1", name, "5432"])
                #expect(refused.status != 0, "\(refused)")
            }
            try await succeed(f, "network", "connect", "shop", "spy")
            #expect(try await ask(f, from: "spy", "db", 5432) == "from-db\n")
            let side = try await succeed(f, "run", "--rm", "--network", "container:db", "base", "ip", "-o", "addr")
            #expect(side.contains(address), "\(side)")
            try await succeed(f, "rm", "-f", "db", "web", "spy")
            try await expectNothingLeft(f)
            try await succeed(f, "network", "prune", "-f")
        }
    }

    @Test("leave nothing when a supervisor is killed, and let others go on")
    func killed() async throws {
        try await BuildFixture.with { f in
            user.makeHome(f)
            try await user.importBase(f)
            try await serve(f, "web", ["-p", "127.0.0.1::80"], port: 80)
            let first = try #require(try processes(f, .supervisor).first)
            try await succeed(f, "run", "-d", "--name", "other", "base", "sleep", "100")
            kill(first, SIGKILL)
            try await waitUntil { try await succeed(f, "ps", "-q", "--filter", "name=web") == "" }
            #expect(try await succeed(f, "ps", "-a", "--filter", "name=web", "--format", "{{.State}}") == "dead\n")
            try await succeed(f, "start", "web")
            let address = try await succeed(f, "exec", "web", "ip", "-o", "-4", "addr", "show", "eth0")
                .split(separator: " ")[3].split(separator: "/")[0]
            #expect(try await ask(f, from: "other", String(address), 80) == "from-web\n")
            for id in try processes(f, .supervisor) { kill(id, SIGKILL) }
            try await expectNothingLeft(f)
            try await succeed(f, "start", "web")
            try await succeed(f, "rm", "-f", "web", "other")
            try await expectNothingLeft(f)
            // The work directories of the killed ones.
            try await succeed(f, "prune")
        }
    }

    @Test("outlive the process that keeps their namespaces")
    func withoutHolder() async throws {
        try await BuildFixture.with { f in
            user.makeHome(f)
            try await user.importBase(f)
            try await serve(f, "web", ["-p", "127.0.0.1::80"], port: 80)
            for holder in try processes(f, .holder) { kill(holder, SIGKILL) }
            try await waitUntil { try processes(f, .holder).isEmpty }
            let address = try await succeed(f, "exec", "web", "ip", "-o", "-4", "addr", "show", "eth0")
                .split(separator: " ")[3].split(separator: "/")[0]
            try await succeed(f, "run", "-d", "--name", "next", "base", "sleep", "100")
            // One takes its place, in the same namespaces.
            #expect(try processes(f, .holder).count == 1)
            #expect(try await ask(f, from: "next", String(address), 80) == "from-web\n")
            let port = try await succeed(f, "port", "web", "80").trimmingCharacters(in: .newlines)
            #expect(try await read(f, String(port.split(separator: ":")[1])) == "from-web\n")
            try await succeed(f, "rm", "-f", "web", "next")
            try await expectNothingLeft(f)
            // With a process of its own again.
            try await succeed(f, "run", "-d", "--name", "later", "base", "sleep", "100")
            #expect(try processes(f, .holder).count == 1)
            for process in try processes(f) { kill(process, SIGKILL) }
            try await waitUntil { try await succeed(f, "ps", "-q") == "" }
            #expect(try await succeed(f, "run", "--rm", "base", "echo", "up") == "up\n")
            try await succeed(f, "rm", "later")
            try await expectNothingLeft(f)
            try await succeed(f, "prune")
        }
    }

    /// Whether the kernel gives out interfaces of its own through a device file like the machine's.
    private static var canTunnel: Bool {
        let file = open("/dev/net/tun", O_RDWR | O_CLOEXEC)
        if file >= 0 { close(file) }
        return file >= 0
    }

    /// A machine of its own that has an outside, in which a command is run.
    ///
    /// - Parameter command: For a shell; `"$@"` is the program that is tested.
    private func machine(_ command: String) -> [String] {
        let script = """
            mount -t tmpfs none /dev/net && mknod /dev/net/tun c 10 200 && chmod 666 /dev/net/tun
            ip link set lo up
            for n in 0 1; do ip link add up$n type veth peer name far$n; ip link set up$n up; ip link set far$n up; done
            ip addr add 192.0.2.2/24 dev up0 && ip route add default via 192.0.2.1 && ip addr add 10.99.0.1/24 dev up1
            busybox nc -ll -p 7777 -e echo outside >/dev/null & server=$!
            trap 'kill $server' EXIT
            \(command)
            """
        return ["unshare", "--mount", "--net", "sh", "-c", script, "sh"]
    }

    /// The input ends later: pasta of 2023 never ends a connection whose client has nothing to say from the start.
    private static let client = "sleep 2 | nc -w 2 10.99.0.1 7777"

    private func expectNoWayOutLeft(_ f: BuildFixture) async throws {
        try await expectNothingLeft(f)
        let pasta = try await Machine.run(["pgrep", "-f", "pasta .*\(f.scratch)"], in: f.scratch)
        #expect(pasta.outputText == "")
    }

    @Test(
        "have a way out through pasta, but for internal ones",
        .enabled(if: canTunnel, "/dev/net/tun is not usable"),
        .enabled("needs root, to make a machine with an outside") { Machine.isRoot && Machine.canMount },
        .enabled("needs pasta, unshare and iproute2") {
            Machine.has("pasta") && Machine.has("unshare") && Machine.has("ip")
        }
    )
    func outside() async throws {
        try await BuildFixture.with { f in
            user.makeHome(f)
            try await user.importBase(f)
            try await succeed(f, "network", "create", "--internal", "vault")
            for (network, status) in [("bridge", Int32(0)), ("vault", 1)] {
                let result = try await user.run(
                    f,
                    ["run", "--rm", "--network", network, "base", "sh", "-c", Self.client],
                    below: machine("\"$@\"")
                )
                #expect(result.status == status && !result.errors.contains("nothing outside"), "\(result)")
                #expect(result.outputText.contains("outside") == (status == 0), "\(result)")
            }
            try await expectNoWayOutLeft(f)
        }
    }

    @Test(
        "get a way out again once another container has started, where the process that kept theirs was killed",
        .enabled(if: canTunnel, "/dev/net/tun is not usable"),
        .enabled("needs root, to make a machine with an outside") { Machine.isRoot && Machine.canMount },
        .enabled("needs pasta, unshare and iproute2") {
            Machine.has("pasta") && Machine.has("unshare") && Machine.has("ip")
        }
    )
    func outsideAgain() async throws {
        try await BuildFixture.with { f in
            user.makeHome(f)
            try await user.importBase(f)
            let command = """
                "$@" run -d --name first base sleep 1000
                read -r holder rest <"$SWIFTBUILD_ROOT"/networks-v1/namespace
                kill -9 "$holder"
                sleep 2
                "$@" run --rm base sh -c "\(Self.client)"
                "$@" exec first sh -c "\(Self.client)"
                "$@" rm -f first
                """
            let result = try await user.run(f, [], below: machine(command))
            #expect(result.outputText.components(separatedBy: "outside").count == 3, "\(result)")
            try await expectNoWayOutLeft(f)
        }
    }
}
