import Foundation
import SystemPackage
import Testing

@Suite("compose up", .enabled("needs root, bridges and nf_tables") { try await Machine.canMakeNetworks })
struct ComposeUpTests {
    /// A program that says when it begins and ends, and ends when it is asked to.
    static let server = "sh -c 'trap \"echo stops; exit 143\" TERM; echo starts; while true; do sleep 0.1; done'"

    private func names(_ f: BuildFixture) async throws -> [String] {
        try await f.succeed("ps", "-a", "--format", "{{.Names}}").outputText.split(separator: "\n").map(String.init)
            .sorted()
    }

    private func id(_ f: BuildFixture, _ name: String) async throws -> String {
        try await f.succeed("inspect", "-f", "{{.Id}}", name).line
    }

    @Test("makes networks, volumes and containers in order, keeps what is right, and `down` removes everything")
    func life() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            try f.write(
                "compose.yaml",
                """
                name: shop
                services:
                  web:
                    image: alpine
                    command: sh -c 'nslookup db.shop_default >/dev/null 2>&1; ping -c 1 -W 5 db && cat /srv/file && exec sleep 60'
                    volumes: ["data:/srv"]
                    depends_on: {db: {condition: service_healthy}, init: {condition: service_completed_successfully}}
                    init: true
                  init:
                    image: alpine
                    command: sh -c 'echo made >/srv/file'
                    volumes: ["data:/srv"]
                  db:
                    image: alpine
                    command: \(ComposeUpTests.server)
                    healthcheck: {test: [CMD, "true"], interval: 100ms}
                volumes: {data: {}}
                """
            )
            let first = try await f.succeed("compose", "up", "-d")
            let lines = first.errors.split(separator: "\n").map(String.init)
            func position(_ line: String) throws -> Int { try #require(lines.firstIndex(of: line), "\(lines)") }
            #expect(try position(" Network shop_default  Created") < position(" Container shop-db-1  Created"))
            #expect(try position(" Container shop-db-1  Started") < position(" Container shop-web-1  Started"))
            #expect(try position(" Container shop-init-1  Started") < position(" Container shop-web-1  Started"))
            try await waitUntil {
                try await f.succeed("compose", "logs", "web").outputText.contains("web-1  | made\n")
            }
            let before = [try await id(f, "shop-web-1"), try await id(f, "shop-db-1")]
            let again = try await f.succeed("compose", "up", "-d")
            #expect(again.errors.contains(" Container shop-db-1  Running\n"), "\(again)")
            #expect([try await id(f, "shop-web-1"), try await id(f, "shop-db-1")] == before)
            let label = "{{index .Config.Labels \"com.docker.compose.depends_on\"}}"
            #expect(
                try await f.succeed("inspect", "-f", label, "shop-web-1").line
                    == "db:service_healthy:false,init:service_completed_successfully:false"
            )
            let down = try await f.succeed("compose", "down")
            #expect(down.errors.contains(" Network shop_default  Removed\n"))
            #expect(try await names(f) == [])
            #expect(try await f.succeed("volume", "ls", "-q").line == "shop_data")
            try await f.succeed("compose", "down", "-v")
            #expect(try await f.succeed("volume", "ls", "-q").line == "")
        }
    }

    @Test("tells why a container is replaced, and keeps its anonymous volumes")
    func explanation() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            func write(_ level: String) throws {
                try f.write(
                    "compose.yaml",
                    """
                    name: shop
                    services:
                      db:
                        image: alpine
                        environment: {LEVEL: "\(level)"}
                        command: sh -c 'cat /data/file; cat /proc/sys/kernel/random/uuid >>/data/file; exec sleep 600'
                        volumes: [/data]
                        stop_grace_period: 0s
                    """
                )
            }
            try write("1")
            try await f.succeed("compose", "up", "-d")
            try await waitUntil { try await f.swiftbuild("compose", "exec", "db", "cat", "/data/file").status == 0 }
            let kept = try await f.succeed("compose", "exec", "-T", "db", "cat", "/data/file").line
            #expect(
                try await f.succeed("compose", "explain").outputText == "db: shop-db-1 is kept: nothing has changed\n"
            )
            try write("2")
            let expected = """
                db: shop-db-1 is replaced: its configuration has changed
                    environment.LEVEL: `1` → `2`

                """
            #expect(try await f.succeed("compose", "explain").outputText == expected)
            let up = try await f.succeed("compose", "up", "-d", "--explain")
            #expect(up.errors.contains(expected), "\(up)")
            try await waitUntil { try await f.succeed("compose", "logs", "db").outputText.contains(kept) }
            #expect(try await names(f) == ["shop-db-1"])
            try await f.succeed("compose", "up", "-d", "-V")
            try await f.succeed("compose", "up", "-d", "--force-recreate", "-V")
            try await waitUntil { try await f.swiftbuild("compose", "exec", "db", "cat", "/data/file").status == 0 }
            #expect(try await !f.succeed("compose", "logs", "db").outputText.contains(kept))
            try await f.succeed("compose", "down", "-v")
        }
    }

    @Test("shows the output with names in front, and Ctrl-C stops the containers, those that need others first")
    func attached() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            try f.write(
                "compose.yaml",
                """
                name: shop
                services:
                  database: {image: alpine, command: \(ComposeUpTests.server)}
                  web: {image: alpine, command: \(ComposeUpTests.server), depends_on: [database]}
                """
            )
            let up = try f.start(["compose", "up"])
            try await waitUntil { try up.written.contains("web-1       | starts\n") }
            #expect(try up.written.contains("database-1  | starts\n"))
            up.signal(SIGINT)
            let ended = try await up.wait()
            #expect(ended.status == 130)
            #expect(ended.outputText.contains("web-1       | stops\n"), "\(ended)")
            let (web, database) = (
                ended.errors.range(of: " Container shop-web-1  Stopped"),
                ended.errors.range(of: " Container shop-database-1  Stopped")
            )
            #expect(try #require(web).lowerBound < #require(database).lowerBound)
            #expect(try await f.succeed("compose", "ps", "-q").line == "")
            try await f.succeed("compose", "down")
        }
    }

    @Test("ends with one container, and with its exit code")
    func exitCodes() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            try f.write(
                "compose.yaml",
                """
                name: shop
                services:
                  tests: {image: alpine, command: sh -c 'echo tested; exit 7', depends_on: [db]}
                  db: {image: alpine, command: \(ComposeUpTests.server)}
                """
            )
            let from = try await f.swiftbuild("compose", "up", "--exit-code-from", "tests")
            #expect(from.status == 7, "\(from)")
            #expect(from.outputText.contains("tests-1 exited with code 7\n"))
            #expect(try await f.swiftbuild("compose", "up", "--abort-on-container-exit").status == 7)
            #expect(try await f.swiftbuild("compose", "up", "--abort-on-container-failure").status == 7)
            #expect(try await f.succeed("compose", "ps", "-q").line == "")
            try await f.succeed("compose", "down")
        }
    }

    @Test("runs one command, with what it needs started before and its exit code handed on")
    func oneOff() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            try f.write(
                "compose.yaml",
                """
                name: shop
                services:
                  tests:
                    image: alpine
                    entrypoint: [sh, -c, 'ping -c 1 -W 5 db >/dev/null && echo "$$0 $$1 $$LEVEL"; exit 3']
                    environment: {LEVEL: "1"}
                    depends_on: [db]
                    ports: ["127.0.0.1::80"]
                  db: {image: alpine, command: \(ComposeUpTests.server)}
                """
            )
            let run = try await f.swiftbuild("compose", "run", "--rm", "-e", "LEVEL=2", "tests", "-k", "test_create")
            #expect(run.status == 3, "\(run)")
            #expect(run.outputText == "-k test_create 2\n")
            #expect(try await names(f) == ["shop-db-1"])
            let other = try await f.swiftbuild("compose", "run", "-T", "--entrypoint", "sh -c", "tests", "exit 5")
            #expect(other.status == 5)
            let kept = try await names(f)
            #expect(kept.count == 2 && kept.contains { $0.hasPrefix("shop-tests-run-") }, "\(kept)")
            #expect(try await f.succeed("compose", "ps", "-a", "--services").line == "db")
            #expect(try await f.swiftbuild("compose", "run", "tests", "no-such-program").status == 3)
            let missing = try await f.swiftbuild("compose", "run", "--entrypoint", "/missing", "tests")
            #expect(missing.status == 127, "\(missing)")
            try await f.succeed("compose", "down")
            #expect(try await names(f) == [])
        }
    }

    @Test("gives secrets and configs from files, variables and text, with owners and modes")
    func files() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            try f.write("token.txt", "from file")
            try f.write(
                "compose.yaml",
                """
                name: shop
                services:
                  app:
                    image: alpine
                    command: >-
                      sh -c 'cat /run/secrets/file /run/secrets/variable /etc/app.conf; stat -c "%a %u:%g" /etc/app.conf
                      /run/secrets/owned; echo x 2>/dev/null >/run/secrets/file || echo refused'
                    secrets: [file, variable, {source: file, target: owned, uid: "5", gid: "6", mode: 0400}]
                    configs: [{source: text, target: /etc/app.conf, mode: 0440}]
                secrets: {file: {file: token.txt}, variable: {environment: TOKEN}}
                configs: {text: {content: "level=$$LEVEL ${LEVEL}"}}
                """
            )
            let environment = ["TOKEN": "from variable,", "LEVEL": "3"]
            let run = try await f.swiftbuild(
                "compose",
                "run",
                "--rm",
                "app",
                environment: environment
            )
            #expect(
                run.outputText == "from filefrom variable,level=$LEVEL 3440 0:0\n400 5:6\nrefused\n",
                "\(run)"
            )
            #expect(try await names(f) == [])
            let missing = try await f.swiftbuild("compose", "run", "--rm", "app", environment: ["LEVEL": "3"])
            #expect(missing.status == 1)
            #expect(missing.errors.contains("the secret `variable`: the variable `TOKEN` is not set"), "\(missing)")
            try await f.succeed("compose", "down", environment: environment)
        }
    }

    @Test("scales services, and removes what the file no longer has only when asked to")
    func scaling() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            let web = "web: {image: alpine, command: \(ComposeUpTests.server), stop_grace_period: 2s}"
            try f.write(
                "compose.yaml",
                "name: shop\nservices:\n  \(web)\n  old: {image: alpine, command: \(ComposeUpTests.server)}\n"
            )
            try await f.succeed("compose", "up", "-d", "--scale", "web=3")
            #expect(try await names(f) == ["shop-old-1", "shop-web-1", "shop-web-2", "shop-web-3"])
            try await f.succeed("compose", "scale", "web=2")
            try f.write("compose.yaml", "name: shop\nservices:\n  \(web)\n")
            let up = try await f.succeed("compose", "up", "-d")
            #expect(
                up.errors.contains("warning: containers of services that are not in the Compose file: `shop-old-1`")
            )
            #expect(try await names(f) == ["shop-old-1", "shop-web-1"])
            try await f.succeed("compose", "up", "-d", "--remove-orphans")
            #expect(try await names(f) == ["shop-web-1"])
            // Without a file, the name is enough.
            try f.remove("compose.yaml")
            try await f.succeed("compose", "-p", "shop", "stop")
            #expect(try await f.succeed("compose", "-p", "shop", "ps", "-a").outputText.contains("Exited (143)"))
            try await f.succeed("compose", "-p", "shop", "down")
            #expect(try await names(f) == [])
        }
    }

    /// Many more rounds: SWIFTBUILD_ROUNDS=500.
    @Test("never starts a service before what it waits for is healthy or has ended well")
    func order() async throws {
        let count = ProcessInfo.processInfo.environment["SWIFTBUILD_ROUNDS"].flatMap { Int($0) } ?? 6
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            try f.write(
                "compose.yaml",
                """
                name: shop
                services:
                  db:
                    image: alpine
                    command: sh -c 'rm -f /srv/db; sleep 0.$$DELAY; touch /srv/db; exec sleep 600'
                    environment: [DELAY]
                    init: true
                    volumes: ["data:/srv"]
                    healthcheck: {test: [CMD, test, -e, /srv/db], interval: 20ms, retries: 1000}
                  init:
                    image: alpine
                    command: sh -c 'rm -f /srv/init; sleep 0.$$DELAY; touch /srv/init'
                    environment: [DELAY]
                    volumes: ["data:/srv"]
                  web:
                    image: alpine
                    command: sh -c 'test -e /srv/db && test -e /srv/init'
                    volumes: ["data:/srv"]
                    depends_on: {db: {condition: service_healthy}, init: {condition: service_completed_successfully}}
                volumes: {data: {}}
                """
            )
            for round in 0..<count {
                let environment = ["DELAY": "\(round * 7 % 30)"]
                let up = try await f.start(
                    ["compose", "up", "--exit-code-from", "web", "--attach", "web", "-t", "0"],
                    environment: environment
                ).wait(limit: .seconds(60))
                #expect(up.status == 0, "round \(round): \(up)")
            }
            try await f.succeed("compose", "down", "-v", "-t", "0", environment: ["DELAY": "0"])
            #expect(try await names(f) == [])
        }
    }
}
