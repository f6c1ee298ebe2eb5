import FileSystem
import Foundation
import Sandbox
import SystemPackage
import TestSupport
import Testing

/// A scratch directory with a root filesystem of busybox, and empty directories for changes.
final class SandboxFixture: Sendable {
    private let directory: ScratchDirectory
    var scratch: FilePath { directory.path }
    var lower: FilePath { scratch.appending("lower") }
    var upper: FilePath { scratch.appending("upper") }

    private init() throws {
        directory = try ScratchDirectory()
        try BusyboxBase.makeRoot(lower)
        try FileOperations.createDirectories(upper)
    }

    /// Removes everything afterwards, and says where it was when the test failed by an error.
    static func with(_ body: (SandboxFixture) throws -> Void) throws {
        let fixture = try SandboxFixture()
        defer { withExtendedLifetime(fixture) {} }
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

    func write(_ text: String, to path: String) throws { try directory.write(path, text) }
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
    static var needsFullSandbox: Self { .needs(.busybox, .fullIsolation, .overlay) }
}
