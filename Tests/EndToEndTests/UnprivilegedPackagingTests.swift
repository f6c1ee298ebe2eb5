internal import Foundation
internal import SystemPackage
internal import Testing

/// What others run to have builds without privileges: files that nothing else here executes.
@Suite("What is packaged and shown for builds without privileges")
struct UnprivilegedPackagingTests {
    private static let workflows = ExamplesTests.directory.appending("ci")
    private static let files =
        (FileManager.default.enumerator(atPath: workflows.string)?.compactMap { $0 as? String } ?? [])
        .filter { $0 == "build" || $0.hasSuffix(".yml") || $0.hasSuffix(".yaml") }.sorted()

    @Test("what the workflows of examples/ci call is there, with its flags", arguments: files)
    func calls(name: String) async throws {
        let text = String(decoding: try readFile(Self.workflows.pushing(FilePath(name))), as: UTF8.self)
        var count = 0
        for line in text.split(separator: "\n") where !line.drop(while: \.isWhitespace).hasPrefix("#") {
            // Also of lists of YAML: `[swiftbuild, build, --push]`.
            let words = line.split { " ,[]|".contains($0) }.map(String.init)
            for start in words.indices where words[start] == "swiftbuild" && start + 1 < words.count {
                let command = words[start + 1]
                guard command.allSatisfy({ $0.isLetter || $0 == "-" }) else { continue }
                let help = try await Machine.run([Machine.binary.string, command, "--help"], in: "/tmp")
                try #require(help.status == 0, "\(name): \(line)")
                let end = words[(start + 2)...].firstIndex { ["&&", ";", ">"].contains($0) } ?? words.count
                for flag in words[(start + 2)..<end] where flag.hasPrefix("-") && flag != "-" {
                    let isKnown = help.outputText.split { " ,=\n[]".contains($0) }.contains { $0 == flag }
                    #expect(isKnown, "\(name): `\(flag)` in: \(line)")
                }
                count += 1
            }
            for word in words where word.hasPrefix("examples/") {
                #expect(fileExists(Machine.repository.pushing(FilePath(word))), "\(name): \(word)")
                count += 1
            }
        }
        #expect(count > 0, "\(name) calls nothing")
    }

    @Test(
        "the AppArmor profile is one",
        .enabled("needs apparmor_parser (package apparmor)") { Machine.has("apparmor_parser") }
    )
    func profile() async throws {
        let packaged = Machine.repository.pushing("packaging/apparmor/swiftbuild")
        try await BuildFixture.with { f in
            var text = String(decoding: try readFile(packaged), as: UTF8.self)
            if !fileExists("/etc/apparmor.d/abi/4.0") {
                // Before AppArmor 4 there are no rules about user namespaces; everything else is the same.
                #expect(text.contains("abi <abi/4.0>,\n") && text.contains("\n  userns,\n"))
                text = text.replacing("abi/4.0", with: "abi/3.0").replacing("\n  userns,\n", with: "\n")
            }
            func parse(_ text: String) async throws -> CommandResult {
                let file = f.scratch.appending("profile").string
                try Data(text.utf8).write(to: URL(fileURLWithPath: file))
                return try await Machine.run(["apparmor_parser", "-Q", "-T", "-K", file], in: f.scratch)
            }
            let parsed = try await parse(text)
            #expect(parsed.status == 0, "\(parsed)")
            let file = f.scratch.appending("profile").string
            let names = try await Machine.run(["apparmor_parser", "-N", file], in: f.scratch)
            #expect(names.line == "swiftbuild", "\(names)")
            #expect(try await parse(text.replacing("flags=", with: "flag=")).status != 0)
        }
    }
}
