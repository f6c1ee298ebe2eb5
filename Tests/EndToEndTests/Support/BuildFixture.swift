internal import Foundation
internal import Glibc
internal import SystemPackage
internal import Testing

/// A build context, a store of its own, and the binary to use on them; everything is removed at the end.
///
/// Start with `with`; inside, `write` makes the context, `build` builds an image that has to succeed and reads it,
/// `buildFailing` one that has to fail, and `swiftbuild` runs any other command.
struct BuildFixture: Sendable {
    let scratch: FilePath
    var context: FilePath { scratch.appending("context") }
    var store: FilePath { scratch.appending("store") }
    var environment: [String: String] {
        ["PATH": Machine.searchPath, "HOME": scratch.string, "SWIFTBUILD_ROOT": store.string, "LC_ALL": "C.UTF-8"]
    }

    /// Runs a test with a new fixture, and checks that the builds left nothing behind.
    ///
    /// - Parameters:
    ///   - share: `.all` for tests that measure time, so that no other fixture is in use meanwhile.
    ///   - parent: Where the fixture is.
    static func with(
        _ share: Gate.Share = .one,
        in parent: FilePath = Machine.scratch,
        sourceLocation: SourceLocation = #_sourceLocation,
        _ body: (BuildFixture) async throws -> Void
    ) async throws {
        await Gate.shared.enter(share)
        do {
            try await withScratchDirectory(in: parent, sourceLocation, body)
            await Gate.shared.leave(share)
        } catch {
            await Gate.shared.leave(share)
            throw error
        }
    }

    private static func withScratchDirectory(
        in parent: FilePath,
        _ sourceLocation: SourceLocation,
        _ body: (BuildFixture) async throws -> Void
    ) async throws {
        let scratch = parent.appending("swiftbuild-test-\(UUID().uuidString.lowercased())")
        let fixture = BuildFixture(scratch: scratch)
        try FileManager.default.createDirectory(atPath: fixture.context.string, withIntermediateDirectories: true)
        chmod(scratch.string, 0o755)
        do {
            try await body(fixture)
            try fixture.expectNothingLeft(sourceLocation)
            try await fixture.remove()
        } catch {
            if ProcessInfo.processInfo.environment["KEEP_SCRATCH"] == nil {
                try await fixture.remove()
            } else {
                print("kept \(scratch)")
            }
            throw error
        }
    }

    private func remove() async throws {
        // Directories without write permission are content to test, and in the way of an ordinary user here.
        if !Machine.isRoot { _ = try await Machine.run(["chmod", "-R", "u+rwX", scratch.string], in: "/tmp") }
        let result = try await RunningCommand(
            ["rm", "-rf", scratch.string],
            environment: environment,
            directory: "/",
            logs: scratch
        ).waitForStatus()
        if result != 0 { Issue.record("could not remove \(scratch)") }
    }

    /// No mount, and no file half written.
    func expectNothingLeft(_ sourceLocation: SourceLocation = #_sourceLocation) throws {
        #expect(try Machine.mounts(below: scratch) == [], sourceLocation: sourceLocation)
        #expect(temporaryFiles() == [], sourceLocation: sourceLocation)
    }

    /// What lies in the store's directory of unfinished files.
    func temporaryFiles() -> [String] {
        (try? FileManager.default.subpathsOfDirectory(atPath: store.appending("tmp").string)) ?? []
    }

