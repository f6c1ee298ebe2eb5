import Foundation
import Glibc
import SystemPackage
import Testing

@Suite(
    "compose, around the life of a container,",
    .enabled("needs root, bridges and nf_tables") { try await Machine.canMakeNetworks }
)
struct ComposeLifeTests {
    private let sleeper = "sh -c 'trap exit TERM; while :; do sleep 0.1; done'"

    @Test("runs the commands of `post_start` and `pre_stop` in order, as the user and with what they say")
    func hooks() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            try f.write("out/empty")
            try f.write(
                "compose.yaml",
                """
                name: shop
                services:
                  web:
                    image: alpine
                    command: \(sleeper)
                    user: "1000"
                    volumes: ["./out:/out"]
                    healthcheck: {test: [CMD, test, -e, /out/started], interval: 50ms, start_period: 60s}
                    post_start:
                      - {command: 'sh -c "echo $$(id -u) $$(pwd) $$V >/out/started; chmod 666 /out/started"', user: root, \
                working_dir: /tmp, environment: {V: value}}
                      - {command: [sh, -c, "id -u >>/out/started; echo told"]}
                    pre_stop:
                      - {command: [sh, -c, "echo stopping; exit 3"], user: root}
                      - {command: [sh, -c, "date +%s >/out/stopped"], user: root}
                  after:
                    image: alpine
                    command: sh -c 'cat /out/started; exec sleep 1000'
                    stop_grace_period: 0s
                    volumes: ["./out:/out"]
                    depends_on: {web: {condition: service_healthy}}
                """
            )
            let up = try await f.succeed("compose", "up", "-d")
            #expect(up.errors.contains("\ntold\n") && up.outputText == "", "\(up)")
            try await waitUntil { try await f.succeed("compose", "logs", "after").lines.count == 2 }
            let logs = try await f.succeed("compose", "logs", "--no-log-prefix", "after").outputText
            #expect(logs == "0 /tmp value\n1000\n")
            // A failing command does not keep a container from being stopped.
            let stop = try await f.succeed("compose", "stop", "web")
            #expect(stop.errors.contains("stopping\n"), "\(stop)")
            let warning = "warning: `sh -c echo stopping; exit 3` of `pre_stop` in `shop-web-1` ended with exit code 3"
            #expect(stop.errors.contains(warning), "\(stop)")
            let stopped = f.context.appending("out/stopped")
            #expect(try !readFile(stopped).isEmpty)
            try f.remove("out/stopped")
            #expect(try await f.succeed("compose", "start", "web").errors.contains("told\n"))
            #expect(try await f.succeed("compose", "restart", "web").errors.contains("told\n"))
            #expect(try !readFile(stopped).isEmpty)
            try f.remove("out/stopped")
            // One that runs a command is none of the service's.
            let run = try await f.succeed("compose", "run", "--rm", "-T", "--no-deps", "web", "echo", "once")
            #expect(run.outputText == "once\n" && !run.errors.contains("told"), "\(run)")
            #expect(access(stopped.string, F_OK) != 0)
            try await f.succeed("compose", "down")
            #expect(try !readFile(stopped).isEmpty)
        }
    }

    @Test("fails where a command of `post_start` does, and ends one that does not end with Ctrl-C")
    func failingHooks() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            func write(_ command: String) throws {
                try f.write(
                    "compose.yaml",
                    """
                    name: shop
                    services:
                      web: {image: alpine, command: sleep 1000, stop_grace_period: 0s, post_start: [{command: \(command)}]}
                    """
                )
            }
            try write("[sh, -c, exit 7]")
            let failed = try await f.swiftbuild("compose", "up", "-d")
            #expect(failed.status == 1, "\(failed)")
            #expect(
                failed.errors.contains("`sh -c exit 7` of `post_start` in `shop-web-1` ended with exit code 7"),
                "\(failed)"
            )
            try write("[/missing]")
            let missing = try await f.swiftbuild("compose", "up", "-d")
            #expect(missing.status == 1 && missing.errors.contains("could not be started"), "\(missing)")
            try write("[sh, -c, 'echo waits; sleep 1000']")
            let waiting = try f.start(["compose", "up", "-d"])
            try await waitUntil { try waiting.written.contains("waits") }
            waiting.signal(SIGINT)
            #expect(try await waiting.wait().status == 130)
            let processes = try await f.succeed("exec", "shop-web-1", "ps", "-o", "args").outputText
            #expect(!processes.contains("echo waits"), "\(processes)")
            try await f.succeed("compose", "down")
        }
    }

    @Test("lets a service share the processes and the memory of another one, and follows it when that is replaced")
    func namespaces() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            func write(_ level: Int) throws {
                try f.write(
                    "compose.yaml",
                    """
                    name: shop
                    services:
                      web: {image: alpine, command: sleep 4321, stop_grace_period: 0s, environment: {LEVEL: "\(level)"}}
                      side:
                        image: alpine
                        command: sh -c 'exec sleep 1234'
                        stop_grace_period: 0s
                        pid: service:web
                        ipc: service:web
                    """
                )
            }
            try write(1)
            try await f.succeed("compose", "up", "-d")
            func ask(_ container: String, _ command: String) async throws -> String {
                try await f.succeed("exec", container, "sh", "-c", command).outputText
            }
            #expect(try await ask("shop-side-1", "ps -o args").contains("sleep 4321"))
            #expect(try await ask("shop-web-1", "ps -o args").contains("sleep 1234"))
            #expect(
                try await ask("shop-side-1", "readlink /proc/self/ns/pid; readlink /proc/self/ns/ipc")
                    == ask("shop-web-1", "readlink /proc/self/ns/pid; readlink /proc/self/ns/ipc")
            )
            _ = try await ask("shop-web-1", "echo shared >/dev/shm/file")
            #expect(try await ask("shop-side-1", "cat /dev/shm/file; rm /dev/shm/file") == "shared\n")
            #expect(try await ask("shop-web-1", "ls /dev/shm") == "")
            // Files and names are its own.
            #expect(try await ask("shop-web-1", "hostname") != ask("shop-side-1", "hostname"))
            let web = try await f.succeed("inspect", "-f", "{{.Id}}", "shop-web-1").line
            let format = "{{.HostConfig.PidMode}} {{.HostConfig.IpcMode}}"
            #expect(
                try await f.succeed("inspect", "-f", format, "shop-side-1").line == "container:\(web) container:\(web)"
            )
            try write(2)
            let up = try await f.succeed("compose", "up", "-d")
            #expect(up.errors.contains(" Container shop-side-1  Recreated\n"), "\(up)")
            #expect(try await ask("shop-side-1", "ps -o args").contains("sleep 4321"))
            // What it started ends with it, though its namespace stays.
            try await f.succeed("exec", "-d", "shop-side-1", "sleep", "777")
            try await f.succeed("compose", "stop", "side")
            let processes = try await ask("shop-web-1", "ps -o args")
            #expect(!processes.contains("777") && !processes.contains("1234"), "\(processes)")
            try await f.succeed("compose", "stop", "web")
            let alone = try await f.swiftbuild("start", "shop-side-1")
            #expect(alone.errors.contains("of the container `shop-web-1`, which is not running"), "\(alone)")
            try await f.succeed("compose", "down")
        }
    }

    @Test("mounts images, read-only, whole or a part of them")
    func images() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            try f.write("site/inner/page", "page")
            _ = try await f.build("FROM scratch\nCOPY site /site", "-t", "site")
            try f.write(
                "compose.yaml",
                """
                name: shop
                services:
                  web:
                    image: alpine
                    command: sh -c 'cat /whole/site/inner/page /part/page; touch /whole/x || echo refused'
                    volumes:
                      - {type: image, source: site, target: /whole}
                      - {type: image, source: site, target: /part, image: {subpath: site/inner}}
                """
            )
            let up = try await f.succeed("compose", "up", "--no-log-prefix")
            #expect(up.outputText.contains("pagepagerefused"), "\(up)")
            // The image stays as long as the container has it.
            try await f.succeed("rmi", "-f", "site", "image-under-test")
            try await f.succeed("prune", "-a")
            try await f.succeed("start", "shop-web-1")
            try await f.succeed("compose", "down")
            let run = try await f.succeed(
                "run",
                "--rm",
                "--mount",
                "type=image,source=alpine,target=/m,image-subpath=bin",
                "alpine",
                "ls",
                "/m/sh"
            )
            #expect(run.line == "/m/sh")
            let missing = try await f.swiftbuild("run", "--rm", "--mount", "type=image,target=/m", "alpine", "true")
            #expect(missing.status == 125 && missing.errors.contains("needs a source"), "\(missing)")
        }
    }

    @Test("waits after `start` until containers are healthy")
    func startAndWait() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            try f.write(
                "compose.yaml",
                """
                name: shop
                services:
                  web:
                    image: alpine
                    command: sh -c 'sleep 0.3; touch /ready; exec sleep 1000'
                    stop_grace_period: 0s
                    healthcheck: {test: [CMD, test, -e, /ready], interval: 50ms, start_period: 60s, start_interval: 50ms}
                  never:
                    image: alpine
                    command: sleep 1000
                    stop_grace_period: 0s
                    healthcheck: {test: [CMD, "false"], interval: 50ms, start_period: 600s, start_interval: 50ms}
                """
            )
            try await f.succeed("compose", "create")
            let start = try await f.succeed("compose", "start", "--wait", "web")
            #expect(start.errors.contains(" Container shop-web-1  Healthy\n"), "\(start)")
            #expect(try await f.succeed("inspect", "-f", "{{.State.Health.Status}}", "shop-web-1").line == "healthy")
            let late = try await f.swiftbuild("compose", "start", "--wait", "--wait-timeout", "1", "never")
            #expect(late.status == 1 && late.errors.contains("`shop-never-1` is starting"), "\(late)")
            #expect(try await f.swiftbuild("compose", "start", "--wait-timeout", "1").status == 2)
            try await f.succeed("compose", "down")
        }
    }
}
