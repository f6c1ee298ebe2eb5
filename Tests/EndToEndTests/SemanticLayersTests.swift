internal import Foundation
internal import Glibc
internal import SystemPackage
internal import Testing

/// The cases of the language that start processes, on layers in each form that these may have: mounted in place,
/// unpacked, and copied where nothing can be mounted.
@Suite(
    "The language, on layers of every form",
    .enabled(if: Machine.mountsLayers, "needs root and EROFS from files")
)
struct SemanticLayersTests {
    private static let forms: [(name: String, environment: [String: String])] = [
        ("mounted", ["SWIFTBUILD_LAYERS": "mounted"]),
        ("unpacked", ["SWIFTBUILD_LAYERS": "unpacked"]),
        ("copied", ["SWIFTBUILD_ISOLATION": UnprivilegedPlace.defaultContainer.name]),
    ]

    /// What layers say in another way that are made of a copy, and means the same.
    private static let copyExceptions: [String: String] = {
        let opened = "a file that is opened to be written, and not written, is in an overlay's layer"
        return [
            "run/removals": "what was in a directory that is made again is removed name by name",
            "mount/mount-points-are-gone": opened,
            "mount/cache-id-names-it": opened,
            "mount/cache-with-a-seed": opened,
        ].merging(UnprivilegedPlace.defaultContainer.exceptions) { own, _ in own }
    }()

    /// What is another image each time.
    private static let exceptions = ["stages/same-stage-for-several": "a random number"]

    @Test("builds to the same image", arguments: SemanticCase.all(needing: .processes))
    func sameImage(_ fixture: SemanticCase) async throws {
        let expected = try SemanticExpectation(
            parsing: String(decoding: readFile(fixture.directory.appending("expected")), as: UTF8.self)
        )
        guard expected.status == 0, expected.looksAtImage, Self.exceptions[fixture.name] == nil else { return }
        try await BuildFixture.with(in: Machine.memory) { f in
            _ = try await SemanticBase.shared.place(in: f)
            let directory = try await fixture.prepared(in: f)
            for parent in try fixture.parents() {
                let result = try await SemanticsTests.build(f, directory, file: parent + ".Dockerfile", tag: parent, [])
                try #require(result.status == 0, "\(result)")
            }
            var images: [String: String] = [:]
            for (name, environment) in Self.forms {
                if name == "copied", Self.copyExceptions[fixture.name] != nil { continue }
                // Caches would have what the build before left there.
                try? FileManager.default.removeItem(atPath: f.store.appending("mounts-v1").string)
                let identifier = f.scratch.appending(name)
                let result = try await SemanticsTests.build(
                    f,
                    directory,
                    file: "Dockerfile",
                    tag: "image-under-test",
                    ["--no-cache", "--iidfile", identifier.string] + fixture.arguments(),
                    environment: environment.merging(["SOURCE_DATE_EPOCH": "1700000000"]) { $1 }
                )
                try #require(result.status == 0, "\(name): \(result)")
                images[name] = String(decoding: try readFile(identifier), as: UTF8.self)
            }
            #expect(Set(images.values).count == 1, "\(images)")
        }
    }
}
