import Foundation
import SystemPackage
import Testing

@Suite("The whole store", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
struct SystemCommandTests {
    private func usage(_ f: BuildFixture, _ kind: String) async throws -> [String] {
        let format = "{{.Type}}|{{.TotalCount}}|{{.Active}}|{{.Reclaimable}}"
        let lines = try await f.succeed("system", "df", "--format", format).outputText.split(separator: "\n")
        let row = try #require(lines.first { $0.hasPrefix(kind + "|") })
        return row.split(separator: "|").dropFirst().map(String.init)
    }

    @Test("is counted and pruned as with Docker: what containers use stays")
    func prune() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            _ = try await f.build("FROM base\nVOLUME /v\nRUN echo x > /x", "-t", "used")
            _ = try await f.build("FROM base\nRUN echo y > /y", "-t", "unused")
            try await f.succeed("run", "-d", "--name", "web", "-v", "data:/d", "used", "sleep", "100")
            try await f.succeed("create", "--name", "old", "used", "true")
            try await f.succeed("create", "--name", "kept", "-l", "keep", "base", "true")
            #expect(try await usage(f, "Images").prefix(2) == ["3", "2"])
            #expect(try await usage(f, "Containers").prefix(2) == ["3", "1"])
            #expect(try await usage(f, "Local Volumes").prefix(2) == ["3", "3"])
            let table = try await f.succeed("system", "df").outputText
            #expect(table.contains("TYPE") && table.contains("ACTIVE") && table.contains("Build Cache"), "\(table)")
            let details = try await f.succeed("system", "df", "-v").outputText
            #expect(details.contains("VOLUME NAME") && details.contains("web"), "\(details)")

            let declined = try await f.swiftbuild("system", "prune", input: "n\n")
            #expect(declined.status == 0 && declined.outputText.contains("  - all stopped containers\n"), "\(declined)")
            #expect(try await f.swiftbuild("system", "prune").errors.contains("cannot prompt"))
            #expect(try await f.swiftbuild("system", "prune", "--volumes", "-f", "--filter", "until=1h").status == 2)
            #expect(try await usage(f, "Containers").prefix(2) == ["3", "1"])

            try await f.succeed("system", "prune", "-f", "--filter", "label!=keep")
            #expect(try await f.succeed("ps", "-a", "--format", "{{.Names}}").outputText == "kept\nweb\n")
            let volumes = try await f.succeed("system", "prune", "-f", "--volumes").outputText
            #expect(volumes.contains("Deleted Containers:\n") && volumes.contains("Deleted Volumes:\n"), "\(volumes)")
            #expect(try await usage(f, "Local Volumes").prefix(2) == ["2", "2"])
            #expect(try await f.succeed("images", "-q").outputText.split(separator: "\n").count >= 3)

            let all = try await f.succeed("system", "prune", "-af").outputText
            #expect(all.contains("untagged: unused:latest\n") && all.contains("deleted: sha256:"), "\(all)")
            #expect(try await f.succeed("images", "--format", "{{.Repository}}").outputText == "used\n")
            #expect(try await f.succeed("exec", "web", "cat", "/x").outputText == "x\n")
            try await f.succeed("rm", "-f", "web")
        }
    }

    @Test("loses no volume of a container whose record is not readable")
    func damagedRecord() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let id = try await f.succeed("create", "-v", "/v", "base", "true").line
            let record = f.store.appending("containers-v1").appending(id).appending("container.json")
            let saved = try readFile(record)
            try Data("{}".utf8).write(to: URL(fileURLWithPath: record.string))
            let pruned = try await f.swiftbuild("volume", "prune", "-af")
            #expect(pruned.status == 1 && pruned.errors.contains("is damaged"), "\(pruned)")
            #expect(try await f.succeed("volume", "ls", "-q").line.count == 64)
            try Data(saved).write(to: URL(fileURLWithPath: record.string))
            try await f.succeed("rm", "-v", id)
        }
    }
}
