internal import Foundation
internal import SystemPackage
internal import Testing

@Suite("Looking at the cache")
struct ExpectCachedTests {
    /// Every file of the store with its content's size and times, to see that nothing was written.
    private func snapshot(_ f: BuildFixture) throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: f.store.string).sorted().map { path in
            var status = stat()
            lstat(f.store.appending(path).string, &status)
            return "\(path) \(status.st_size) \(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec) \(status.st_ino)"
        }
    }

    @Test("--explain says why, before the step is made, in every kind of output")
    func explain() async throws {
        try await BuildFixture.with { f in
            try f.write("d/a", "1")
            try f.write("d/b", "1", mode: 0o644)
            let text = "FROM scratch\nCOPY d /d\nENV A=1"
            try await f.rebuild(text)
            try f.write("d/b", "1", mode: 0o600)
            let plain = try await f.rebuild(text, "--explain").errors
            let lines = """
                Step 2/3 : COPY d /d
                  why: 1 file differs:
                         mode     /d/b  now `0600`, was `0644`
                 ---> \("")
                """
            #expect(plain.contains(lines), "\(plain)")
            #expect(plain.contains("Step 3/3 : ENV A=1\n  why: step 2, which it builds on, changed: COPY d /d\n"))
            #expect(!(try await f.rebuild(text, "--explain").errors.contains("why")))
            try f.write("d/a", "2")
            let json = try await f.rebuild(text, "--explain", "--progress", "json").errors
            let events = try json.split(separator: "\n").map {
                try JSONDecoder().decode(JSON.self, from: Data($0.utf8))
            }
            let explained = try #require(events.first { $0["event"].text == "explained" })
            #expect(explained["step"].integer == 2 && explained["reasons"][0]["files"][0]["path"].text == "/d/a")
            try f.write("d/a", "3")
            let tty = try await f.rebuild(text, "--explain", "--progress", "tty").errors
            #expect(tty.contains("content  /d/a"), "\(tty)")
        }
    }

    @Test(
        "--expect-cached ends with 4 at the first step that is not in the cache, and does not make it",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)")
    )
    func expectCached() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try f.write("a", "1")
            let text = "FROM base\nCOPY a /a\nRUN echo made >>/made\nRUN true"
            let first = try await f.rebuild(text, "--expect-cached", status: 4)
            #expect(first.errors.contains(":2:1: error: `COPY a /a` is not in the cache"), "\(first)")
            #expect(first.errors.contains("why: no similar step has been built before\n"))
            #expect(!first.errors.contains("Running in"))
            try await f.rebuild(text, "-t", "image")
            let all = try await f.rebuild(text, "--expect-cached", "-t", "image")
            #expect(CacheTests.cached(all.errors) == [2, 3, 4])
            try f.write("a", "2")
            let miss = try await f.rebuild(text, "--expect-cached", status: 4)
            #expect(miss.errors.hasSuffix("why: 1 file differs:\n       content  /a\n"), "\(miss)")
            let other = try await f.rebuild(
                text.replacingOccurrences(of: "RUN true", with: "RUN false"),
                "--expect-cached",
                status: 4
            )
            // Of several it is the first.
            #expect(other.errors.contains("`COPY a /a`") && !other.errors.contains("RUN false` is"))
            try f.write("a", "1")
            let run = try await f.rebuild(
                text.replacingOccurrences(of: "RUN true", with: "RUN exit 7"),
                "--expect-cached",
                status: 4
            )
            #expect(run.errors.hasSuffix("why: instruction: now `RUN exit 7`, was `RUN true`\n"), "\(run)")
            // A build that was refused made nothing that a later one finds.
            #expect(CacheTests.cached(try await f.rebuild(text).errors) == [2, 3, 4])
        }
    }

    @Test(
        "check-cache tells what is in the cache and why the rest is not, and writes nothing",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)")
    )
    func checkCache() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try f.write("a", "1")
            try f.write("Dockerfile", "")
            let dockerfile = """
                FROM base AS one
                COPY a /a
                RUN cat /a >/b
                WORKDIR /w
                RUN --mount=type=bind,source=a,target=/m cat /m
                LABEL l=1
                FROM base
                RUN true
                COPY --from=one /b /b
                RUN cat /b
                """
            try await f.rebuild(dockerfile)
            let path = f.scratch.appending("Dockerfile").string
            func check(_ arguments: String..., status: Int32 = 0) async throws -> [String: [String]] {
                let before = try snapshot(f)
                let result = try await f.start(["check-cache", "-f", path] + arguments + [f.context.string]).wait()
                #expect(result.status == status, "\(result)")
                #expect(try snapshot(f) == before)
                return BuildFixture.reasons(result.outputText)
            }
            var steps = try await check("--expect-cached")
            #expect(steps["COPY --from=one /b /b"] == ["cached"] && steps["LABEL l=1"] == ["cached"])
            #expect(Set(steps.values.map { $0[0] }) == ["cached", "base"])
            try f.write("a", "2")
            steps = try await check()
            #expect(steps["COPY a /a"] == ["would run", "1 file differs:", "  content  /a"])
            let below = "step 2, which it builds on, changed: COPY a /a"
            #expect(steps["RUN cat /a >/b"] == ["would run", below])
            #expect(steps["WORKDIR /w"] == ["would run", below])
            #expect(
                steps["RUN --mount=type=bind,source=a,target=/m cat /m"] == [
                    "would run", below, "files of the mount at `/m` differ",
                ]
            )
            #expect(steps["RUN true"] == ["cached"])
            #expect(
                steps["COPY --from=one /b /b"] == [
                    "unknown", "it needs files from stage `one`, which has not been built",
                ]
            )
            #expect(
                steps["RUN cat /b"] == [
                    "unknown", "it depends on files that a preceding step has yet to make",
                ]
            )
            _ = try await check("--expect-cached", status: 4)
            let result = try await f.succeed("check-cache", "--format", "json", "-f", path, f.context.string)
            let document = try JSONDecoder().decode(JSON.self, from: Data(result.output))
            #expect(document["cached"] == .boolean(false) && document["steps"].elements.count == 10)
            #expect(document["steps"][1]["result"].text == "would run")
            #expect(document["steps"][1]["reasons"][0]["files"][0]["path"].text == "/a")
            // And a build does what was said.
            #expect(CacheTests.cached(try await f.rebuild(dockerfile).errors) == [8])
        }
    }

    @Test("check-cache makes no store where there is none, and takes wrong Dockerfiles for what they are")
    func withoutStore() async throws {
        try await BuildFixture.with { f in
            try f.write("a", "1")
            try f.write("Dockerfile", "FROM scratch\nCOPY a /a\n")
            let result = try await f.succeed("check-cache", ".")
            #expect(
                BuildFixture.reasons(result.outputText)["COPY a /a"] == [
                    "would run", "no similar step has been built before",
                ]
            )
            #expect(!fileExists(f.store))
            try f.write("Dockerfile", "FROM none\nCOPY a /a\n")
            let missing = try await f.succeed("check-cache", ".")
            let steps = BuildFixture.reasons(missing.outputText)
            #expect(steps["FROM none"] == ["unknown", "image `none:latest` is not in the store"])
            #expect(
                steps["COPY a /a"] == [
                    "unknown", "it depends on files that a preceding step has yet to make",
                ]
            )
            try f.write("Dockerfile", "FROM scratch\nCOPY --from=none a /a\n")
            let source = try await f.succeed("check-cache", ".")
            #expect(
                BuildFixture.reasons(source.outputText)["COPY --from=none a /a"] == [
                    "unknown", "image `none:latest` is not in the store",
                ]
            )
            try f.write("Dockerfile", "FROM scratch\nCOPY none /a\n")
            let wrong = try await f.swiftbuild("check-cache", ".")
            #expect(wrong.status == 1 && wrong.errors.contains("Dockerfile:2:6: error:"), "\(wrong)")
            #expect(!fileExists(f.store))
        }
    }

    @Test("--metadata-file tells what was built, and what became of each step")
    func metadata() async throws {
        try await BuildFixture.with { f in
            try f.write("a", "1")
            let file = f.scratch.appending("metadata.json")
            let text = "FROM scratch\nCOPY a /a\nENV A=1"
            func metadata() async throws -> JSON {
                try await f.rebuild(
                    text,
                    "--metadata-file",
                    file.string,
                    "-t",
                    "name",
                    "--iidfile",
                    file.string + ".id"
                )
                return try JSONDecoder().decode(JSON.self, from: Data(readFile(file)))
            }
            let first = try await metadata()
            let id = String(decoding: try readFile(FilePath(file.string + ".id")), as: UTF8.self)
            #expect(first["containerimage.config.digest"].text == id)
            #expect(first["image.name"].text == "docker.io/library/name:latest")
            let build = first["swiftbuild.build"]
            #expect(build["image"].text == id && build["ending"].text == "succeeded")
            #expect(build["dockerfile"].text == f.scratch.appending("Dockerfile").string)
            #expect(
                build["context"].text == f.context.string && build["tags"].strings == ["docker.io/library/name:latest"]
            )
            #expect(build["steps"].elements.map { $0["result"].text } == ["base", "ran", "ran"])
            #expect(build["steps"][1]["layer"].text?.hasPrefix("sha256:") == true)
            #expect(build["steps"][1]["size"].integer == 2048)
            for step in build["steps"].elements {
                guard case .number(let start) = step["start"], case .number(let seconds) = step["seconds"],
                    case .number(let all) = build["seconds"]
                else { throw TestFailure("no times in \(step)") }
                #expect(start >= 0 && seconds >= 0 && start + seconds <= all + 0.001)
            }
            let second = try await metadata()["swiftbuild.build"]
            #expect(second["steps"].elements.map { $0["result"].text } == ["base", "cached", "cached"])
            #expect(second["steps"][1]["layer"] == build["steps"][1]["layer"])
        }
    }
}
