internal import Foundation
internal import Glibc
internal import SystemPackage
internal import Testing

extension BuildFixture {
    /// Builds a Dockerfile that is always the same file, as people do.
    @discardableResult
    func rebuild(
        _ text: String,
        _ flags: String...,
        status: Int32 = 0,
        sourceLocation: SourceLocation = #_sourceLocation
    )
        async throws -> CommandResult
    {
        let path = scratch.appending("Dockerfile")
        try Data((text + "\n").utf8).write(to: URL(fileURLWithPath: path.string))
        let result = try await start(["build", "-f", path.string] + flags + [context.string]).wait()
        #expect(result.status == status, "\(result)", sourceLocation: sourceLocation)
        return result
    }

    /// What `explain` says of the last build: for each step its state without the time, and the reasons.
    func explained(_ arguments: String...) async throws -> [String: [String]] {
        let result = try await start(["explain"] + arguments).wait()
        try #require(result.status == 0, "\(result)")
        return BuildFixture.reasons(result.outputText)
    }

    /// Of each step by its title the lines below it.
    static func reasons(_ text: String) -> [String: [String]] {
        var steps: [String: [String]] = [:]
        var title = ""
        for line in text.split(separator: "\n") {
            if let range = line.firstRange(of: " : ") {
                title = String(line[range.upperBound...])
                steps[title] = []
            } else if line.hasPrefix(" ---> ") {
                let state = line.dropFirst(" ---> ".count)
                steps[title] = [
                    String(state.hasPrefix("ran (") ? "ran" : state.hasPrefix("failed (") ? "failed" : state)
                ]
            } else if line.hasPrefix("  why: ") || line.hasPrefix("       ") {
                steps[title]?.append(String(line.dropFirst("  why: ".count)))
            }
        }
        return steps
    }
}

@Suite("An explanation")
struct ExplainTests {
    @Test("of a build in which nothing changed says that everything is cached")
    func unchanged() async throws {
        try await BuildFixture.with { f in
            try f.write("a", "a")
            let text = "FROM scratch AS unused\nCOPY a /\nFROM scratch\nCOPY a /a\nENV E=1"
            try await f.rebuild(text)
            var steps = try await f.explained()
            #expect(steps["COPY a /a"] == ["ran", "no similar step has been built before"])
            #expect(steps["COPY a /"] == ["skipped: the target does not need it"])
            try await f.rebuild(text)
            steps = try await f.explained()
            #expect(steps["COPY a /a"] == ["cached"] && steps["ENV E=1"] == ["cached"])
            #expect(steps["FROM scratch"] == ["base"])
        }
    }

    @Test("of a COPY names the files that differ, and how: content, mode, owner, link, added, removed")
    func files() async throws {
        try await BuildFixture.with { f in
            try f.write("d/content", "one")
            try f.write("d/mode", "m", mode: 0o644)
            try f.write("d/removed", "r")
            try f.link("d/link", to: "old")
            try f.makeDirectory("d/deep/deeper")
            try f.write("d/same", "same")
            let text = "FROM scratch\nCOPY d /app\nLABEL l=1"
            let copy = "COPY d /app"
            try await f.rebuild(text)
            func change(_ expected: [String], _ body: () throws -> Void) async throws {
                try body()
                try await f.rebuild(text)
                let steps = try await f.explained()
                #expect(steps[copy] == ["ran"] + expected)
                #expect(steps["LABEL l=1"] == ["ran", "step 2, which it builds on, changed: COPY d /app"])
            }
            try await change(["1 file differs:", "  content  /app/content"]) { try f.write("d/content", "two") }
            try await change(["1 file differs:", "  mode     /app/mode  now `0755`, was `0644`"]) {
                try f.write("d/mode", "m", mode: 0o755)
            }
            try await change(["1 file differs:", "  link     /app/link  now `new`, was `old`"]) {
                try f.remove("d/link")
                try f.link("d/link", to: "new")
            }
            try await change(["1 file differs:", "  added    /app/deep/x"]) { try f.write("d/deep/x") }
            try await change(["1 file differs:", "  removed  /app/removed"]) { try f.remove("d/removed") }
            try await change(["1 file differs:", "  kind     /app/same  now `directory`, was `file`"]) {
                try f.remove("d/same")
                try f.makeDirectory("d/same")
            }
            try await change(
                ["12 files differ:"] + (0..<10).map { "  added    /app/n1\($0)" } + ["  and 2 more"]
            ) {
                for number in 10..<22 { try f.write("d/n\(number)") }
            }
            // Compared with the build before, not with whatever was built once.
            try await change(["1 file differs:", "  content  /app/content"]) { try f.write("d/content", "three") }
            try f.write("d/content", "two")
            try await f.rebuild(text)
            #expect(try await f.explained()[copy] == ["cached"])
        }
    }

