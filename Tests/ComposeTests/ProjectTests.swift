import Compose
import Foundation
import Reporting
import SystemPackage
import Testing

@Suite("A project")
struct ProjectTests {
    private func project(_ text: String) throws -> Project {
        let directory = try ProjectDirectory(["compose.yaml": text])
        return try Project(ResolvedProject(directory.options))
    }

    @Test("has its services in the order in which they start")
    func order() throws {
        let project = try project(
            """
            services:
              a: {image: x, depends_on: [c, b]}
              b: {image: x}
              c: {image: x, links: [d]}
              d: {image: x}
              e: {image: x, network_mode: "service:a"}
            """
        )
        #expect(project.services.map(\.name) == ["b", "d", "c", "a", "e"])
        #expect(project[service: "c"]?.dependencies.map(\.service) == ["d"])
        #expect(project[service: "e"]?.networking.mode == .service("a"))
    }

    @Test("has values of types of their own")
    func values() throws {
        let project = try project(
            """
            name: typed
            services:
              web:
                build: {dockerfile_inline: FROM scratch}
                ports: ["127.0.0.1:8080:80/udp", "9000-9005:90"]
                restart: on-failure:3
                pull_policy: every_12h
                deploy: {replicas: 2, resources: {limits: {cpus: "0.5", memory: 1g}}}
                depends_on: {db: {condition: service_healthy, restart: true}}
                volumes: [data:/d:nocopy, "./src:/src:ro", {type: tmpfs, target: /t, tmpfs: {mode: 0755}}]
                healthcheck: {test: [CMD, check, "-q"], interval: 5s}
                ulimits: {nofile: 5, nproc: {soft: 1, hard: 2}}
                secrets: [{source: s, target: other, mode: 0400}]
                networks: {back: {priority: 5, aliases: [w]}, default: }
              db: {image: db, healthcheck: {disable: true}, restart: unless-stopped}
            networks: {back: {internal: true}}
            volumes: {data: {external: true, name: store}}
            secrets: {s: {environment: S}}
            """
        )
        let web = try #require(project[service: "web"])
        #expect(web.build?.dockerfile == .inline("FROM scratch"))
        #expect(web.networking.ports.map(\.target) == [80, 90])
        #expect(web.networking.ports.map(\.published) == ["8080", "9000-9005"])
        #expect(web.networking.ports.map(\.transport) == [.udp, .tcp])
        #expect(web.restart == .onFailure(atMost: 3))
        #expect(web.pullPolicy == .every(43_200_000_000_000))
        #expect(web.replicas == 2)
        #expect(web.resources.cpus == 0.5)
        #expect(web.resources.memory == 1 << 30)
        #expect(web.dependencies.first?.condition == .healthy)
        #expect(web.dependencies.first?.restarts == true)
        #expect(web.mounts.map(\.target) == ["/d", "/src", "/t"])
        #expect(web.mounts[0].source == .volume("data", isCopied: false, subpath: nil))
        #expect(web.mounts[1].isReadOnly)
        #expect(web.mounts[2].source == .memory(size: nil, mode: 0o755))
        #expect(web.healthCheck?.test == .program(["check", "-q"]))
        #expect(web.healthCheck?.interval == 5_000_000_000)
        #expect(web.resources.limits["nofile"]?.hard == 5)
        #expect(web.resources.limits["nproc"]?.soft == 1)
        #expect(web.secrets.first?.target == "/run/secrets/other")
        #expect(web.secrets.first?.mode == 0o400)
        guard case .networks(let attachments) = web.networking.mode else {
            Issue.record("\(web.networking.mode)")
            return
        }
        #expect(attachments.map(\.network) == ["back", "default"])
        #expect(project[service: "db"]?.healthCheck?.test == HealthCheck.Test.none)
        #expect(project[service: "db"]?.restart == .unlessStopped)
        #expect(project.networks["back"]?.name == "typed_back")
        #expect(project.networks["back"]?.isInternal == true)
        #expect(project.volumes["data"]?.name == "store")
        #expect(project.secrets["s"] == .variable("S"))
    }

