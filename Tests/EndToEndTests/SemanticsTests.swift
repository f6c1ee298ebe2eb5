internal import Foundation
internal import Glibc
internal import SystemPackage
internal import Testing

/// One rule of the Dockerfile language each, as directories: `Semantics/README.md` says what is in them.
@Suite("The language, case by case")
struct SemanticsTests {
    @Test("builds to what is expected of it", arguments: SemanticCase.all(needing: .nothing))
    func build(_ fixture: SemanticCase) async throws { try await check(fixture) }

    @Test(
        "builds to what is expected of it, on a base",
        .enabled(if: Machine.has("busybox"), "needs busybox-static"),
        arguments: SemanticCase.all(needing: .base)
    )
    func buildOnBase(_ fixture: SemanticCase) async throws { try await check(fixture) }

    @Test(
        "builds to what is expected of it, with processes",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)"),
        arguments: SemanticCase.all(needing: .processes)
    )
    func buildWithProcesses(_ fixture: SemanticCase) async throws { try await check(fixture) }

    @Test(
        "builds to the same as an ordinary user with subordinate IDs",
        .enabled("no user namespace with subordinate IDs here") {
            try await UnprivilegedPlace.subordinateUsers.isAvailable()
        },
        arguments: SemanticCase.all(needing: .processes)
    )
    func buildWithSubordinateUsers(_ fixture: SemanticCase) async throws {
        let place = UnprivilegedPlace.subordinateUsers
        if place.exceptions[fixture.name] == nil { try await check(fixture, in: place) }
    }

    @Test(
        "builds to the same as an ordinary user without subordinate IDs",
        .enabled("no user namespaces for ordinary users here") { try await UnprivilegedPlace.singleUser.isAvailable() },
        arguments: SemanticCase.all(needing: .processes)
    )
    func buildAsSingleUser(_ fixture: SemanticCase) async throws {
        let place = UnprivilegedPlace.singleUser
        if place.exceptions[fixture.name] == nil { try await check(fixture, in: place) }
    }

    @Test(
        "builds to the same as root of a default container",
        .enabled("no other root directory here") { try await UnprivilegedPlace.defaultContainer.isAvailable() },
        arguments: SemanticCase.all(needing: .processes)
    )
    func buildInDefaultContainer(_ fixture: SemanticCase) async throws {
        let place = UnprivilegedPlace.defaultContainer
        if place.exceptions[fixture.name] == nil { try await check(fixture, in: place) }
    }

    @Test(
        "builds to the same as a user without any privilege",
        .enabled("no tracing here") { try await UnprivilegedPlace.traced.isAvailable() },
        arguments: SemanticCase.all(needing: .processes)
    )
    func buildTraced(_ fixture: SemanticCase) async throws {
        let place = UnprivilegedPlace.traced
        if place.exceptions[fixture.name] == nil { try await check(fixture, in: place) }
    }

    /// - Parameter place: Where builds run; `nil` for here.
    private func check(_ fixture: SemanticCase, in place: UnprivilegedPlace? = nil) async throws {
        let expected = try SemanticExpectation(
            parsing: String(decoding: readFile(fixture.directory.appending("expected")), as: UTF8.self)
        )
        try await BuildFixture.with(in: Machine.memory) { f in
            let base = fixture.need == .nothing ? [:] : try await SemanticBase.shared.place(in: f)
            let directory = try await fixture.prepared(in: f)
            try place?.own(f)
            for parent in try fixture.parents() {
                let result = try await Self.build(f, directory, file: parent + ".Dockerfile", tag: parent, [], place)
                try #require(result.status == 0, "\(result)")
            }
            let identifier = f.scratch.appending("id")
            let result = try await Self.build(
                f,
                directory,
                file: "Dockerfile",
                tag: "image-under-test",
                ["--iidfile", identifier.string] + fixture.arguments(),
                place
            )
            try #require(result.status == expected.status, "\(result)")
            for text in expected.errors {
                #expect(result.errors.contains("error:") && result.errors.contains(text), "\(result)")
            }
            let warnings = SemanticExpectation.warnings(in: result.errors)
            if expected.forbidsWarnings { #expect(warnings == [], "\(result)") }
            for text in expected.warnings {
                #expect(warnings.contains { $0.contains(text) }, "no warning says \(text)\n\(result)")
            }
            guard expected.status == 0, expected.looksAtImage else { return }
            let image = try BuiltImage(
                id: String(decoding: readFile(identifier), as: UTF8.self),
                store: f.store,
                transcript: result.errors
            )
            expected.check(image, on: base)
        }
    }

    static func build(
        _ f: BuildFixture,
        _ directory: FilePath,
        file: String,
        tag: String,
        _ arguments: [String],
        _ place: UnprivilegedPlace? = nil,
        environment: [String: String] = [:]
    ) async throws -> CommandResult {
        let command = ["build", "--progress", "plain", "-f", file, "-t", tag] + arguments + ["context"]
        if let place { return try await place.run(f, command, in: directory) }
        return try await RunningCommand(
            [Machine.binary.string] + command,
            environment: f.environment.merging(environment) { $1 },
            directory: directory,
            logs: f.scratch
        ).wait()
    }
}

/// A store with the busybox base, made once and copied for each case.
actor SemanticBase {
    static let shared = SemanticBase()

    private struct Base {
        /// The store's files by path.
        var store: [String: [UInt8]] = [:]
        var tree: [String: TarEntry] = [:]
    }

    private var making: Task<Base, any Error>?

    /// Gives a fixture's store the image `base`.
    ///
    /// - Returns: the files of the base.
    func place(in f: BuildFixture) async throws -> [String: TarEntry] {
        let task = making ?? Task { try await SemanticBase.make() }
        making = task
        let base = try await task.value
        for (path, bytes) in base.store {
            let file = f.store.pushing(FilePath(path))
            let directory = file.removingLastComponent().string
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            try Data(bytes).write(to: URL(fileURLWithPath: file.string))
        }
        return base.tree
    }

    private static func make() async throws -> Base {
        var base = Base()
        try await BuildFixture.with(.none) { f in
            try await f.importBase()
            for path in try FileManager.default.subpathsOfDirectory(atPath: f.store.string) {
                let file = f.store.pushing(FilePath(path))
                if let bytes = try? readFile(file) { base.store[path] = bytes }
            }
            base.tree = try await f.build("FROM base").tree
        }
        return base
    }
}
