internal import Foundation
internal import SystemPackage
internal import Testing

/// Builds what `examples/` shows, so that it cannot rot.
@Suite("The examples")
struct ExamplesTests {
    static let names =
        (try? FileManager.default.contentsOfDirectory(atPath: Machine.repository.appending("examples").string))?
        .filter { fileExists(Machine.repository.appending("examples").appending($0).appending("Dockerfile")) }.sorted()
        ?? []

    @Test(
        "build, and build again from the cache",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)"),
        arguments: names
    )
    func build(name: String) async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            let example = Machine.repository.appending("examples").appending(name).string
            let first = try await f.succeed("-q", "-t", "example", example).line
            let second = try await f.succeed("-t", "example", example)
            #expect(!second.errors.contains("Running in"))
            #expect(second.errors.contains("Successfully built \(first.dropFirst("sha256:".count).prefix(12))"))
            let expected = Machine.repository.appending("examples").appending(name).appending("expected-output.txt")
            if fileExists(expected) {
                #expect(try await f.succeed("run", "--rm", "example").output == readFile(expected))
            }
        }
    }
}