    @Test("has commands around the life of its containers, and shares namespaces after what it shares them with")
    func hooks() throws {
        let project = try project(
            """
            services:
              web:
                image: x
                pid: service:db
                ipc: "container:other"
                post_start:
                  - command: echo "one two"
                    user: "1000"
                    working_dir: /w
                    privileged: true
                    environment: [B=2, A=1]
                  - command: [echo, three]
                pre_stop: [{command: [sync]}]
                develop: {watch: [{path: ., action: sync+exec, target: /t, exec: {command: reload}}]}
              db: {image: x}
            """
        )
        #expect(project.services.map(\.name) == ["db", "web"])
        let web = try #require(project[service: "web"])
        #expect(web.sharedServices == ["db"])
        #expect(web.postStart.map(\.command) == [["echo", "one two"], ["echo", "three"]])
        let first = try #require(web.postStart.first)
        #expect(first.user == "1000" && first.workingDirectory == "/w" && first.isPrivileged)
        #expect(first.environment == ["A=1", "B=2"])
        #expect(web.preStop == [ServiceHook(command: ["sync"])])
        #expect(web.watch.first?.hook?.command == ["reload"])
    }

    @Test(
        "has rules for pulling",
        arguments: [
            ("always", .always), ("if_not_present", .missing), ("missing", .missing), ("never", .never),
            ("build", .build), ("daily", .every(86_400_000_000_000)), ("weekly", .every(604_800_000_000_000)),
            ("every_1h30m", .every(5_400_000_000_000)), ("every_90s", .every(90_000_000_000)),
            ("every_2d", .every(172_800_000_000_000)), ("every_", nil), ("every_0s", nil), ("every_-1h", nil),
            ("every_x", nil), ("monthly", nil), ("every_99999999999w", nil),
        ] as [(String, ServicePullPolicy?)]
    )
    func pullPolicies(text: String, expected: ServicePullPolicy?) throws {
        let source = "services: {a: {image: x, pull_policy: \(text)}}"
        guard let expected else {
            #expect(throws: DiagnosticsError.self) { try project(source) }
            return
        }
        #expect(try project(source).services.first?.pullPolicy == expected)
    }

    @Test("points at the value that a message is about, which is found wrong later")
    func source() throws {
        let text = """
            services:
              web:
                image: x
                cap_add: [NET_ADMIN, NO_SUCH]
                ports:
                  - "80:80"
                  - {published: "8080", target: 80}
                mem_limit: 1m
                sysctls: {net.core.somaxconn: 1, kernel.x: 2}
            """
        let source = try #require(try project(text).services.first).source
        func place(_ message: String, _ keys: String...) -> String? {
            guard let error = source.error(message, at: keys), let range = error.diagnostics.first?.range else {
                return nil
            }
            return "\(error.source.line(at: range.start)):\(error.source.column(at: range.start))"
        }
        #expect(place("unknown capability `NO_SUCH`", "cap_add") == "4:26")
        #expect(place("port 8080/tcp is already in use", "ports") == "7:9")
        #expect(place("port 80/tcp is already in use", "ports") == "6:9")
        #expect(place("the least is 6m", "mem_limit", "deploy.resources.limits.memory") == "8:16")
        #expect(place("`kernel.x` is the machine's", "sysctls") == "9:38")
        #expect(place("unknown capability `OTHER`", "cap_add") == nil)
        #expect(place("anything", "volumes") == nil)
    }

    @Test("has a hash that only what concerns a container changes")
    func hashes() throws {
        func hash(_ text: String) throws -> String? {
            try project("services: {a: {image: x, \(text)}}").services.first?.configuration.hash
        }
        let plain = try hash("")
        #expect(plain?.count == 64)
        #expect(try hash("build: .") == plain)
        #expect(try hash("scale: 3") == plain)
        #expect(try hash("profiles: []") == plain)
        #expect(try hash("user: u") != plain)
        #expect(try hash("environment: {A: b}") != plain)
    }

