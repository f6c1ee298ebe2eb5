internal import Foundation
internal import SystemPackage
internal import Testing

/// Builds what `examples/` shows, so that it cannot rot.
@Suite("The examples")
struct ExamplesTests {
    struct Example: Sendable, CustomTestStringConvertible {
        let name: String
        var testDescription: String { name }
        var directory: FilePath { ExamplesTests.directory.appending(name) }
        var needsDebian: Bool { text("Dockerfile")?.contains("FROM debian:") == true }

        func text(_ file: String) -> String? {
            (try? readFile(directory.appending(file))).map { String(decoding: $0, as: UTF8.self) }
        }
    }

    static let directory = Machine.repository.appending("examples")
    static let all = ((try? FileManager.default.contentsOfDirectory(atPath: directory.string)) ?? []).sorted()
        .map(Example.init).filter { fileExists($0.directory.appending("Dockerfile")) }

    @Test(
        "build, and build again from the cache",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)"),
        arguments: all.filter { !$0.needsDebian }
    )
    func build(_ example: Example) async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            try await Self.build(example, f)
        }
    }

    @Test(
        "with a distribution build, and build again from the cache",
        .enabled("needs root, mmdebstrap and a mirror of Debian") { await DebianBase.shared.path != nil },
        arguments: all.filter(\.needsDebian)
    )
    func buildOnDebian(_ example: Example) async throws {
        let base = try #require(await DebianBase.shared.path)
        try await BuildFixture.with { f in
            try await f.succeed("import", base.string, "debian:bookworm")
            try await Self.build(example, f)
        }
    }

    private static func build(_ example: Example, _ f: BuildFixture) async throws {
        let flags = example.text("arguments")?.split(separator: "\n").map(String.init) ?? []
        let build = ["-t", "example"] + flags + ["."]
        let results = [
            // A distribution's packages come from far away.
            try await Self.start(["-q"] + build, in: example.directory, f).wait(limit: .seconds(600)),
            try await Self.start(build, in: example.directory, f).wait(),
        ]
        for result in results { try #require(result.status == 0, "\(result)") }
        #expect(!results[1].errors.contains("Running in"))
        let id = results[0].line.dropFirst("sha256:".count).prefix(12)
        #expect(results[1].errors.contains("Successfully built \(id)"))
        let run =
            if let check = example.text("check") {
                ["run", "--rm", "--entrypoint", "sh", "example", "-euc", check]
            } else {
                ["run", "--rm", "example"]
            }
        let shown = try await Self.start(run, in: example.directory, f).wait()
        #expect(shown.outputText == example.text("expected-output.txt"), "\(shown)")
    }

    private static func start(_ arguments: [String], in directory: FilePath, _ f: BuildFixture) throws
        -> RunningCommand
    {
        try RunningCommand(
            [Machine.binary.string] + arguments,
            environment: f.environment,
            directory: directory,
            logs: f.scratch
        )
    }
}
