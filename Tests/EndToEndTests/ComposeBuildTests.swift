import Foundation
import SystemPackage
import Testing

@Suite("compose build", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
struct ComposeBuildTests {
    private func label(_ f: BuildFixture, _ image: String, _ name: String) async throws -> String {
        try await f.succeed("inspect", "-f", "{{index .Config.Labels \"\(name)\"}}", image).line
    }

    @Test("gives builds everything that `build` says")
    func everything() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            try f.write(
                "compose.yaml",
                """
                name: shop
                services:
                  web:
                    image: "web:1"
                    build:
                      context: app
                      dockerfile: deploy/Dockerfile
                      target: tested
                      args: {A: from file, B: file, FROM_ENV: }
                      secrets: [variable, file, {source: inline, target: renamed}]
                      additional_contexts: {more: ./more}
                      tags: ["web:extra"]
                      labels: {own: value}
                      shm_size: 32m
                      ulimits: {nofile: {soft: 77, hard: 78}}
                      extra_hosts: ["there:10.0.0.9"]
                      network: none
                      provenance: false
                secrets:
                  variable: {environment: TOKEN}
                  file: {file: ./secret.txt}
                  inline: {environment: PLAIN}
                """
            )
            try f.write(".env", "TOKEN=one,two\nPLAIN=three\nFROM_ENV=dotenv\n")
            try f.write("secret.txt", "four")
            try f.write("more/file", "more")
            try f.write(
                "app/deploy/Dockerfile",
                """
                FROM alpine AS tested
                ARG A
                ARG B
                ARG FROM_ENV
                COPY --from=more file /more
                RUN --mount=type=secret,id=variable --mount=type=secret,id=file --mount=type=secret,id=renamed <<EOF
                set -e
                for name in variable file renamed; do wc -c </run/secrets/$name; done
                test "$(cat /run/secrets/variable /run/secrets/renamed)" = "one,twothree"
                echo "$A, $B, $FROM_ENV, $(cat /more), $(ulimit -Sn) $(ulimit -Hn)" >/out
                grep there /etc/hosts >>/out
                df -k /dev/shm | awk 'END {print $2}' >>/out
                ls /sys/class/net >>/out
                EOF
                FROM alpine
                RUN false
                """
            )
            let result = try await f.succeed("compose", "build", "--build-arg", "B=line")
            #expect(result.errors.contains("[web] Step 1/6 : FROM alpine AS tested"), "\(result)")
            #expect(result.errors.contains("[web] Successfully tagged web:extra"), "\(result)")
            let out = try await f.succeed("run", "--rm", "web:extra", "cat", "/out").outputText
            #expect(out == "from file, line, dotenv, more, 77 78\n10.0.0.9\tthere\n32768\nlo\n")
            #expect(try await label(f, "web:1", "own") == "value")
            #expect(try await label(f, "web:1", "com.docker.compose.project") == "shop")
            #expect(try await label(f, "web:1", "com.docker.compose.service") == "web")
            #expect(try await f.succeed("compose", "build", "-q").errors == "")
        }
    }

    @Test("builds services at once, after those that they are built from, and tells each line's service")
    func order() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            try f.write("file", "text")
            try f.write(
                "compose.yaml",
                #"""
                name: p
                services:
                  app:
                    build:
                      dockerfile_inline: "FROM base\nCOPY --from=base /file /again"
                      additional_contexts: {base: "service:base"}
                  base: {profiles: [none], build: {dockerfile_inline: "FROM scratch\nCOPY file /file"}}
                  other: {build: {dockerfile_inline: "FROM alpine AS a\nRUN echo $((6 * 7))\nFROM a\nRUN echo end"}}
                  plain: {image: alpine}
                """#
            )
            // No registry knows the images of services, so they are not looked for there.
            let app = try await f.succeed("compose", "build", "--pull", "app")
            let lines = app.errors.split(separator: "\n").map(String.init)
            let base = try #require(lines.firstIndex { $0.hasPrefix("[base] Successfully tagged p-base:latest") })
            let first = try #require(lines.firstIndex { $0.hasPrefix("[app] Step 1/2 : FROM base") })
            #expect(base < first && lines.allSatisfy { $0.hasPrefix("[") }, "\(app)")
            let all = try await f.succeed("compose", "--progress", "json", "build")
            let events = try all.errors.split(separator: "\n").map {
                try JSONDecoder().decode(JSON.self, from: Data($0.utf8))
            }
            #expect(Set(events.map { $0["build"].text }) == ["app", "base", "other"])
            #expect(events.contains { $0["build"].text == "other" && $0["data"].text == "42\n" }, "\(all)")
            let other = try await f.succeed("compose", "build", "--no-cache", "other").errors
            #expect(other.contains("[other a] 42\n") && other.contains("[other 1] end\n"), "\(other)")
        }
    }

    @Test("ends with 4 where a step is not cached and should be, with 1 where one fails, and says whose it is")
    func failures() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            try f.write("a/Dockerfile", "FROM alpine\nRUN true")
            try f.write("b/Dockerfile", "FROM alpine\nARG V\nRUN echo $V")
            try f.write("compose.yaml", "services: {a: {build: a}, b: {build: b}}")
            let missing = try await f.swiftbuild("compose", "build", "--expect-cached", "a")
            #expect(missing.status == 4 && missing.errors.contains("note: in the service `a`"), "\(missing)")
            try await f.succeed("compose", "build")
            try await f.succeed("compose", "build", "--expect-cached")
            let changed = try await f.swiftbuild("compose", "build", "--expect-cached", "--build-arg", "V=1")
            #expect(changed.status == 4 && changed.errors.contains("now `ARG V=1`"), "\(changed)")
            try f.write("b/Dockerfile", "FROM alpine\nRUN exit 3")
            let failed = try await f.swiftbuild("compose", "build")
            #expect(failed.status == 1, "\(failed)")
            #expect(failed.errors.contains("b/Dockerfile:2:1: error: `/bin/sh -c exit 3` failed"), "\(failed)")
            #expect(failed.errors.hasSuffix("note: in the service `b`\n"), "\(failed)")
            try f.write("compose.yaml", "services: {a: {build: {context: a, sbom: true}}}")
            let refused = try await f.swiftbuild("compose", "build")
            #expect(refused.status == 1 && refused.errors.contains("`build.sbom`"), "\(refused)")
        }
    }

    @Test("checks the Dockerfiles of services, or prints what bake would build, and builds nothing")
    func checkAndPrint() async throws {
        try await BuildFixture.with { f in
            try f.write("Dockerfile", "FROM base AS Up\nFROM scratch\nCOPY a /a\n")
            try f.write(
                "compose.yaml",
                """
                name: shop
                services:
                  web:
                    build:
                      context: .
                      args: {A: "1", B: "$${X}"}
                      target: ""
                      tags: [other:1]
                      additional_contexts: {base: "service:lib.a"}
                      secrets: [{source: s, target: id, mode: 0400}, v]
                      extra_hosts: ["h=1.2.3.4"]
                      ulimits: {nofile: 5}
                  lib.a: {image: "lib:1", build: {dockerfile_inline: "FROM scratch\\nARG B=1\\nLABEL a=$${B}", platforms: [linux/amd64, linux/arm64]}}
                  none: {image: x}
                secrets: {s: {file: ./Dockerfile}, v: {environment: V}}
                """
            )
            let checked = try await f.swiftbuild("compose", "build", "--check")
            #expect(checked.outputText.contains("StageNameCasing"), "\(checked)")
            #expect(checked.errors.contains("service `lib.a`: no problems found"), "\(checked)")
            #expect(checked.errors.contains("`RUN --mount=type=secret` decides about owner and mode"), "\(checked)")
            #expect(checked.status == 0, "\(checked)")
            try f.write("Dockerfile", "FROM base\nCOPY\n")
            #expect(try await f.swiftbuild("compose", "build", "--check", "web").status == 1)
            let printed = try await f.start(["compose", "build", "--print", "--push", "--build-arg", "A=2", "web"])
                .wait()
                .requireSuccess()
            let bake = try JSONDecoder().decode(JSON.self, from: Data(printed.output))
            #expect(bake["group"]["default"]["targets"].strings == ["web"])
            let web = bake["target"]["web"]
            #expect(web["context"].text == f.context.string)
            #expect(web["contexts"]["base"].text == "target:lib_a")
            #expect(web["dockerfile"].text == f.context.appending("Dockerfile").string)
            #expect(web["args"]["A"].text == "2" && web["args"]["B"].text == "$${X}")
            #expect(web["tags"].strings == ["other:1", "shop-web"] && web["output"].strings == ["type=docker"])
            #expect(
                web["secret"].strings == [
                    "id=id,type=file,src=\(f.context.appending("Dockerfile"))", "id=v,type=env,env=V",
                ]
            )
            #expect(web["extra-hosts"]["h"].text == "1.2.3.4" && web["ulimits"].strings == ["nofile=5:5"])
            #expect(web["labels"]["com.docker.compose.service"].text == "web")
            #expect(web["target"] == .null && web["pull"] == .null)
            let library = bake["target"]["lib_a"]
            #expect(library["dockerfile-inline"].text == "FROM scratch\nARG B=1\nLABEL a=$${B}")
            #expect(library["output"].strings == ["type=image,push=true"])
            #expect(try await f.succeed("images", "-q").outputText == "")
            for option in ["--provenance", "--sbom"] {
                #expect(try await f.swiftbuild("compose", "build", "\(option)=false", "--print").status == 0)
                let refused = try await f.swiftbuild("compose", "build", "\(option)=true")
                #expect(refused.status == 2 && refused.errors.contains("attestations are not supported"), "\(refused)")
            }
        }
    }

    @Test(
        "joins the images for several platforms under the name, and pushes what has one",
        .enabled(if: RegistryServer.isAvailable, "\(RegistryServer.needs)")
    )
    func platforms() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                try f.write("file", "text")
                try f.write("Dockerfile", "FROM scratch\nCOPY file /file")
                try f.write(
                    "compose.yaml",
                    """
                    services:
                      many: {image: "\(registry.host)/many:1", build: {context: ., platforms: [linux/amd64, linux/arm64]}}
                      one: {image: "\(registry.host)/one:1", build: .}
                      unnamed: {build: .}
                    """
                )
                let result = try await f.succeed("compose", "build", "--push")
                #expect(!result.errors.contains("docker.io"), "\(result)")
                let index = try await registry.manifest("many", "1", in: f.scratch)
                #expect(index.contains("arm64") && index.contains("amd64"), "\(index)")
                #expect(try await registry.manifest("one", "1", in: f.scratch).contains("layers"))
            }
        }
    }
}

@Suite("compose pull and push", .enabled(if: RegistryServer.isAvailable, "\(RegistryServer.needs)"))
struct ComposeTransferTests {
    @Test("move the images of services, each once, and tell each line's service")
    func moves() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                try f.write("file", "text")
                try f.write("Dockerfile", "FROM scratch\nCOPY file /file")
                try f.write(
                    "compose.yaml",
                    """
                    services:
                      web: {image: "\(registry.host)/web:1", build: {context: ., tags: ["\(registry.host)/web:2"]}}
                      same: {image: "\(registry.host)/web:1"}
                      unnamed: {build: .}
                      never: {image: "\(registry.host)/never:1", pull_policy: never}
                    """
                )
                let early = try await f.swiftbuild("compose", "push")
                #expect(early.status == 1 && early.errors.contains("note: in the service `web`"), "\(early)")
                try await f.succeed("compose", "build")
                let pushed = try await f.succeed("compose", "push")
                #expect(pushed.errors.contains("[web] Successfully exported \(registry.host)/web:2"), "\(pushed)")
                func elsewhere(_ arguments: String...) async throws -> CommandResult {
                    try await f.start(["--root", f.scratch.appending("other").string, "compose"] + arguments).wait()
                }
                let pulled = try await elsewhere("pull")
                #expect(pulled.status == 0, "\(pulled)")
                #expect(pulled.errors.components(separatedBy: "Pulling from").count == 2, "\(pulled)")
                #expect(pulled.errors.contains("[unnamed] note: not pulled: it has no `image`"), "\(pulled)")
                let again = try await elsewhere("pull", "--policy", "missing", "web")
                #expect(again.errors == "[web] note: not pulled: the image is in the store\n", "\(again)")
                #expect(try await elsewhere("pull", "-q", "same").errors == "")

                let digests = try await f.succeed("compose", "config", "--resolve-image-digests", "web").outputText
                #expect(digests.contains("image: \(registry.host)/web:1@sha256:"), "\(digests)")
                let lock = try await f.succeed("compose", "config", "--lock-image-digests", "web").outputText
                #expect(lock.hasPrefix("services:\n  web:\n    image: \(registry.host)/web:1@sha256:"), "\(lock)")
                #expect(lock.split(separator: "\n").count == 3)
            }
        }
    }

    @Test(
        "pull again once the time of `pull_policy` is over",
        arguments: [("every_1h", 3600), ("daily", 86_400), ("weekly", 604_800)]
    )
    func policies(policy: String, seconds: Int) async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let name = "\(registry.host)/app:1"
                func push(_ version: Int) async throws {
                    try f.write("Dockerfile", "FROM scratch\nLABEL version=\(version)")
                    try await f.succeed("build", "--push", "-t", name, ".")
                }
                try f.write(
                    "compose.yaml",
                    "services: {a: {image: \"\(name)\", command: x, network_mode: none, pull_policy: \(policy)}}"
                )
                let store = f.scratch.appending("other")
                /// - Returns: The version, and whether it was asked for.
                func create() async throws -> (String, Bool) {
                    let made = try await f.start(["--root", store.string, "compose", "create"]).wait().requireSuccess()
                    let format = "{{.Config.Labels.version}}"
                    let image = try await f.start(["--root", store.string, "inspect", "-f", format, name]).wait()
                    return (image.line, made.errors.contains("Pulling from"))
                }
                func age(_ seconds: Int) throws {
                    let names = store.appending("names-v1").string
                    for file in try FileManager.default.contentsOfDirectory(atPath: names) {
                        let time = Date(timeIntervalSinceNow: TimeInterval(-seconds))
                        try FileManager.default.setAttributes(
                            [.modificationDate: time],
                            ofItemAtPath: "\(names)/\(file)"
                        )
                    }
                }
                try await push(1)
                #expect(try await create() == ("1", true))
                try await push(2)
                #expect(try await create() == ("1", false))
                try age(seconds - 60)
                #expect(try await create() == ("1", false))
                try age(seconds + 60)
                #expect(try await create() == ("2", true))
                // It has been confirmed.
                #expect(try await create() == ("2", false))
            }
        }
    }

    @Test("fail where an image is not there, or say so and continue")
    func missing() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                try f.write("Dockerfile", "FROM scratch\nCOPY Dockerfile /")
                try f.write(
                    "compose.yaml",
                    """
                    services:
                      none: {image: "\(registry.host)/none:1"}
                      made: {image: "\(registry.host)/made:1", build: .}
                    """
                )
                let failed = try await f.swiftbuild("compose", "pull")
                #expect(failed.status == 1 && failed.errors.contains("note: in the service `none`"), "\(failed)")
                let made = try await f.swiftbuild("compose", "pull", "made")
                #expect(made.status == 1 && made.errors.contains("`compose build made` builds"), "\(made)")
                #expect(try await f.swiftbuild("compose", "pull", "--ignore-buildable", "made").status == 0)
                let ignored = try await f.swiftbuild("compose", "pull", "--ignore-pull-failures")
                #expect(ignored.status == 0 && ignored.errors.contains("[none] note: image"), "\(ignored)")
            }
        }
    }
}

@Suite("The images of services", .enabled("needs root, bridges and nf_tables") { try await Machine.canMakeNetworks })
struct ServiceImageTests {
    @Test("are built where there are none, or as asked for, and come from the service that builds them")
    func ensured() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            try f.write("Dockerfile", "FROM alpine\nRUN echo one >/one")
            try f.write(
                "compose.yaml",
                """
                name: p
                services:
                  maker: {image: "made:1", build: ., command: "true"}
                  user: {image: "made:1", command: cat /one}
                  always: {build: {dockerfile_inline: "FROM alpine"}, pull_policy: build, command: "true"}
                """
            )
            func up(_ arguments: String...) async throws -> CommandResult {
                try await f.start(["compose", "up", "-d"] + arguments).wait()
            }
            let none = try await up("--no-build", "user")
            #expect(none.status == 1, "\(none)")
            let first = try await up("user")
            #expect(first.status == 0 && first.errors.contains("[maker] Successfully tagged made:1"), "\(first)")
            let second = try await up()
            #expect(second.errors.contains("[always] Successfully tagged p-always"), "\(second)")
            #expect(!second.errors.contains("[maker]"), "\(second)")
            #expect(try await up("--expect-cached").status == 0)
            try f.write("Dockerfile", "FROM alpine\nRUN echo two >/one")
            #expect(!(try await up()).errors.contains("[maker]"))
            let missed = try await up("--expect-cached")
            #expect(missed.status == 4 && missed.errors.contains("in the service `maker`"), "\(missed)")
            let rebuilt = try await up("--build", "--explain", "user")
            #expect(rebuilt.status == 0 && rebuilt.errors.contains("Recreated"), "\(rebuilt)")

            let table = try await f.succeed("compose", "images").lines
            #expect(table[0].split(separator: " ").first == "CONTAINER" && table.count == 4, "\(table)")
            #expect(table.contains { $0.hasPrefix("p-user-1") && $0.contains("made") && $0.contains("linux/") })
            let identifiers = try await f.succeed("compose", "images", "-q", "user").lines
            #expect(identifiers.count == 1 && identifiers[0].count == 64, "\(identifiers)")
            let json = try await f.succeed("compose", "images", "--format", "json").output
            let documents = try JSONDecoder().decode(JSON.self, from: Data(json)).elements
            // What was made before has lost its name.
            let maker = documents.first { $0["ContainerName"].text == "p-maker-1" }
            #expect(maker?["Repository"].text == "<none>" && maker?["Size"].integer != nil, "\(documents)")
            try await f.succeed("compose", "down", "-t", "0")
        }
    }
}
