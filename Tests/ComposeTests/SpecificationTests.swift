import Foundation
import Testing

@testable import Compose

@Suite("The tables of keys")
struct SpecificationTests {
    /// Each key below a record, in order, with what becomes of it.
    private func rows(_ record: Record, _ path: String) -> [String] {
        record.fields.sorted { $0.name < $1.name }.flatMap { field -> [String] in
            let name = path + field.name
            let meaning =
                switch field.support {
                case .full: "yes"
                case .ignored(let reason): "ignored with a warning: \(reason)"
                case .missing(let reason): "not supported: \(reason)"
                }
            return ["| `\(name)` | \(meaning) |"] + (field.support == .full ? inner(field.shape, name) : [])
        }
    }

    private func inner(_ shape: Shape, _ path: String) -> [String] {
        switch shape {
        case .record(let record): rows(record, path + ".")
        case .list(let element, _): inner(element, path + "[]")
        case .map(let value): inner(value, path + ".*")
        case .anyOf(_, let second): inner(second, path)
        case .short(_, let full): inner(full, path)
        default: []
        }
    }

    @Test("are what docs/compose.md says")
    func document() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = root.appending(path: "docs/compose.md")
        let text = try String(contentsOf: file, encoding: .utf8)
        let begin = "<!-- keys: made by the tests of Compose with UPDATE_GOLDEN=1 -->\n"
        let end = "<!-- end of keys -->"
        let start = try #require(text.range(of: begin))
        let stop = try #require(text.range(of: end))
        let table = "\n| Key | |\n| --- | --- |\n" + rows(Specification.project, "").joined(separator: "\n") + "\n\n"
        if ProcessInfo.processInfo.environment["UPDATE_GOLDEN"] == "1" {
            let new = text[..<start.upperBound] + table + text[stop.lowerBound...]
            try Data(new.utf8).write(to: file)
        } else {
            #expect(text[start.upperBound..<stop.lowerBound] == table)
        }
    }
}
