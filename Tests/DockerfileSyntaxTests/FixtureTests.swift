import DockerfileSyntax
import Foundation
import Reporting
import Testing

/// Directories with a `Dockerfile` and what comes of it; `UPDATE_GOLDEN=1` rewrites the expectations.
private enum Fixtures {
    static let directory = URL(filePath: #filePath).deletingLastPathComponent()

    static func names(_ kind: String) -> [String] {
        let entries = try? FileManager.default.contentsOfDirectory(atPath: directory.appending(path: kind).path)
        return (entries ?? []).sorted()
    }

    static func source(_ kind: String, _ name: String) throws -> SourceText {
        let data = try Data(contentsOf: directory.appending(path: "\(kind)/\(name)/Dockerfile"))
        return SourceText(name: "Dockerfile", bytes: Array(data))
    }

    static func compare(_ actual: String, _ kind: String, _ name: String) throws {
        let file = directory.appending(path: "\(kind)/\(name)/expected.txt")
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" {
            try Data(actual.utf8).write(to: file)
        } else {
            #expect(try String(contentsOf: file, encoding: .utf8) == actual)
        }
    }
}

@Suite struct FixtureTests {
    @Test("the tree of each fixture is as expected", arguments: Fixtures.names("Fixtures"))
    func tree(name: String) throws {
        let dockerfile = try Dockerfile(parsing: Fixtures.source("Fixtures", name))
        try Fixtures.compare(TreeDump.dump(dockerfile), "Fixtures", name)
    }

    @Test("the errors of each invalid fixture are as expected", arguments: Fixtures.names("FixturesInvalid"))
    func errors(name: String) throws {
        let source = try Fixtures.source("FixturesInvalid", name)
        let error = #expect(throws: DiagnosticsError.self) { _ = try Dockerfile(parsing: source) }
        let text = DiagnosticRenderer().render(try #require(error))
        try Fixtures.compare(text, "FixturesInvalid", name)
    }
}
