internal import Foundation
internal import SystemPackage
internal import Testing

@Suite("On services that run builds")
struct ContinuousIntegrationTests {
    private let gitHub = ["GITHUB_ACTIONS": "true"]

    @Test(
        "GitHub gets a group for each step, and no command of what processes write",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)")
    )
    func groups() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try f.write("Dockerfile", "FROM base\nRUN echo '::error::evil'; printf '::set-env name=a::b'\nENV A=1\n")
            let text = try await f.succeed("--progress", "plain", ".", environment: gitHub).errors
            let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
            #expect(lines[0] == "::group::Step 1/3 : FROM base")
            #expect(lines.filter { $0.hasPrefix("::group::") }.count == 3)
            #expect(lines.filter { $0 == "::endgroup::" }.count == 3)
            let stop = try #require(lines.firstIndex { $0.hasPrefix("::stop-commands::") })
            let token = lines[stop].dropFirst("::stop-commands::".count)
            #expect(token.count > 16)
            let go = try #require(lines.firstIndex(of: "::\(token)::"))
            #expect(lines[stop..<go].contains("::error::evil") && lines[stop..<go].contains("::set-env name=a::b"))
            #expect(lines[go + 1] == "::endgroup::")
            // Each command that is ours is outside of what is quoted, and nothing else looks like one.
            for (position, line) in lines.enumerated() where line.hasPrefix("::") && !(stop...go).contains(position) {
                #expect(line.hasPrefix("::group::") || line == "::endgroup::", "\(line)")
            }
            #expect(lines.last(where: { !$0.isEmpty })?.hasPrefix("Successfully built") == true)
            let other = try await f.succeed("--progress", "plain", ".", environment: ["GITHUB_ACTIONS": "false"]).errors
            #expect(!other.contains("::group") && !other.contains("stop-commands"))
        }
    }

    @Test("groups of stages that are built at once do not overlap")
    func parallelStages() async throws {
        try await BuildFixture.with { f in
            for name in "abcd" { try f.write("\(name)", "\(name)") }
            let stages = "abcd".map { "FROM scratch AS \($0)\nCOPY \($0) /\nLABEL l=\($0)\n" }.joined()
            let copies = "abcd".map { "COPY --from=\($0) /\($0) /\n" }.joined()
            try f.write("Dockerfile", stages + "FROM scratch\n" + copies)
            for environment in [gitHub, ["GITLAB_CI": "1"]] {
                let text = try await f.succeed(".", environment: environment).errors
                var depth = 0
                for line in text.split(separator: "\n") {
                    if line.hasPrefix("::group::") || line.contains("section_start:") { depth += 1 }
                    if line == "::endgroup::" || line.contains("section_end:") { depth -= 1 }
                    #expect((0...1).contains(depth), "\(text)")
                }
                #expect(depth == 0)
                #expect(text.contains("[b] Step"), "\(text)")
            }
        }
    }

    @Test(
        "a step is shown as it goes on, and others when it is over",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)")
    )
    func live() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try f.write(
                "Dockerfile",
                """
                FROM base AS slow
                RUN echo shown at once; for i in 1 2 3 4 5 6; do echo $i; sleep 0.5; done
                FROM base AS quick
                RUN echo '::error::quick'
                FROM scratch
                COPY --from=slow /etc/passwd /
                COPY --from=quick /etc/passwd /
                """
            )
            let build = try f.start(["build", "."], environment: gitHub)
            try await build.waitForErrors(containing: "shown at once\n")
            let result = try await build.wait()
            #expect(result.status == 0, "\(result)")
            var group = ""
            var isQuoted = false
            var groups: [String: [String]] = [:]
            for line in result.errors.split(separator: "\n").map(String.init) {
                if line.hasPrefix("::stop-commands::") {
                    isQuoted = true
                } else if isQuoted, line.hasPrefix("::"), line.hasSuffix("::"), line.count > 20 {
                    isQuoted = false
                } else if !isQuoted, line.hasPrefix("::group::") {
                    #expect(group == "", "\(result)")
                    group = line
                } else if !isQuoted, line == "::endgroup::" {
                    group = ""
                } else {
                    groups[group, default: []].append(line)
                }
            }
            #expect(groups.count == 8, "\(result)")
            let slow = groups.first { $0.key.contains("echo shown at once") }?.value ?? []
            #expect(slow.count { $0.hasPrefix("[slow] ") } == slow.count && slow.count >= 9, "\(slow)")
            let quick = groups.first { $0.key.contains("RUN echo '::error") }?.value ?? []
            #expect(quick.contains("[quick] ::error::quick"), "\(quick)")
        }
    }

    @Test("GitHub gets problems as annotations of the lines, with everything escaped")
    func annotations() async throws {
        try await BuildFixture.with { f in
            try f.write("a")
            try f.write("sub,dir/Dockerfile", "FROM scratch\nMAINTAINER me\nCOPY non%e /\n")
            let environment = gitHub.merging(["GITHUB_WORKSPACE": f.context.string]) { $1 }
            let path = f.context.appending("sub,dir/Dockerfile").string
            let build = try await f.swiftbuild("-f", path, ".", environment: environment)
            #expect(build.status == 1)
            let warning =
                "::warning file=sub%2Cdir/Dockerfile,line=2,endLine=2,col=1,endColumn=10,title=MaintainerDeprecated::"
            #expect(build.errors.contains("\n" + warning) || build.errors.hasPrefix(warning), "\(build)")
            let error =
                "\n::error file=sub%2Cdir/Dockerfile,line=3,endLine=3,col=6,endColumn=10::COPY failed: `non%25e` "
            #expect(build.errors.contains(error), "\(build)")
            // For people it is said in the usual words too.
            #expect(build.errors.contains("\(path):3:6: error: COPY failed"))
            let quiet = try await f.swiftbuild("-q", "-f", path, ".", environment: environment)
            #expect(quiet.errors.contains(error))
            let check = try await f.swiftbuild("check", "-f", path, ".", environment: environment)
            #expect(check.errors.contains(warning), "\(check)")
            #expect(!check.outputText.contains("::warning"))
            let json = try await f.swiftbuild("--progress", "json", "-f", path, ".", environment: environment)
            #expect(!json.errors.contains("::error"))
            let miss = try await f.swiftbuild(
                "-f",
                "-",
                "-q",
                "--expect-cached",
                ".",
                environment: gitHub,
                input: "FROM scratch\nCOPY a /\n"
            )
            #expect(miss.status == 4)
            #expect(
                miss.errors.contains(
                    "::error::`COPY a /` is not in the cache, as --expect-cached demands%0Ano similar step"
                )
            )
        }
    }

    @Test("GitLab gets a section for each step, also of a build that fails")
    func sections() async throws {
        try await BuildFixture.with { f in
            try f.write("Dockerfile", "FROM scratch\nCOPY none /\nENV A=1\n")
            let result = try await f.swiftbuild(".", environment: ["GITLAB_CI": "true"])
            #expect(result.status == 1)
            let text = result.errors
            let starts = text.matches(of: /\u{1B}\[0Ksection_start:(\d+):(\w+)\r\u{1B}\[0K([^\n]*)\n/)
            let ends = text.matches(of: /\u{1B}\[0Ksection_end:(\d+):(\w+)\r\u{1B}\[0K\n/)
            #expect(starts.map(\.2) == ends.map(\.2) && Set(starts.map(\.2)).count == 2, "\(text)")
            #expect(starts.map { String($0.3) } == ["Step 1/3 : FROM scratch", "Step 2/3 : COPY none /"])
            #expect(!text.contains("::error"))
        }
    }

    @Test(
        "examples/ci/build builds, pushes, and checks that everything is in the cache then",
        .enabled(if: RegistryServer.isAvailable && Machine.has("bash"), "\(RegistryServer.needs)")
    )
    func example() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                try f.write("a", "1")
                try f.write("Dockerfile", "FROM scratch\nCOPY a /a\nCMD [\"/a\"]\n")
                let tools = f.scratch.appending("bin")
                try FileManager.default.createDirectory(atPath: tools.string, withIntermediateDirectories: true)
                try FileManager.default.createSymbolicLink(
                    atPath: tools.appending("swiftbuild").string,
                    withDestinationPath: Machine.binary.string
                )
                let example = Machine.repository.appending("examples").appending("ci")
                var environment = f.environment.merging(gitHub) { $1 }
                environment["PATH"] = "\(tools):\(Machine.searchPath)"
                environment["IMAGE"] = "\(registry.host)/example"
                environment["TAG"] = "1"
                let result = try await RunningCommand(
                    [example.appending("build").string, "."],
                    environment: environment,
                    directory: f.context,
                    logs: f.scratch
                ).wait()
                try #require(result.status == 0, "\(result)")
                #expect(result.outputText.contains("  why: no similar step has been built before"))
                let metadata = try JSONDecoder().decode(
                    JSON.self,
                    from: Data(readFile(f.context.appending("metadata.json")))
                )
                #expect(metadata["image.name"].text == "\(registry.host)/example:1")
                let explained = try JSONDecoder().decode(
                    JSON.self,
                    from: Data(readFile(f.context.appending("explanation.json")))
                )
                #expect(explained["image"] == metadata["containerimage.config.digest"])
                try await f.succeed("pull", "\(registry.host)/example:1")
                // What the services run is that script.
                for file in ["github.yml", "gitlab-ci.yml"] {
                    let text = String(decoding: try readFile(example.appending(file)), as: UTF8.self)
                    #expect(text.contains("examples/ci/build ."), "\(file)")
                }
            }
        }
    }
}
