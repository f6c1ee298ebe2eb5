import Foundation
import SystemPackage
import Testing

@Suite("Inspecting containers, networks and volumes", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
struct ContainerInspectionTests {
    private func json(_ result: CommandResult) throws -> JSON {
        try JSONDecoder().decode(JSON.self, from: Data(result.output))[0]
    }

    @Test("finds containers before images, networks and volumes, prints what it found and says what is missing")
    func kinds() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try await f.succeed("volume", "create", "base")
            try await f.succeed("volume", "create", "data")
            #expect(try json(try await f.succeed("inspect", "base"))["RepoTags"].strings == ["base:latest"])
            try await f.succeed("create", "--name", "base", "base", "sh", "-c", "exit 4")
            #expect(try json(try await f.succeed("inspect", "base"))["Path"].text == "sh")
            #expect(try await f.succeed("inspect", "-f", "{{.State.Status}}", "base").outputText == "created\n")
            #expect(try await f.swiftbuild("start", "-a", "base").status == 4)
            let ended = try json(try await f.succeed("container", "inspect", "-s", "base"))
            #expect(ended["State"]["ExitCode"].integer == 4 && ended["State"]["Running"] == .boolean(false))
            #expect(ended["SizeRw"].integer != nil)
            let volume = try json(try await f.succeed("inspect", "--type", "volume", "base"))
            #expect(volume["Driver"].text == "local" && volume["Mountpoint"].text?.hasPrefix(f.store.string) == true)
            #expect(try json(try await f.succeed("inspect", "--type=network", "bridge"))["Driver"].text == "bridge")
            let several = try await f.swiftbuild("inspect", "nope", "data", "no2")
            #expect(several.status == 1 && several.errors.contains("`nope`") && several.errors.contains("`no2`"))
            #expect(try json(several)["Name"].text == "data")
            #expect(try await f.swiftbuild("inspect", "--type", "image", "data").outputText == "[]\n")
            try await f.succeed("rm", "base")
            try await f.succeed("create", "--name", "free", "--privileged", "base", "true")
            let free = try json(try await f.succeed("inspect", "free"))["HostConfig"]
            #expect(free["Privileged"] == .boolean(true) && free["CapAdd"] == .null && free["MaskedPaths"] == .null)
        }
    }

    @Test("ps --filter leaves what Docker's filters leave")
    func filters() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            for name in ["web", "web2", "db"] {
                let network = name == "db" ? "none" : "host"
                try await f.succeed("create", "--name", name, "-l", "of=\(name)", "--network", network, "base", "true")
            }
            func list(_ filters: String...) async throws -> [String] {
                let flags = filters.flatMap { ["-f", $0] } + ["--format", "{{.Names}}"]
                return try await f.start(["ps", "-a"] + flags).wait().requireSuccess().lines.filter { !$0.isEmpty }
            }
            #expect(try await list() == ["db", "web2", "web"])
            #expect(try await list("name=web") == ["web2", "web"])
            #expect(try await list("name=^/web$") == ["web"])
            #expect(try await list("name=^web$", "name=db") == ["db", "web"])
            #expect(try await list("label=of", "label=of=db") == ["db"])
            #expect(try await list("label=of=web", "label=of=db") == [])
            #expect(try await list("network=host") == ["web2", "web"])
            #expect(try await list("before=db") == ["web2", "web"])
            #expect(try await list("since=web") == ["db", "web2"])
            #expect(try await list("since=web", "before=db") == ["web2"])
            #expect(try await list("status=created", "status=running").count == 3)
            #expect(try await list("status=running") == [])
            #expect(try await f.swiftbuild("ps", "-f", "before=nothing").status == 1)
            #expect(try await f.swiftbuild("ps", "-f", "nothing=x").status == 2)
        }
    }

    @Test("volumes are made, listed, filtered, kept while they are in use, and pruned")
    func volumes() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            #expect(try await f.succeed("volume", "create", "--label", "a=b", "data").outputText == "data\n")
            #expect(try await f.succeed("volume", "create", "data").outputText == "data\n")
            let anonymous = try await f.succeed("volume", "create").line
            #expect(anonymous.count == 64)
            try await f.succeed("run", "--name", "box", "-v", "data:/d", "base", "sh", "-c", "echo x > /d/x")
            #expect(try await f.succeed("volume", "ls", "-q", "-f", "dangling=true").line == anonymous)
            #expect(try await f.succeed("volume", "ls", "-q", "-f", "label=a=b").line == "data")
            #expect(try await f.succeed("volume", "ls", "-q", "-f", "label=a=c").line == "")
            let row = try await f.succeed(
                "volume",
                "ls",
                "-f",
                "name=dat",
                "--format",
                "{{.Name}} {{.Links}} {{.Labels}}"
            )
            #expect(row.line == "data 1 a=b")
            let inUse = try await f.swiftbuild("volume", "rm", "data", "nope")
            #expect(inUse.status == 1 && inUse.errors.contains("`box`") && inUse.errors.contains("`nope`"), "\(inUse)")
            #expect(try await f.succeed("volume", "rm", "-f", "nope").line == "nope")
            for wrong in [
                ["create", "a/b"], ["create", "-d", "nfs", "x"], ["ls", "-f", "x=y"], ["create", "-o", "a=b", "x"],
            ] {
                #expect(try await f.start(["volume"] + wrong).wait().status != 0, "\(wrong)")
            }
            let asked = try await f.swiftbuild("volume", "prune", input: "n\n")
            #expect(asked.status == 0 && asked.outputText.hasSuffix("[y/N] "), "\(asked)")
            #expect(try await f.swiftbuild("volume", "prune").errors.contains("cannot prompt"))
            let pruned = try await f.swiftbuild("volume", "prune", input: "y\n").outputText
            #expect(pruned.contains("Deleted Volumes:\n\(anonymous)\n\nTotal reclaimed space: "), "\(pruned)")
            try await f.succeed("container", "prune", "-f", "--filter", "until=1h")
            #expect(try await f.succeed("ps", "-aq").line != "")
            let removed = try await f.succeed("container", "prune", "--force").outputText
            #expect(removed.hasPrefix("Deleted Containers:\n"), "\(removed)")
            #expect(try await f.succeed("volume", "prune", "-f").outputText == "Total reclaimed space: 0B\n")
            #expect(try await f.succeed("volume", "prune", "-af").outputText.contains("\ndata\n"))
        }
    }
}
