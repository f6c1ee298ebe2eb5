import FileSystem
import Foundation
import Sandbox
import SystemPackage
import Testing

/// A scratch directory with a root filesystem of busybox, and empty directories for changes.
final class SandboxFixture: Sendable {
    static let busybox: FilePath = "/bin/busybox"
    static let machine = SandboxCapabilities.probe(in: FilePath(NSTemporaryDirectory()))
    /// Why tests that need all of a sandbox are skipped, `nil` when they run.
    static let obstacle: String? = {
        if !FileManager.default.isExecutableFile(atPath: busybox.string) { return "there is no static busybox" }
        if machine.isolation != .full { return machine.limits.first?.reason ?? "no isolation" }
        return machine.overlayLimit
    }()
    static var canRun: Bool {
        if let obstacle { print("skipped: \(obstacle)") }
        return obstacle == nil
    }

    let scratch: FilePath
    var lower: FilePath { scratch.appending("lower") }
    var upper: FilePath { scratch.appending("upper") }

    private init() throws {
        scratch = FilePath(NSTemporaryDirectory()).appending("sandbox-tests-\(UUID().uuidString)")
        try FileOperations.createDirectories(scratch)
        // Other users pass through to what is inside.
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: scratch.string)
        try Self.makeRoot(lower)
        try FileOperations.createDirectories(upper)
    }

    /// Makes a root filesystem whose commands are all links to busybox.
    static func makeRoot(_ path: FilePath) throws {
        for name in ["bin", "etc", "root", "tmp"] { try FileOperations.createDirectories(path.appending(name)) }
        // Not by Foundation, whose copy is open for writing in every process that other tests start meanwhile.
        try FileOperations.writeAtomically(
            FileOperations.read(busybox),
            to: path.appending("bin/busybox"),
            temporary: path,
            permissions: 0o755
        )
        let commands = [
            "sh", "true", "false", "cat", "echo", "env", "id", "hostname", "ls", "rm", "mkdir", "sleep", "pwd", "touch",
            "readlink", "stat", "grep", "kill", "mknod", "chmod", "dd", "tty", "mount", "umask", "head",
        ]
        for command in commands {
            try FileManager.default.createSymbolicLink(
                atPath: path.appending("bin").appending(command).string,
                withDestinationPath: "busybox"
            )
        }
    }

    /// Removes everything afterwards, and says where it was when the test failed by an error.
    static func with(_ body: (SandboxFixture) throws -> Void) throws {
        let fixture = try SandboxFixture()
        defer { try? FileOperations.removeTree(fixture.scratch) }
        try body(fixture)
    }

    /// A configuration that runs a shell script over the fixture's root, with a new work directory.
    func configuration(_ script: String) throws -> SandboxConfiguration {
        try configuration(arguments: ["sh", "-c", script])
    }

    func configuration(arguments: [String]) throws -> SandboxConfiguration {
        var configuration = SandboxConfiguration(
            root: .overlay(lower: [lower], upper: upper, work: try freshWork()),
            arguments: arguments
        )
        configuration.environment = ["PATH=/usr/bin:/bin"]
        return configuration
    }

    func freshWork() throws -> FilePath {
        let work = scratch.appending("work-\(UUID().uuidString)")
        try FileOperations.createDirectories(work)
        return work
    }

    func exists(_ path: String) -> Bool { FileStatus.ifPresent(scratch.appending(path)) != nil }

    func write(_ text: String, to path: String) throws {
        let target = scratch.appending(path)
        try FileOperations.createDirectories(target.removingLastComponent())
        try text.write(toFile: target.string, atomically: false, encoding: .utf8)
    }
}

/// What a process did.
struct Outcome {
    var exit: SandboxExit
    var output: String
    var error: String
    var created: [CreatedMountPoint]
}

/// Runs a process to its end and collects what it writes.
func run(_ configuration: SandboxConfiguration) throws -> Outcome {
    let process = try SandboxProcess.launch(configuration)
    var bytes: [[UInt8]] = [[], []]
    try process.readOutput { stream, chunk in bytes[stream == .output ? 0 : 1].append(contentsOf: chunk) }
    return Outcome(
        exit: try process.wait(),
        output: String(decoding: bytes[0], as: UTF8.self),
        error: String(decoding: bytes[1], as: UTF8.self),
        created: process.createdMountPoints
    )
}

extension Trait where Self == ConditionTrait {
    static var needsFullSandbox: Self {
        .enabled(if: SandboxFixture.canRun, "needs root, namespaces, overlay and busybox")
    }
}
