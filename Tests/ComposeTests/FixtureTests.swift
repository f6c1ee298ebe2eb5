import Compose
import Foundation
import SystemPackage
import Testing

/// Directories with the files of a project and what comes of them; `UPDATE_GOLDEN=1` rewrites the expectations.
@Suite("Each fixture")
struct FixtureTests {
    private static let directory = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Fixtures")

    private static let names = ((try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []).sorted()

    /// `options` has a flag of `compose` a line: `file a.yaml`, `profile p`, `service web`.
    private func options(_ directory: URL) -> ProjectOptions {
        var options = ProjectOptions(
            variables: ["HOME": "/home/me", "FROM_PROCESS": "process"],
            workingDirectory: FilePath(directory.path)
        )
        let lines = (try? String(contentsOf: directory.appending(path: "options"), encoding: .utf8)) ?? ""
        for line in lines.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 1).map(String.init)
            switch words[0] {
            case "file": options.files.append(words[1])
            case "profile": options.profiles.append(words[1])
            case "service": options.services.append(words[1])
            case "env-file": options.environmentFiles.append(words[1])
            case "name": options.name = words[1]
            case "no-interpolate": options.interpolates = false
            default: Issue.record("unknown option \(line)")
            }
        }
        return options
    }

    @Test("is resolved as expected", arguments: names, DocumentFormat.allCases)
    func document(name: String, format: DocumentFormat) throws {
        let directory = Self.directory.appending(path: name)
        let options = options(directory)
        let text = try ResolvedProject(options).text(format, escapesDollars: options.interpolates)
            .replacingOccurrences(of: directory.path, with: "/project")
        let file = directory.appending(path: "expected.\(format.rawValue)")
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" {
            try Data(text.utf8).write(to: file)
        } else {
            #expect(try String(contentsOf: file, encoding: .utf8) == text)
        }
    }

    @Test("means the same when what is printed is read again", arguments: names)
    func again(name: String) throws {
        let directory = Self.directory.appending(path: name)
        var options = options(directory)
        guard options.interpolates else { return }
        let first = try ResolvedProject(options).text(.yaml)
        options.files = ["-"]
        options.standardInput = { Array(first.utf8) }
        #expect(try ResolvedProject(options).text(.yaml) == first)
    }
}
