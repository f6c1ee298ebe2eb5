import Foundation
import SystemPackage
import Testing

@Suite(
    "compose, when something goes wrong,",
    .enabled("needs root, bridges and nf_tables") {
        try await Machine.canMakeNetworks
    }
)
struct ComposeFaultTests {
    private func names(_ f: BuildFixture) async throws -> [String] {
        try await f.succeed("ps", "-a", "--format", "{{.Names}} {{.State}}").lines.sorted()
    }

    private func fail(_ f: BuildFixture, _ arguments: String..., status: Int32 = 1) async throws -> String {
        let result = try await f.start(["compose"] + arguments).wait()
        #expect(result.status == status, "\(result)")
        return result.errors
    }

    @Test("starts nothing that waits for what is unhealthy, and shows the last output of the check")
    func unhealthy() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            try f.write(
                "compose.yaml",
                """
                name: shop
                services:
                  db:
                    image: alpine
                    command: \(ComposeUpTests.server)
                    healthcheck: {test: "echo no table; exit 4", interval: 50ms, retries: 2}
                  web: {image: alpine, command: sleep 60, depends_on: {db: {condition: service_healthy}}}
                  hopeful:
                    image: alpine
                    command: sleep 60
                    init: true
                    depends_on: {db: {condition: service_healthy, required: false}}
                """
            )
            let errors = try await fail(f, "up", "-d", "web")
            #expect(errors.contains("error: the container `shop-db-1` is unhealthy"), "\(errors)")
            #expect(errors.contains("hint: its health check ended with exit code 4: no table"), "\(errors)")
            #expect(try await names(f) == ["shop-db-1 running", "shop-web-1 created"])
            let hopeful = try await f.succeed("compose", "up", "-d", "hopeful")
            #expect(hopeful.errors.contains("`hopeful` is started without it"))
            let wait = try await fail(f, "up", "-d", "--wait", "db")
            #expect(wait.contains("exit code 4: no table"), "\(wait)")
            try await f.succeed("compose", "down")
            #expect(try await names(f) == [])
        }
    }

    @Test("tells that a wait was too short, and what each check said")
    func timeout() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            try f.write(
                "compose.yaml",
                """
                name: shop
                services:
                  db:
                    image: alpine
                    command: \(ComposeUpTests.server)
                    healthcheck: {test: "echo not yet; exit 1", interval: 50ms, retries: 1000}
                """
            )
            let errors = try await fail(f, "up", "-d", "--wait", "--wait-timeout", "1")
            #expect(errors.contains("error: not all containers are healthy after 1 s"), "\(errors)")
            #expect(
                errors.contains("`shop-db-1` is starting: its last check ended with exit code 1: not yet"),
                "\(errors)"
            )
            try await f.succeed("compose", "down")
        }
    }

    @Test("tells which service failed that another one waits for")
    func failedDependency() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            try f.write(
                "compose.yaml",
                """
                name: shop
                services:
                  init: {image: alpine, command: sh -c 'exit 6'}
                  web: {image: alpine, command: sleep 60, depends_on: {init: {condition: service_completed_successfully}}}
                  short: {image: alpine, command: "true", healthcheck: {test: "true", interval: 10s}}
                  late: {image: alpine, command: sleep 60, depends_on: {short: {condition: service_healthy}}}
                """
            )
            let errors = try await fail(f, "up", "-d", "web")
            #expect(errors.contains("the service `init` did not complete successfully: exit code 6"), "\(errors)")
            let ended = try await fail(f, "up", "-d", "late")
            #expect(ended.contains("the container `shop-short-1` has ended with exit code 0"), "\(ended)")
            try await f.succeed("compose", "down")
        }
    }

    @Test("names who has a port, and what a service could not be made of")
    func takenPort() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            let port = try RegistryServer.freePort()
            func write(_ more: String) throws {
                try f.write(
                    "compose.yaml",
                    """
                    name: shop
                    services:
                      one: {image: alpine, command: \(ComposeUpTests.server), ports: ["127.0.0.1:\(port):80"]}
                      two: {image: alpine, command: \(ComposeUpTests.server), \(more)}
                    """
                )
            }
            try write("ports: [\"127.0.0.1:\(port):80\"]")
            let errors = try await fail(f, "up", "-d")
            #expect(errors.contains("cannot start the container `shop-") && errors.contains("\(port)"), "\(errors)")
            // It is known who has it once that one has said so, which is not before it runs.
            try await f.succeed("compose", "down")
            try await f.succeed("compose", "up", "-d", "one")
            let named = try await fail(f, "up", "-d", "two")
            #expect(named.contains("is already in use by container `shop-one-1`"), "\(named)")
            #expect(named.contains("compose.yaml:4:") && named.contains("^"), "\(named)")
            for (more, expected) in [
                ("cap_add: [NO_SUCH]", "service `two`: unknown capability `NO_SUCH`"),
                ("entrypoint: /missing", "cannot start the container `shop-two-1`"),
                (
                    "networks: [outer]}\nnetworks: {outer: {external: true}",
                    "the external network `outer` does not exist"
                ),
                ("container_name: two, scale: 2", "service `two` has one `container_name` for 2 containers"),
            ] {
                try write(more)
                let errors = try await fail(f, "up", "-d")
                #expect(errors.contains(expected), "\(errors)")
            }
            try write("stop_grace_period: 1s")
            try await f.succeed("compose", "down")
            #expect(try await names(f) == [])
            #expect(try await f.succeed("network", "ls", "-q", "--filter", "name=shop").line == "")
        }
    }

    @Test(
        "points at the value that a container could not be made with",
        arguments: [
            ("cap_drop: [CHOWN, NO_SUCH]", "3:59: error: service `web`: unknown capability `NO_SUCH`"),
            ("mem_limit: 1m", "3:52: error: service `web`: the least is 6m"),
            ("deploy: {resources: {limits: {memory: 1m}}}", "3:79: error: service `web`: the least is 6m"),
            ("user: nobody-known", "3:47: error: service `web`: unable to find user or group `nobody-known`"),
            ("stop_signal: NONE", "3:54: error: service `web`: unknown signal `NONE`"),
            ("devices: [/dev/null:x]", "3:51: error: service `web`: invalid value `/dev/null:/dev/null:x`: expected"),
            ("dns: [1.1.1.1, here]", "3:56: error: service `web`: `here` is not an IP address"),
            ("security_opt: [label=x]", "3:56: error: service `web`: unknown `label=x`"),
            ("sysctls: {vm.overcommit_memory: 1}", "3:51: error: service `web`: `vm.overcommit_memory"),
            ("userns_mode: other", "3:54: error: service `web`: `other` is not supported"),
            ("pid: strange", "3:46: error: service `web`: `strange` is not supported"),
            (
                "volumes: [{type: bind, source: ./none, target: /t, bind: {create_host_path: false}}]",
                "3:51: error: service `web`: the source"
            ),
            ("container_name: -x", "3:57: error: service `web`: invalid container name `-x`"),
            ("network_mode: container:none", "3:55: error: service `web`: there is no container `none`"),
        ]
    )
    func places(more: String, expected: String) async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            try f.write("compose.yaml", "name: shop\nservices:\n  web: {image: alpine, command: 'true', \(more)}\n")
            // `run` gives its container another name.
            for command in [["up", "-d"], more.hasPrefix("container_name") ? ["create"] : ["run", "--rm", "web"]] {
                let result = try await f.start(["compose"] + command).wait()
                #expect(result.status == 1 && result.errors.contains("compose.yaml:\(expected)"), "\(result)")
                #expect(result.errors.contains("  | ") && result.errors.contains("^"), "\(result)")
            }
            try await f.succeed("compose", "down")
        }
    }

    @Test("lets two commands on one project wait for each other")
    func twoAtOnce() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            try f.write(
                "compose.yaml",
                "name: shop\nservices: {a: {image: alpine, command: \(ComposeUpTests.server), scale: 3}}\n"
            )
            let commands = try (0..<4).map { _ in try f.start(["compose", "up", "-d"]) }
            for command in commands { #expect(try await command.wait().status == 0) }
            #expect(try await names(f) == (1...3).map { "shop-a-\($0) running" })
            let mixed = try (0..<4).map { try f.start(["compose"] + ($0 % 2 == 0 ? ["up", "-d"] : ["down"])) }
            for command in mixed { #expect(try await command.wait().status == 0) }
            try await f.succeed("compose", "down")
            #expect(try await names(f) == [])
        }
    }

    @Test("finishes what a command that was killed has begun, whenever that was")
    func killed() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            func write(_ level: Int) throws {
                try f.write(
                    "compose.yaml",
                    """
                    name: shop
                    services:
                      a: {image: alpine, command: sleep 600, environment: {L: "\(level)"}, init: true, volumes: [/data]}
                      b: {image: alpine, command: sleep 600, environment: {L: "\(level)"}, init: true, depends_on: [a]}
                    """
                )
            }
            for round in 0..<8 {
                try write(round)
                let up = try f.start(["compose", "up", "-d"])
                try await Task.sleep(for: .milliseconds(40 * (round + 1)))
                up.signal(SIGKILL)
                _ = try await up.wait()
                try await f.succeed("compose", "up", "-d")
                #expect(try await names(f) == ["shop-a-1 running", "shop-b-1 running"], "round \(round)")
                let level = try await f.succeed("compose", "exec", "-T", "b", "sh", "-c", "echo $L").line
                #expect(level == "\(round)")
            }
            try await f.succeed("compose", "down", "-v")
            #expect(try await names(f) == [])
            #expect(try await f.succeed("volume", "ls", "-q").line == "")
            // What the last one had begun to write is too young for other commands.
            try await f.succeed("prune")
        }
    }

    @Test("takes a second Ctrl-C for a wish to kill")
    func twiceInterrupted() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            try f.write(
                "compose.yaml",
                """
                name: shop
                services:
                  deaf: {image: alpine, command: sh -c 'trap "" TERM; echo up; sleep 600', stop_grace_period: 300s}
                """
            )
            let up = try f.start(["compose", "up"])
            try await waitUntil { try up.written.contains("| up\n") }
            up.signal(SIGINT)
            try await up.waitForErrors(containing: "another Ctrl-C kills them")
            up.signal(SIGINT)
            #expect(try await up.wait(limit: .seconds(60)).status == 130)
            #expect(try await names(f) == ["shop-deaf-1 exited"])
            try await f.succeed("compose", "down")
        }
    }

    @Test("leaves alone what others have made under the names of the project")
    func strangers() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            try f.write(
                "compose.yaml",
                "name: shop\nservices: {a: {image: alpine, command: sleep 60, init: true, volumes: [\"d:/d\"]}}\nvolumes: {d: {}}\n"
            )
            try await f.succeed("volume", "create", "shop_d")
            try await f.succeed("create", "--name", "shop-a-1", "alpine", "true")
            let errors = try await fail(f, "up", "-d")
            #expect(errors.contains("the name `shop-a-1` is in use by the container"), "\(errors)")
            #expect(errors.contains("the volume `shop_d` was not made by the project `shop`"), "\(errors)")
            try await f.succeed("compose", "down", "-v")
            #expect(try await names(f) == ["shop-a-1 created"])
            #expect(try await f.succeed("volume", "ls", "-q").line == "shop_d")
        }
    }
}