    @Test("is safe to show, whatever files and values are called")
    func hostileNames() async throws {
        try await BuildFixture.with { f in
            try f.write("d/a", "1")
            let text = "FROM scratch\nCOPY d /app"
            try await f.rebuild(text)
            try f.write("d/\u{1B}[31m\nevil", "x")
            try await f.rebuild(text, "--build-arg", "X=\u{1B}[2J")
            let result = try await f.succeed("explain")
            #expect(!result.outputText.contains("\u{1B}"))
            #expect(result.outputText.contains(#"added    /app/\u{1b}[31m\nevil"#), "\(result)")
        }
    }

    struct Change: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let old: String
        let new: String
        var flags: [String] = []
        /// Of steps that are asserted, everything that is said.
        let expected: [String: [String]]
    }

    static let changes = [
        Change(
            testDescription: "an ARG of the command line",
            old: "FROM base\nARG V=1\nRUN echo $V\nRUN true",
            new: "FROM base\nARG V=1\nRUN echo $V\nRUN true",
            flags: ["--build-arg", "V=2"],
            expected: [
                "ARG V=1": ["ran", "instruction: now `ARG V=2`, was `ARG V=1`"],
                "RUN echo $V": ["ran", "ARG V: now `2`, was `1`"],
                "RUN true": ["ran", "step 3, which it builds on, changed: RUN echo $V", "ARG V: now `2`, was `1`"],
            ]
        ),
        Change(
            testDescription: "an ENV",
            old: "FROM base\nRUN true\nENV E=1\nRUN echo $E",
            new: "FROM base\nRUN true\nENV E=2\nRUN echo $E",
            expected: [
                "RUN true": ["cached"],
                "ENV E=2": ["ran", "instruction: now `ENV E=2`, was `ENV E=1`"],
                "RUN echo $E": ["ran", "ENV E: now `2`, was `1`"],
            ]
        ),
        Change(
            testDescription: "a variable that is new",
            old: "FROM base\nRUN echo a",
            new: "FROM base\nENV N=1\nRUN echo a",
            expected: ["RUN echo a": ["ran", "ENV N: now `1`, was nothing"]]
        ),
        Change(
            testDescription: "the text of a RUN",
            old: "FROM base\nRUN echo one\nRUN true",
            new: "FROM base\nRUN echo two\nRUN true",
            expected: [
                "RUN echo two": ["ran", "instruction: now `RUN echo two`, was `RUN echo one`"],
                "RUN true": ["ran", "step 2, which it builds on, changed: RUN echo two"],
            ]
        ),
        Change(
            testDescription: "a WORKDIR",
            old: "FROM base\nWORKDIR /one\nRUN pwd",
            new: "FROM base\nWORKDIR /two\nRUN pwd",
            expected: [
                "WORKDIR /two": ["ran", "instruction: now `WORKDIR /two`, was `WORKDIR /one`"],
                "RUN pwd": [
                    "ran", "step 2, which it builds on, changed: WORKDIR /two", "WORKDIR: now `/two`, was `/one`",
                ],
            ]
        ),
        Change(
            testDescription: "a step that is new",
            old: "FROM base\nRUN echo a\nRUN echo b",
            new: "FROM base\nRUN echo a\nRUN echo new\nRUN echo b",
            expected: [
                "RUN echo a": ["cached"], "RUN echo new": ["ran", "no similar step has been built before"],
                "RUN echo b": ["ran", "step 3, which it builds on, changed: RUN echo new"],
            ]
        ),
        Change(
            testDescription: "a step that is gone",
            old: "FROM base\nRUN echo a\nRUN echo gone\nRUN echo b",
            new: "FROM base\nRUN echo a\nRUN echo b",
            expected: ["RUN echo b": ["ran", "a step that it built on was removed: RUN echo gone"]]
        ),
        Change(
            testDescription: "a stage above",
            old: "FROM base AS one\nRUN echo 1 >/f\nFROM one\nRUN true\nFROM base\nCOPY --from=1 /f /f",
            new: "FROM base AS one\nRUN echo 2 >/f\nFROM one\nRUN true\nFROM base\nCOPY --from=1 /f /f",
            expected: [
                "FROM one": ["base", "step 2 of stage `one`, which it builds on, changed: RUN echo 2 >/f"],
                "RUN true": ["ran", "step 2 of stage `one`, which it builds on, changed: RUN echo 2 >/f"],
                "COPY --from=1 /f /f": [
                    "ran", "step 2 of stage `one`, which it builds on, changed: RUN echo 2 >/f",
                    "1 file differs:", "  content  /f",
                ],
            ]
        ),
        Change(
            testDescription: "the owner of copied files",
            old: "FROM scratch\nCOPY --chown=1 f /f",
            new: "FROM scratch\nCOPY --chown=2 f /f",
            expected: [
                "COPY --chown=2 f /f": ["ran", "instruction: now `COPY --chown=2 f /f`, was `COPY --chown=1 f /f`"]
            ]
        ),
        Change(
            testDescription: "an owner that a stage gives its files",
            old: "FROM base AS a\nRUN echo >/f\nFROM scratch\nCOPY --from=a /f /f",
            new: "FROM base AS a\nRUN echo >/f; chown 3:4 /f\nFROM scratch\nCOPY --from=a /f /f",
            expected: [
                "COPY --from=a /f /f": [
                    "ran", "step 2 of stage `a`, which it builds on, changed: RUN echo >/f; chown 3:4 /f",
                    "1 file differs:", "  owner    /f  now `3:4`, was `0:0`",
                ]
            ]
        ),
        Change(
            testDescription: "the user of a RUN, and the shell",
            old: "FROM base\nRUN true",
            new: "FROM base\nUSER 5\nSHELL [\"/bin/sh\", \"-ec\"]\nRUN true",
            expected: [
                "RUN true": ["ran", "SHELL: now `-ec`, was `-c`", "USER: now `5`, was ``"]
            ]
        ),
        Change(
            testDescription: "the bodies of here-documents",
            old: "FROM base\nRUN <<A\necho one\necho two\nA\nCOPY <<B /b\none\nB\nRUN <<C\n#!/bin/sh\ntrue\nC",
            new: "FROM base\nRUN <<A\necho one\necho 2\nA\nCOPY <<B /b\ntwo\nB\nRUN <<C\n#!/bin/sh\nexit\nC",
            expected: [
                "RUN <<A": ["ran", "command: now `echo 2`, was `echo two`"],
                "RUN <<C": [
                    "ran", "step 2, which it builds on, changed: RUN <<A", "here-document C: now `exit`, was `true`",
                ],
            ]
        ),
        Change(
            testDescription: "nothing below a COPY --link",
            old: "FROM base\nRUN true\nCOPY --link f /f\nRUN cat /f",
            new: "FROM base\nRUN :\nCOPY --link f /f\nRUN cat /f",
            expected: [
                "COPY --link f /f": ["cached"],
                "RUN cat /f": ["ran", "step 2, which it builds on, changed: RUN :"],
            ]
        ),
        Change(
            testDescription: "a trigger",
            old: "FROM base AS p\nONBUILD RUN echo 1\nFROM p\nRUN true",
            new: "FROM base AS p\nONBUILD RUN echo 2\nFROM p\nRUN true",
            expected: [
                "RUN echo 2": ["ran", "instruction: now `RUN echo 2`, was `RUN echo 1`"],
                "RUN true": ["ran", "a trigger, which it builds on, changed: RUN echo 2"],
            ]
        ),
        Change(
            testDescription: "the files of a mount",
            old: "FROM base\nRUN --mount=type=bind,target=/m true",
            new: "FROM base\nRUN --mount=type=bind,target=/m true",
            expected: [
                "RUN --mount=type=bind,target=/m true": [
                    "ran", "1 file of the mount at `/m` differs:", "  content  /f",
                ]
            ]
        ),
    ]

    @Test(
        "names exactly what was changed",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)"),
        arguments: changes
    )
    func named(_ change: Change) async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try f.write("f", "1")
            try await f.rebuild(change.old)
            if change.old == change.new, change.flags.isEmpty { try f.write("f", "2") }
            let path = f.scratch.appending("Dockerfile")
            try Data((change.new + "\n").utf8).write(to: URL(fileURLWithPath: path.string))
            let result = try await f.start(["build", "-f", path.string] + change.flags + [f.context.string]).wait()
            try #require(result.status == 0, "\(result)")
            let steps = try await f.explained()
            for (step, lines) in change.expected { #expect(steps[step] == lines, "\(step)") }
        }
    }

    @Test("of another base says which image it was", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
    func base() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("base")
            func id() async throws -> String {
                let images = try await f.succeed("inspect", "base")
                return try JSONDecoder().decode(JSON.self, from: Data(images.output))[0]["Id"].text ?? ""
            }
            let text = "FROM base\nRUN true"
            try await f.rebuild(text)
            let old = try await id()
            _ = try await f.build("FROM base\nRUN echo >/other", "-t", "base")
            let new = try await id()
            try await f.rebuild(text)
            let base = "base image: now `\(new)`, was `\(old)`"
            let steps = try await f.explained()
            #expect(steps["FROM base"] == ["base", base])
            #expect(steps["RUN true"] == ["ran", "step 1, which it builds on, changed: FROM base", base])
        }
    }

    @Test(
        "tells results that are gone, failures and --no-cache from changes",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)")
    )
    func withoutChange() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let text = "FROM base\nRUN echo >/a\nRUN false\nRUN true"
            try await f.rebuild(text, status: 1)
            var steps = try await f.explained()
            #expect(steps["RUN false"] == ["failed", "no similar step has been built before"])
            #expect(steps["RUN true"] == ["not run: an earlier step failed"])
            try await f.rebuild(text, status: 1)
            steps = try await f.explained()
            #expect(steps["RUN echo >/a"] == ["cached"])
            #expect(steps["RUN false"] == ["failed", "it failed in the previous build, so there is no result"])
            try await f.rebuild("FROM base\nRUN echo other", "--expect-cached", status: 4)
            #expect(try await f.explained()["RUN echo other"]?.first == "refused: --expect-cached")
            try await f.rebuild("FROM base\nRUN echo other")
            // A step that was only refused is not what it is compared with.
            #expect(
                try await f.explained()["RUN echo other"] == [
                    "ran", "instruction: now `RUN echo other`, was `RUN echo >/a`",
                ]
            )
            let good = "FROM base\nRUN echo >/a\nRUN true"
            try await f.rebuild(good)
            try await f.rebuild(good, "--no-cache")
            #expect(
                try await f.explained()["RUN echo >/a"] == [
                    "ran", "earlier results are not used: --no-cache or --no-cache-filter",
                ]
            )
            let cache = f.store.appending("cache-v1")
            for name in try FileManager.default.contentsOfDirectory(atPath: cache.string) {
                try FileManager.default.removeItem(atPath: cache.appending(name).string)
            }
            try await f.rebuild(good)
            #expect(try await f.explained()["RUN true"] == ["ran", "its earlier result is no longer in the store"])
        }
    }

    @Test(
        "of a build that was interrupted says which steps did not run",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)")
    )
    func interrupted() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try f.write("Dockerfile", "FROM base\nRUN echo\nRUN sleep 60\nENV A=1\n")
            let build = try f.start(["build", "."])
            try await build.waitForErrors(containing: "RUN sleep 60\n ---> Running in")
            build.signal(SIGINT)
            #expect(try await build.wait().status == 130)
            let steps = try await f.explained()
            #expect(steps["RUN echo"]?.first == "ran")
            #expect(steps["RUN sleep 60"] == ["not run: interrupted"] && steps["ENV A=1"] == ["not run: interrupted"])
            // What a step was that did not end is no reason.
            try f.write("Dockerfile", "FROM base\nRUN echo\nRUN sleep 0\nENV A=1\n")
            try await f.succeed("build", ".")
            #expect(try await f.explained()["RUN sleep 0"] == ["ran", "no similar step has been built before"])
        }
    }

    @Test("finds the build by image, name and ID, one step by its number, and says what it does not find")
    func which() async throws {
        try await BuildFixture.with { f in
            try f.write("a", "1")
            var result = try await f.swiftbuild("explain")
            #expect(result.status == 1 && result.errors.contains("no build has been recorded"), "\(result)")
            let text = "FROM scratch\nCOPY a /a\nENV A=1"
            try await f.rebuild(text, "-t", "first")
            try f.write("a", "2")
            let id = try await f.rebuild(text, "-q", "-t", "second").line
            #expect(try await f.explained("first")["COPY a /a"] == ["ran", "no similar step has been built before"])
            for name in ["second", "second:latest", id, String(id.dropFirst(7).prefix(12)), "last"] {
                let steps = try await f.explained("--step", "2", name)
                #expect(steps == ["COPY a /a": ["ran", "1 file differs:", "  content  /a"]], "\(name)")
            }
            for arguments in [
                ["--step", "4"], ["--step", "0"], ["--step=-1"], ["none"], ["sha256:00"], ["../../etc"],
            ] {
                result = try await f.start(["explain"] + arguments).wait()
                #expect(result.status == 1, "\(result)")
            }
            let document = try JSONDecoder().decode(
                JSON.self,
                from: Data(try await f.succeed("explain", "--format", "json").output)
            )
            #expect(document["image"].text == id && document["ending"].text == "succeeded")
            let step = document["steps"][1]
            #expect(step["result"].text == "ran" && step["line"].integer == 2 && step["step"].integer == 2)
            #expect(step["reasons"][0]["kind"].text == "files" && step["reasons"][0]["count"].integer == 1)
            let file = step["reasons"][0]["files"][0]
            #expect(file["path"].text == "/a" && file["change"].text == "content")
            #expect(file["old"].text?.hasPrefix("sha256:") == true && file["old"] != file["new"])
        }
    }

    @Test("compares with the same Dockerfile in another directory, and with another one that has the step")
    func elsewhere() async throws {
        try await BuildFixture.with { f in
            try f.write("one/a", "1")
            try f.write("two/a", "2")
            for directory in ["one", "two"] {
                try f.write("\(directory)/Dockerfile", "FROM scratch\nCOPY a /a\nCOPY Dockerfile /\n")
                try await f.succeed("build", directory)
            }
            #expect(try await f.explained()["COPY a /a"] == ["ran", "1 file differs:", "  content  /a"])
        }
    }

    @Test(
        "compares with what has the most in common where no build is remembered",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)")
    )
    func withoutRecords() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try f.write("a", "1")
            let text = "FROM base\nARG V=1\nARG W=1\nRUN echo $V $W\nCOPY a /a"
            try await f.rebuild(text, "--build-arg", "W=7", "--build-arg", "V=7")
            try await f.rebuild(text)
            try FileManager.default.removeItem(atPath: f.store.appending("builds-v1").string)
            try f.write("a", "2")
            try await f.rebuild(text, "--build-arg", "V=2")
            let steps = try await f.explained()
            #expect(steps["RUN echo $V $W"] == ["ran", "ARG V: now `2`, was `1`"])
            #expect(
                steps["COPY a /a"] == ["ran", "the preceding steps differ", "1 file differs:", "  content  /a"]
            )
        }
    }

    @Test("counts the copy of a directory that stands for a base, as the build does")
    func namedContext() async throws {
        try await BuildFixture.with { f in
            try f.write("other/b", "1")
            try f.write("c", "1")
            let text = "FROM other AS first\nCOPY c /c\nFROM scratch\nCOPY --from=first /b /"
            let flags = "other=\(f.context.appending("other"))"
            try await f.rebuild(text, "--build-context", flags)
            try f.write("other/b", "2")
            let build = try await f.rebuild(text, "--build-context", flags, "--explain")
            #expect(build.errors.contains("] Step 2/5 : COPY --from=other . /"), "\(build)")
            let steps = try await f.explained("--step", "2")
            #expect(steps == ["COPY --from=other . /": ["ran", "1 file differs:", "  content  /b"]])
            #expect(
                try await f.explained("--step", "3") == [
                    "COPY c /c": ["ran", "step 2, which it builds on, changed: COPY --from=other . /"]
                ]
            )
            #expect(try await f.explained("--step", "5").keys.sorted() == ["COPY --from=first /b /"])
        }
    }

    @Test("of one touched file among many reads no content again")
    func manyFiles() async throws {
        try await BuildFixture.with { f in
            for number in 0..<1000 { try f.write("d/\(number % 50)/\(number)", "file \(number)") }
            let text = "FROM scratch\nCOPY d /d"
            try await f.rebuild(text)
            try f.write("d/7/407", "touched")
            try await f.rebuild(text)
            // Nothing of the context is left to be read.
            try FileManager.default.removeItem(atPath: f.context.appending("d").string)
            #expect(try await f.explained()["COPY d /d"] == ["ran", "1 file differs:", "  content  /d/7/407"])
        }
    }
}
