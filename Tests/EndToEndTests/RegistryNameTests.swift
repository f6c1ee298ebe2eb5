internal import Foundation
internal import SystemPackage
internal import Testing

/// What commands make of names in a real registry.
@Suite("Names in registries", .enabled(if: RegistryServer.isAvailable, "\(RegistryServer.needs)"))
struct RegistryNameTests: RegistryTesting {
    @Test("--all-tags pushes and pulls every tag of a repository, and no other")
    func allTags() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                try await push(f, to: registry)
                let name = "\(registry.host)/team/app"
                for tag in ["2", "old"] { try await f.succeed("tag", "\(name):1", "\(name):\(tag)") }
                try await f.succeed("tag", "\(name):1", "\(name)-other:3")
                let pushed = try await f.succeed("push", "-aq", name)
                #expect(pushed.outputText == ["1", "2", "old"].map { "\(name):\($0)\n" }.joined(), "\(pushed)")
                let pulled = try await pull(f, name, "--all-tags", "-q")
                #expect(Set(pulled.outputText.split(separator: "\n")).count == 3, "\(pulled)")
                let other = f.scratch.appending("other").string
                #expect(
                    try await f.succeed("images", "--root", other, "--format", "{{.Tag}}").outputText
                        .split(separator: "\n").sorted() == ["1", "2", "old"]
                )
                #expect(try await f.swiftbuild("push", "-a", "\(name):1").status == 2)
                #expect(try await f.swiftbuild("pull", "-a", "\(name):1").status == 2)
                let none = try await f.swiftbuild("push", "-a", "\(registry.host)/none")
                #expect(none.status == 1 && none.errors.contains("none"), "\(none)")
            }
        }
    }

    @Test("run pulls what is not in the store, and what --pull and --platform say", .enabled(if: Machine.canRun))
    func run() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let name = "\(registry.host)/team/base:1"
                try await f.importBase(name)
                try await f.succeed("push", name)
                let other = ["--root", f.scratch.appending("other").string]
                func run(_ flags: String...) async throws -> CommandResult {
                    try await f.start(["run"] + other + flags + [name, "echo", "ran"]).wait()
                }
                let refused = try await run("--pull=never")
                #expect(refused.status == 125 && refused.errors.contains("--pull=never"), "\(refused)")
                let first = try await run()
                #expect(first.outputText == "ran\n" && first.errors.contains("Pulling from"), "\(first)")
                let second = try await run()
                #expect(second.outputText == "ran\n" && second.errors == "", "\(second)")
                let always = try await run("--pull", "always")
                // One question tells that it is the newest.
                #expect(always.outputText == "ran\n" && always.errors == "", "\(always)")
                #expect(try await run("-q", "--pull", "always").errors == "")
                let foreign = try await run("--platform", "linux/s390x", "--pull=never")
                #expect(foreign.status == 125, "\(foreign)")
            }
        }
    }
}
