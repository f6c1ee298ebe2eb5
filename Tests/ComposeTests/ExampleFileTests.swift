import Foundation
import Reporting
import SystemPackage
import Testing

@testable import Compose

@Suite("The workflows of examples/ci")
struct ExampleFileTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()
    private static let directory = root.appending(path: "examples/ci")

    static let files = (FileManager.default.enumerator(atPath: directory.path)?.compactMap { $0 as? String } ?? [])
        .filter { $0.hasSuffix(".yml") || $0.hasSuffix(".yaml") }.sorted()

    @Test("are YAML with one mapping each", arguments: files)
    func workflow(name: String) throws {
        let text = try String(contentsOf: Self.directory.appending(path: name), encoding: .utf8)
        let source = SourceFile(SourceText(name: name, text: text), path: FilePath(name))
        let documents = try YAMLReader.documents(of: source)
        try #require(documents.count == 1)
        #expect(documents[0].mapping?.entries.isEmpty == false)
    }
}
