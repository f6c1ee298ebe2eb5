import Foundation
import Testing

/// The walks of `docs/contributing.md` lead through all files that have to do with their examples, and through no others.
@Suite("The walks through the code")
struct WalkTests {
    private static let sources = Manifest.repository.appending(path: "Sources")

    /// The paths of sources in one section of the document.
    private func named(in section: String) throws -> Set<String> {
        let url = Manifest.repository.appending(path: "docs/contributing.md")
        let text = try #require(
            try String(contentsOf: url, encoding: .utf8).components(separatedBy: "\n## ").first {
                $0.hasPrefix(section)
            }
        )
        return Set(text.matches(of: /`(Sources\/[A-Za-z+\/]+\.swift)`/).map { String($0.1) })
    }

    /// The paths of sources in which one of some words stands.
    private func using(_ pattern: Regex<Substring>) throws -> Set<String> {
        let files = try #require(FileManager.default.enumerator(at: Self.sources, includingPropertiesForKeys: nil))
        var result: Set<String> = []
        for case let file as URL in files where file.pathExtension == "swift" {
            guard try String(contentsOf: file, encoding: .utf8).contains(pattern) else { continue }
            result.insert("Sources" + file.path.dropFirst(Self.sources.path.count))
        }
        return result
    }

    @Test("name every file that an instruction is in")
    func instruction() throws {
        let rule = "Sources/BuildChecks/Rules/WorkdirRelativePath.swift"
        #expect(try named(in: "An instruction") == using(/workdir\(|\.workdir\b/).subtracting([rule]))
    }

    @Test("name every file that an output is in")
    func output() throws {
        #expect(try named(in: "An output") == using(/\.layout\(|case layout/))
    }

    @Test("name every file that a check is in, besides its page and its test")
    func check() throws {
        #expect(try named(in: "A check") == using(/workdirRelativePath/))
        #expect(
            FileManager.default.fileExists(atPath: Manifest.repository.path + "/docs/checks/WorkdirRelativePath.md")
        )
    }
}
