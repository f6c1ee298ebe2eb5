internal import Foundation
internal import SystemPackage
internal import Testing

/// What root of the machine builds in `ExamplesTests`, where there is less than root.
@Suite("The examples on Debian", .serialized)
struct UnprivilegedExamplesTests {
    struct Combination: Sendable, CustomTestStringConvertible {
        let example: String
        let place: UnprivilegedPlace
        var testDescription: String { "\(example), \(place.name)" }
    }

    private static let places: [UnprivilegedPlace] = [.subordinateUsers, .singleUser, .defaultContainer, .traced]
    /// The other example takes minutes at each level, and does there what this one does.
    private static let all =
        places.map { Combination(example: "database", place: $0) }
        + [Combination(example: "python-service", place: .singleUser)]

    @Test(
        "build without privileges, and their images run as those of root",
        .enabled("needs root, mmdebstrap and a mirror of Debian") { await DebianBase.shared.path != nil },
        arguments: all
    )
    func build(_ combination: Combination) async throws {
        guard try await combination.place.isAvailable() else {
            print("skipped: there is no isolation `\(combination.place.name)` here")
            return
        }
        try await BuildFixture.with { f in
            let archive = try await Self.build(combination.example, in: combination.place, f)
            let root = f.scratch.appending("root").string
            try await f.succeed("load", "--root", root, "-i", archive)
            let example = ExamplesTests.Example(name: combination.example)
            var run = ["run", "--root", root, "--rm"]
            if let check = example.text("check") {
                run += ["--entrypoint", "sh", "example", "-euc", check]
            } else {
                run.append("example")
            }
            let shown = try await f.start(run).wait()
            #expect(shown.outputText == example.text("expected-output.txt"), "\(shown)")
        }
    }

    /// Builds an example there, and gives the path of the saved image, which is called `example`.
    private static func build(_ name: String, in place: UnprivilegedPlace, _ f: BuildFixture) async throws -> String {
        let base = try #require(await DebianBase.shared.path)
        let archive = f.scratch.appending("debian.tar").string
        try FileManager.default.copyItem(atPath: base.string, toPath: archive)
        let context = f.scratch.appending("example")
        try FileManager.default.copyItem(
            atPath: ExamplesTests.directory.pushing(FilePath(name)).string,
            toPath: context.string
        )
        try place.own(f)
        let saved = f.scratch.appending("saved.tar").string
        for arguments in [
            ["import", archive, "debian:bookworm"], ["-q", "-t", "example", "."], ["save", "-o", saved, "example"],
        ] {
            // A distribution's packages come from far away.
            let result = try await place.run(f, arguments, in: context, limit: .seconds(600))
            try #require(result.status == 0, "\(result)")
        }
        return saved
    }
}
