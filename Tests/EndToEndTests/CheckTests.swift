internal import Foundation
internal import SystemPackage
internal import Testing

/// A page of `docs/checks`: its examples are what the rule says they are.
struct CheckPage: Sendable, CustomTestStringConvertible {
    let rule: String
    let bad: String
    let good: String
    var testDescription: String { rule }

    static let all: [CheckPage] = {
        let directory = Machine.repository.appending("docs").appending("checks")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? []
        return names.filter { $0.hasSuffix(".md") && $0 != "README.md" }.sorted().compactMap { name in
            guard let text = try? String(decoding: readFile(directory.appending(name)), as: UTF8.self) else {
                return nil
            }
            return CheckPage(
                rule: String(name.dropLast(3)),
                bad: example("Bad", in: text),
                good: example("Good", in: text)
            )
        }
    }()

    private static func example(_ heading: String, in text: String) -> String {
        guard let section = text.components(separatedBy: "## \(heading)\n").dropFirst().first else { return "" }
        let parts = section.components(separatedBy: "```dockerfile\n")
        return parts.count > 1 ? parts[1].components(separatedBy: "```")[0] : ""
    }
}

@Suite struct CheckTests {
    private struct Report: Decodable {
        struct Entry: Decodable {
            struct Place: Decodable, Equatable {
                let line: Int
                let column: Int
                let endLine: Int
                let endColumn: Int
            }
            let severity: String
            let rule: String?
            let message: String
            let path: String
            let place: Place?
        }
        let diagnostics: [Entry]
    }

    private func report(_ result: CommandResult) throws -> [Report.Entry] {
        try JSONDecoder().decode(Report.self, from: Data(result.output)).diagnostics
    }

    @Test("the bad example of a page gives its rule, the good one nothing")
    func pages() async throws {
        #expect(CheckPage.all.count == 22)
        try await BuildFixture.with { fixture in
            try await fixture.importBase()
            try fixture.write(".dockerignore", "secrets\n")
            for page in CheckPage.all {
                for (text, rules) in [(page.bad, [page.rule]), (page.good, [])] {
                    try #require(!text.isEmpty, "\(page.rule)")
                    let result = try await fixture.swiftbuild("check", "-f", "-", "--format", "json", ".", input: text)
                    let warnings = try report(result).filter { $0.severity == "warning" }
                    #expect(warnings.map(\.rule) == rules, "\(page.rule): \(result)")
                }
            }
        }
    }

    @Test("every rule has a page and stands in the index")
    func index() throws {
        let directory = Machine.repository.appending("docs").appending("checks")
        let index = try String(decoding: readFile(directory.appending("README.md")), as: UTF8.self)
        for page in CheckPage.all { #expect(index.contains("| [\(page.rule)](\(page.rule).md) | "), "\(page.rule)") }
        let rules = Machine.repository.appending("Sources").appending("BuildChecks").appending("Rules")
        let files = try FileManager.default.contentsOfDirectory(atPath: rules.string).map { $0.dropLast(6) }.sorted()
        #expect(files.map(String.init) == CheckPage.all.map(\.rule))
    }

    @Test("check says what is wrong, with place, excerpt and hint, and writes nothing")
    func text() async throws {
        try await BuildFixture.with { fixture in
            try fixture.write("Dockerfile", "FROM scratch AS One\nEXPOSE 80/TCP\nRUN\tx\n")
            let result = try await fixture.swiftbuild("check")
            #expect(result.status == 0, "\(result)")
            #expect(
                result.outputText == """
                    Dockerfile:1:17: warning: the stage name `One` has upper-case letters [StageNameCasing]
                      1 | FROM scratch AS One
                        |                 ^~~ write `one`
                    hint: `# check=skip=StageNameCasing` above the instruction or at the top of the file silences this
                    Dockerfile:2:8: warning: the protocol of `80/TCP` has upper-case letters [ExposeProtoCasing]
                      2 | EXPOSE 80/TCP
                        |        ^~~~~~ write `80/tcp`

                    """
            )
            #expect(!fileExists(fixture.store))
            let build = try await fixture.swiftbuild("build", "--check", ".")
            #expect(build.output == result.output && build.status == 0)
            let places = try report(await fixture.swiftbuild("--call=check,format=json", ".")).map(\.place)
            #expect(
                places == [
                    .init(line: 1, column: 17, endLine: 1, endColumn: 20),
                    .init(line: 2, column: 8, endLine: 2, endColumn: 14),
                ]
            )
            #expect(try await fixture.swiftbuild("build", "--call=what", ".").status == 2)
            #expect(!fileExists(fixture.store))
        }
    }

    @Test("an error of the syntax does not hide the warnings before it")
    func beforeErrors() async throws {
        try await BuildFixture.with { fixture in
            try fixture.write("Dockerfile", "FROM scratch AS One\nCMD x\nRUNN\nLABEL a b\n")
            let found = try report(await fixture.swiftbuild("check", "--format", "json"))
            #expect(found.map(\.rule) == ["StageNameCasing", "JSONArgsRecommended", nil])
            #expect(try await fixture.swiftbuild("check").status == 1)
        }
    }

    @Test("errors end with exit code 1, and so do warnings with error=true")
    func status() async throws {
        try await BuildFixture.with { fixture in
            let cases: [(text: String, flags: [String], status: Int32)] = [
                ("FROM scratch\n", [], 0), ("FROM scratch as a\n", [], 0),
                ("# check=error=true\nFROM scratch as a\n", [], 1), ("FROM scratch\n", ["--target=nope"], 1),
                ("FROM scratch\nEXPOSE x\n", [], 1), ("FROM scratch\nRUNN\n", [], 1),
                ("FROM scratch\n", ["--build-arg", "BUILDKIT_DOCKERFILE_CHECK=skip"], 1),
                ("FROM scratch\n", ["--form=x"], 2),
            ]
            for row in cases {
                try fixture.write("Dockerfile", row.text)
                let result = try await fixture.start(["check"] + row.flags).wait()
                #expect(result.status == row.status, "\(row): \(result)")
            }
        }
    }

    @Test("a build warns about the stages it builds, and error=true ends it before anything is done")
    func build() async throws {
        try await BuildFixture.with { fixture in
            let text = "FROM scratch AS Other\nFROM scratch\nCOPY <<A /a\nA\nCMD x"
            let built = try await fixture.build(text)
            #expect(
                built.transcript.contains(
                    "warning: CMD runs in a shell, which does not forward signals [JSONArgsRecommended]"
                )
            )
            #expect(!built.transcript.contains("StageNameCasing"))
            let failed = try await fixture.buildFailing("# check=error=true\n" + text)
            #expect(failed.contains(":1:9: error: build checks failed: JSONArgsRecommended\n"))
            #expect(!failed.contains("Step 1"))
            let skipped = try await fixture.build("# check=skip=all;error=true\n" + text)
            #expect(!skipped.transcript.contains("warning"))
        }
    }

    @Test("an instruction that cannot work is known before the first step runs")
    func early() async throws {
        try await BuildFixture.with { fixture in
            let said = try await fixture.buildFailing("FROM scratch\nCOPY <<A /a\nA\nEXPOSE x\nSTOPSIGNAL y")
            #expect(said.contains(":4:8: error: invalid port `x`") && !said.contains("Step 1"))
        }
    }
}
