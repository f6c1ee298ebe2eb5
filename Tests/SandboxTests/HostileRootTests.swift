import FileSystem
import Foundation
import Sandbox
import SystemPackage
import Testing

/// Images that try to make a mount land on the machine, or a process get out.
@Suite("Hostile root filesystems", .needsFullSandbox)
struct HostileRootTests {
    @Test(
        "A link where /proc, /sys or /dev belongs is refused, and leads nowhere",
        arguments: ["proc", "sys", "dev"],
        ["CANARY", "../../../../../../CANARY"]
    )
    func systemDirectories(name: String, target: String) throws {
        try SandboxFixture.with { fixture in
            try fixture.write("canary", to: "canary/file")
            let link = target.replacingOccurrences(of: "CANARY", with: fixture.scratch.appending("canary").string)
            try FileManager.default.createSymbolicLink(
                atPath: fixture.lower.appending(name).string,
                withDestinationPath: link
            )
            let configuration = try fixture.configuration("true")
            let error = #expect(throws: SandboxError.self) { try run(configuration) }
            #expect(error?.description.contains("which is a symbolic link in the image") == true)
            #expect(try FileOperations.names(in: fixture.scratch.appending("canary")) == [Array("file".utf8)])
        }
    }

    @Test("Links at mount targets are followed inside the root only", arguments: ["", "../../../../.."])
    func targets(prefix: String) throws {
        try SandboxFixture.with { fixture in
            try fixture.write("canary", to: "canary/file")
            try fixture.write("from the sandbox", to: "resolv.conf")
            let canary = fixture.scratch.appending("canary").string
            try FileManager.default.removeItem(atPath: fixture.lower.appending("etc").string)
            for (name, target) in [("etc", canary), ("cache", canary + "/made")] {
                try FileManager.default.createSymbolicLink(
                    atPath: fixture.lower.appending(name).string,
                    withDestinationPath: prefix + target
                )
            }
            var configuration = try fixture.configuration("cat /etc/resolv.conf; echo x > /cache/x; echo y > /etc/file")
            configuration.mounts = [
                SandboxMount(.bind(fixture.scratch.appending("resolv.conf")), target: "/etc/resolv.conf"),
                SandboxMount(.memory(), target: "/cache"),
            ]
            configuration.workingDirectory = "/etc/work"
            let outcome = try run(configuration)
            #expect(outcome.output == "from the sandbox", "\(outcome)")
            #expect(outcome.created.contains { $0.path == canary + "/resolv.conf" && !$0.isDirectory })
            #expect(try FileOperations.names(in: fixture.scratch.appending("canary")) == [Array("file".utf8)])
            #expect(try String(contentsOfFile: canary + "/file", encoding: .utf8) == "canary")
        }
    }

    @Test("A loop of links is an error")
    func loop() throws {
        try SandboxFixture.with { fixture in
            try FileManager.default.createSymbolicLink(
                atPath: fixture.lower.appending("loop").string,
                withDestinationPath: "loop"
            )
            var configuration = try fixture.configuration("true")
            configuration.mounts = [SandboxMount(.memory(), target: "/loop/x")]
            let error = #expect(throws: SandboxError.self) { try run(configuration) }
            #expect(error?.errno == .tooManySymbolicLinkLevels)
        }
    }

    @Test("The source of a bind inside a root cannot leave it")
    func sources() throws {
        try SandboxFixture.with { fixture in
            try fixture.write("canary", to: "canary/file")
            try fixture.write("inside", to: "stage\(fixture.scratch.string)/canary/file")
            for (name, target) in [("absolute", ""), ("climbing", "../../../../../../..")] {
                try FileManager.default.createSymbolicLink(
                    atPath: fixture.scratch.appending("stage").appending(name).string,
                    withDestinationPath: target + fixture.scratch.appending("canary").string
                )
            }
            var configuration = try fixture.configuration("cat /a/file /b/file /c/file; ls /d")
            let stage = fixture.scratch.appending("stage")
            try FileOperations.createDirectories(fixture.scratch.appending("empty"))
            configuration.mounts = [
                SandboxMount(.bindInside(root: stage, path: "/absolute"), target: "/a"),
                SandboxMount(.bindInside(root: stage, path: "climbing"), target: "/b"),
                SandboxMount(
                    .overlay(lower: [stage, fixture.scratch.appending("empty")], path: "/absolute"),
                    target: "/c"
                ),
                SandboxMount(.bindInside(root: stage, path: "../../.."), target: "/d"),
            ]
            let outcome = try run(configuration)
            #expect(outcome.output.hasPrefix("insideinsideinside"), "\(outcome)")
            #expect(outcome.output.contains("absolute\nclimbing\n"))
        }
    }

    @Test(
        "No working directory leads out",
        arguments: ["/proc/self/fd/3", "/proc/self/cwd", "/proc/1/root/../..", "/link"]
    )
    func workingDirectory(path: String) throws {
        try SandboxFixture.with { fixture in
            try FileManager.default.createSymbolicLink(
                atPath: fixture.lower.appending("link").string,
                withDestinationPath: "/proc/self/fd/4"
            )
            for number in 3..<12 {
                var configuration = try fixture.configuration("ls /; ls ../../../..")
                configuration.workingDirectory = path.replacingOccurrences(of: "/3", with: "/\(number)")
                do {
                    let outcome = try run(configuration)
                    let names = outcome.output.split(separator: "\n")
                    #expect(names.count(where: { $0 == "link" }) == 2, "\(outcome)")
                } catch let error as SandboxError {
                    #expect(error.description.contains("working directory"), "\(error)")
                }
            }
        }
    }

    @Test("Changing the mode of a device inside leaves the machine's alone")
    func deviceMode() throws {
        try SandboxFixture.with { fixture in
            let before = try FileStatus.of("/dev/null").permissions
            _ = try run(fixture.configuration("chmod 600 /dev/null /dev/zero"))
            #expect(try FileStatus.of("/dev/null").permissions == before)
        }
    }
}
