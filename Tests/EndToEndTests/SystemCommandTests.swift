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

    @Test("is pruned by the labels of images, and its images are told apart by what they share")
    func labels() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            _ = try await f.build("FROM base\nLABEL keep=1\nRUN head -c 5000000 /dev/zero > /x", "-t", "kept")
            _ = try await f.build("FROM base\nLABEL keep=0\nRUN head -c 6000000 /dev/zero > /y", "-t", "other")
            // Of three of one name, two have none then.
            for labels in ["keep=1 d=1", "keep=0 d=1", "z=1"] {
                _ = try await f.build("FROM base\nLABEL \(labels)", "-t", "moved")
            }
            try await f.succeed("create", "kept", "true")
            let base = try await f.succeed("images", "--format", "{{.Size}}", "base").line
            let table = try await f.succeed("system", "df", "-v").lines
            #expect(table[1].contains("SHARED SIZE   UNIQUE SIZE   CONTAINERS"), "\(table)")
            func row(_ name: String) throws -> [Substring] {
                try #require(table.first { $0.hasPrefix(name + " ") }).split(separator: " ").suffix(4)
            }
            #expect(try row("kept").dropFirst().elementsEqual([base, "5MB", "1"].map { $0[...] }), "\(table)")
            #expect(try row("other").dropFirst().elementsEqual([base, "6MB", "0"].map { $0[...] }), "\(table)")
            #expect(try row("base").dropFirst().elementsEqual([base, "0B", "0"].map { $0[...] }), "\(table)")

            func count(_ filter: String) async throws -> Int {
                try await f.succeed("images", "-q", "--filter", filter).lines.count
            }
            let steps = try await usage(f, "Build Cache")[0]
            try await f.succeed("system", "prune", "-f", "--filter", "label=keep=0")
            #expect(try await count("label=keep=0") == 1)
            #expect(try await count("label=keep=1") == 2)
            try await f.succeed("system", "prune", "-af", "--filter", "label=keep=0")
            #expect(try await count("label=keep=0") == 0)
            #expect(try await count("label=keep=1") == 2)
            #expect(try await f.succeed("images", "-q", "base").lines.count == 1)
            #expect(try await usage(f, "Build Cache")[0] == steps)
            // The container has no such label, and keeps its image.
            try await f.succeed("system", "prune", "-af", "--filter", "label!=keep=0", "--filter", "label=d")
            #expect(
                try await f.succeed("images", "--format", "{{.Repository}}").lines.sorted()
                    == ["base", "image-under-test", "kept", "moved"]
            )
            #expect(try await f.succeed("ps", "-aq").lines.count == 1)
        }
    }

    @Test("tells what happens to images and the build cache")
    func imageEvents() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let id = try await f.build("FROM base\nLABEL a=b", "-t", "app").id
            // Nothing has changed.
            _ = try await f.build("FROM base\nLABEL a=b", "-t", "app")
            try await f.succeed("tag", "app", "app:2")
            let archive = f.scratch.appending("app.tar").string
            try await f.succeed("save", "-o", archive, "app")
            try await f.succeed("rmi", "app", "app:2", "image-under-test")
            try await f.succeed("load", "-i", archive)
            try await f.succeed("create", "--name", "box", "app", "true")
            try await f.succeed("commit", "-m", "why", "box", "copy")
            try await f.succeed("rm", "box")
            try await f.succeed("network", "create", "net")
            try await f.succeed("network", "rm", "net")
            try await f.succeed("prune", "-a")
            func events(_ filters: String...) async throws -> [String] {
                try await f.start(
                    ["events", "--since", "1h", "--until", "0s", "--format", "{{.Type}} {{.Action}}"]
                        + filters.flatMap { ["--filter", $0] }
                ).wait().lines
            }
            #expect(
                try await events("type=image", "image=\(id)")
                    == [
                        "tag", "tag", "tag", "save", "untag", "untag", "untag", "delete", "load",
                    ].map { "image \($0)" }
            )
            #expect(try await events("type=image", "image=base") == ["image tag"])
            #expect(try await events("event=import", "event=commit") == ["image import", "container commit"])
            #expect(try await events("event=prune") == ["image prune", "builder prune"])
            #expect(try await events("type=network") == ["network create", "network destroy"])
            #expect(try await events("type=image", "label=a=b", "event=tag").count == 4)
        }
    }

    @Test(
        "tells what is pulled and pushed, by name",
        .enabled(if: RegistryServer.isAvailable, "\(RegistryServer.needs)")
    )
    func transferEvents() async throws {
        try await BuildFixture.with { f in
            try await RegistryServer.with(f) { registry in
                let repository = "\(registry.host)/app"
                _ = try await f.build("FROM scratch\nLABEL a=b", "-t", "\(repository):1")
                try await f.succeed("push", "\(repository):1")
                try await f.succeed("rmi", "\(repository):1", "image-under-test")
                try await f.succeed("pull", "\(repository):1")
                // Nothing new.
                try await f.succeed("pull", "\(repository):1")
                func events(_ filter: String) async throws -> [String] {
                    let format = "{{.Action}} {{.Actor.ID}} {{.Actor.Attributes.name}}"
                    return try await f.start(
                        ["events", "--since", "1h", "--until", "0s", "--format", format, "--filter", filter]
                    ).wait().lines
                }
                #expect(try await events("event=push") == ["push \(repository):1 \(repository)"])
                let pull = "pull \(repository):1 \(repository)"
                #expect(try await events("event=pull") == [pull, pull])
            }
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
