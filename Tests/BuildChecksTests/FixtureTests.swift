import BuildChecks
import BuildPlanning
import DockerfileSyntax
import Foundation
import Reporting
import Testing

/// Directories with a `Dockerfile`, perhaps `arguments`, and what a check says of it; `UPDATE_GOLDEN=1` rewrites that.
private enum Fixtures {
    static let tests = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    static let directory = tests.appending(path: "BuildChecksTests/Fixtures")
    static let repository = tests.deletingLastPathComponent()

    static func names(in directory: URL) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []).sorted()
    }
}

@Suite struct FixtureTests {
    @Test("what is said of each fixture is as expected", arguments: Fixtures.names(in: Fixtures.directory))
    func said(name: String) throws {
        let directory = Fixtures.directory.appending(path: name)
        let source = SourceText(
            name: "Dockerfile",
            bytes: Array(try Data(contentsOf: directory.appending(path: "Dockerfile")))
        )
        var options = PlanOptions()
        let arguments = (try? String(contentsOf: directory.appending(path: "arguments"), encoding: .utf8)) ?? ""
        for line in arguments.split(separator: "\n") where line.hasPrefix("--target=") {
            options.target = String(line.dropFirst("--target=".count))
        }
        let report = CheckReport(try Dockerfile(parsing: source), options: options) { _ in nil }
        let found =
            report.errors + report.warnings.map(\.diagnostic) + report.otherWarnings
            + (report.failure.map { [$0] } ?? [])
        let text = DiagnosticRenderer().render(DiagnosticsError(source: source, diagnostics: found))
        let file = directory.appending(path: "expected.txt")
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" {
            try Data(text.utf8).write(to: file)
        } else {
            #expect(try String(contentsOf: file, encoding: .utf8) == text)
        }
    }

    /// Messages that no fixture can give.
    private static let unreachable: Set<String> = [
        // A flag is checked before its options are read.
        "--mount needs a value",
        // Only a dump says so; as a file it has an error already.
        "ONBUILD is nested more than 100 deep",
        // A plan has its target.
        "no stage to build",
    ]

    @Test("every message of syntax and planning has a fixture", arguments: ["DockerfileSyntax", "BuildPlanning"])
    func complete(target: String) throws {
        var expected = ""
        for fixtures in [Fixtures.directory, Fixtures.tests.appending(path: "DockerfileSyntaxTests/FixturesInvalid")] {
            for name in Fixtures.names(in: fixtures) {
                expected += try String(contentsOf: fixtures.appending(path: "\(name)/expected.txt"), encoding: .utf8)
            }
        }
        // The first argument of what makes a message: text with interpolations, in which parentheses may nest once.
        let interpolation = #"\\\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)"#
        let message = try NSRegularExpression(
            pattern: #"(?:Diagnostic\(|ExpansionFailure\(|throw invalid\()\s*(?:\.\w+,\s*)?"((?:[^"\\]|"#
                + interpolation
                + #"|\\.)*)""#
        )
        let sources = Fixtures.repository.appending(path: "Sources/\(target)")
        var count = 0
        for case let file as URL in FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil)
            ?? .init()
        where file.pathExtension == "swift" {
            let text = try String(contentsOf: file, encoding: .utf8)
            for match in message.matches(in: text, range: NSRange(text.startIndex..., in: text)) {
                guard let range = Range(match.range(at: 1), in: text) else { continue }
                let template = String(text[range])
                count += 1
                if Self.unreachable.contains(template) { continue }
                let pattern = Self.pattern(of: template, interpolation)
                #expect(
                    expected.range(of: pattern, options: .regularExpression) != nil,
                    "no fixture for `\(template)` of \(file.lastPathComponent)"
                )
            }
        }
        #expect(count > 30)
    }

    /// A regular expression for what a string literal may become.
    private static func pattern(of literal: String, _ interpolation: String) -> String {
        let parts = literal.replacingOccurrences(of: interpolation, with: "\u{0}", options: .regularExpression)
            .replacingOccurrences(of: #"\""#, with: "\"").replacingOccurrences(of: #"\\"#, with: #"\"#)
        return parts.split(separator: "\u{0}", omittingEmptySubsequences: false)
            .map { NSRegularExpression.escapedPattern(for: String($0)) }.joined(separator: ".*")
    }
}