    /// The processes that supervise containers of the store.
    func supervisors() throws -> [pid_t] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }.filter { process in
            let line = (try? readFile(FilePath("/proc/\(process)/cmdline"))) ?? []
            let words = line.split(separator: 0, omittingEmptySubsequences: false)
            return words.count > 3 && words[1].elementsEqual("container-supervisor".utf8)
                && words[2].elementsEqual(store.string.utf8)
        }
    }

    // MARK: - The context

    /// Writes a file of the context, making its directories.
    func write(_ path: String, _ text: String = "", mode: mode_t = 0o644) throws {
        try write(path, bytes: Array(text.utf8), mode: mode)
    }

    func write(_ path: String, bytes: [UInt8], mode: mode_t = 0o644) throws {
        let file = context.pushing(FilePath(path))
        try makeDirectory(FilePath(path).removingLastComponent().string)
        try Data(bytes).write(to: URL(fileURLWithPath: file.string))
        chmod(file.string, mode)
    }

    func makeDirectory(_ path: String, mode: mode_t? = nil) throws {
        let directory = context.pushing(FilePath(path))
        if !fileExists(directory) {
            try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
        }
        if let mode { chmod(directory.string, mode) }
    }

    func link(_ path: String, to target: String) throws {
        try makeDirectory(FilePath(path).removingLastComponent().string)
        try FileManager.default.createSymbolicLink(
            atPath: context.pushing(FilePath(path)).string,
            withDestinationPath: target
        )
    }

    func remove(_ path: String) throws {
        try FileManager.default.removeItem(atPath: context.pushing(FilePath(path)).string)
    }

    // MARK: - The binary

    /// Runs the binary and returns what it said, whatever its exit code.
    func swiftbuild(_ arguments: String..., environment: [String: String] = [:], input: String? = nil) async throws
        -> CommandResult
    {
        try await start(arguments, environment: environment, input: input.map { Array($0.utf8) }).wait()
    }

    /// Runs the binary, which has to succeed.
    @discardableResult
    func succeed(
        _ arguments: String...,
        environment: [String: String] = [:],
        input: [UInt8]? = nil,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> CommandResult {
        let result = try await start(arguments, environment: environment, input: input).wait()
        try #require(result.status == 0, "\(result)", sourceLocation: sourceLocation)
        return result
    }

    /// Starts the binary in the context directory.
    func start(_ arguments: [String], environment: [String: String] = [:], input: [UInt8]? = nil) throws
        -> RunningCommand
    {
        var inputFile: FilePath?
        if let input {
            let path = scratch.appending("input-\(UUID().uuidString)")
            try Data(input).write(to: URL(fileURLWithPath: path.string))
            inputFile = path
        }
        return try RunningCommand(
            [Machine.binary.string] + arguments,
            environment: self.environment.merging(environment) { $1 },
            directory: context,
            logs: scratch,
            input: inputFile
        )
    }

    /// Writes a Dockerfile beside the context and gives its path.
    func dockerfile(_ text: String) throws -> String {
        let path = scratch.appending("Dockerfile-\(UUID().uuidString)")
        try Data((text + "\n").utf8).write(to: URL(fileURLWithPath: path.string))
        return path.string
    }

    /// Builds an image, which has to succeed, and reads it from the store.
    func build(
        _ text: String,
        _ flags: String...,
        environment: [String: String] = [:],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> BuiltImage {
        let identifier = scratch.appending("id-\(UUID().uuidString)")
        let result = try await start(
            ["build", "-f", try dockerfile(text), "--iidfile", identifier.string, "-t", "image-under-test"] + flags
                + [context.string],
            environment: environment
        ).wait()
        try #require(result.status == 0, "\(result)", sourceLocation: sourceLocation)
        return try BuiltImage(
            id: String(decoding: readFile(identifier), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines),
            store: store,
            transcript: result.errors
        )
    }

    /// Builds what has to fail with exit code 1, and gives what was said.
    @discardableResult
    func buildFailing(
        _ text: String,
        _ flags: String...,
        status: Int32 = 1,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> String {
        let result = try await start(["build", "-f", try dockerfile(text)] + flags + [context.string]).wait()
        #expect(result.status == status, "\(result)", sourceLocation: sourceLocation)
        return result.errors
    }

    /// Imports the root filesystem of busybox under a name.
    func importBase(_ name: String = "base") async throws {
        try await succeed("import", "-", name, input: try await BaseImage.shared.archive())
    }
}

/// The root filesystem that the demo also uses, made once for all tests.
actor BaseImage {
    static let shared = BaseImage()

    private var making: Task<[UInt8], any Error>?

    func archive() async throws -> [UInt8] {
        if let making { return try await making.value }
        let task = Task {
            let directory = Machine.scratch.appending("swiftbuild-rootfs-\(UUID().uuidString)")
            try FileManager.default.createDirectory(atPath: directory.string, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(atPath: directory.string) }
            let archive = directory.appending("rootfs.tar")
            let script = Machine.repository.appending("scripts").appending("busybox-rootfs")
            let result = try await Machine.run([script.string, archive.string], in: directory)
            guard result.status == 0 else { throw TestFailure("\(result)") }
            return try readFile(archive)
        }
        making = task
        return try await task.value
    }
}