    @Test("has services that are not asked for, but built for others")
    func builders() throws {
        let directory = try ProjectDirectory([
            "compose.yaml": """
            services:
              a: {build: {context: ., additional_contexts: {x: "service:b", y: ./y}}}
              b: {build: {context: ., additional_contexts: {x: "service:c"}, secrets: [s]}}
              c: {profiles: [p], build: {context: ., ulimits: {nofile: 5}}}
              d: {image: made, build: .}
              e: {image: made}
            secrets: {s: {environment: S}}
            """
        ])
        var options = directory.options
        options.services = ["a"]
        let project = try Project(ResolvedProject(options))
        #expect(project.services.map(\.name) == ["a"])
        #expect(Set(project.builders.map(\.name)) == ["b", "c"])
        #expect(project.secrets["s"] == .variable("S"))
        #expect(project.builders.first { $0.name == "c" }?.build?.limits["nofile"]?.hard == 5)
        options.services = ["e"]
        #expect(try Project(ResolvedProject(options)).builders.map(\.name) == ["d"])
        let all = try Project(ResolvedProject(directory.options))
        #expect(all.services.map(\.name) == ["a", "b", "d", "e"])
        #expect(all.builders.map(\.name) == ["c"])
    }

    @Test("finds its files, name and profiles in variables")
    func variables() throws {
        let directory = try ProjectDirectory([
            "a.yaml": "services: {a: {image: x}}", "b.yaml": "services: {b: {image: x, profiles: [p]}}",
            ".env":
                "COMPOSE_FILE=a.yaml;b.yaml\nCOMPOSE_PATH_SEPARATOR=;\nCOMPOSE_PROFILES=q, p\nCOMPOSE_PROJECT_NAME=named",
        ])
        let resolved = try ResolvedProject(directory.options)
        #expect(resolved.names(in: "services") == ["a", "b"])
        #expect(resolved.name.text == "named")
        #expect(resolved.profiles == ["p"])
        #expect(resolved.images == ["x", "x"])
    }

    @Test("of standard input has its paths in the directory of the project")
    func standardInput() throws {
        let directory = try ProjectDirectory(["sub/base.yaml": "services: {b: {image: x}}"])
        let text = try directory.document { options in
            options.files = ["-"]
            options.directory = "sub"
            options.standardInput = {
                Array("services: {a: {extends: {file: base.yaml, service: b}, volumes: ['./d:/d']}}".utf8)
            }
        }
        #expect(text.contains("source: /project/sub/d"), "\(text)")
        #expect(text.hasPrefix("name: sub\n"))
    }

    @Test("is found in a directory above")
    func above() throws {
        let directory = try ProjectDirectory([
            "compose.yml": "services: {a: {build: .}}", "compose.yaml": "services: {b: {build: .}}", "sub/deep/x": "",
        ])
        var options = directory.options
        options.workingDirectory = FilePath(directory.path.path).appending("sub").appending("deep")
        let resolved = try ResolvedProject(options)
        #expect(resolved.names(in: "services") == ["b"])
        #expect(resolved.name.text == "project")
        #expect(resolved.notes == ["taking `compose.yaml` and not `compose.yml`"])
        #expect(try Project(resolved).services.first?.build?.context == directory.path.path)
    }

    @Test("warns of what is ignored and of variables that are not set, once each")
    func warnings() throws {
        let directory = try ProjectDirectory([
            "compose.yaml": "services: {a: {image: \"x$GONE$GONE\", isolation: x}, b: {image: x$GONE}}"
        ])
        let messages = try ResolvedProject(directory.options).warnings.flatMap { $0.diagnostics.map(\.message) }
        #expect(
            messages == [
                "the variable `GONE` is not set: an empty string takes its place",
                "`services.a.isolation` is ignored: only Windows has a choice",
            ]
        )
    }
}
