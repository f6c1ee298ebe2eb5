import Foundation
import SystemPackage
import Testing

@Suite("Inspecting containers, networks and volumes", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
struct ContainerInspectionTests {
    /// Fields in which a container of ours may differ from the same one of Docker's, and why.
    private static let differing: [String: String] = [
        "Id": "random", "Created": "a time", "State.Pid": "a number of the machine", "State.StartedAt": "a time",
        "State.Health.Log": "times", "State.Health.Status": "depends on the time",
        "LogPath": "a path of the store",
        "ResolvConfPath": "made anew for each start", "HostnamePath": "made anew for each start",
        "HostsPath": "made anew for each start",
        "Driver": "the daemon of the tests uses vfs", "GraphDriver.Name": "the daemon of the tests uses vfs",
        "GraphDriver.Data": "the daemon of the tests uses vfs",
        "AppArmorProfile": "no security module of the machine is used",
        "HostConfig.Runtime": "there is no other program that runs containers",
        "HostConfig.CgroupnsMode": "depends on how control groups are mounted",
        "HostConfig.KernelMemory": "removed in API 1.42", "HostConfig.KernelMemoryTCP": "removed in API 1.42",
        "HostConfig.MaskedPaths": "a later Docker's list", "HostConfig.ReadonlyPaths": "a later Docker's list",
        "NetworkSettings.SandboxID": "there is no object for a namespace",
        "NetworkSettings.SandboxKey": "a path of the machine",
        "NetworkSettings.Networks.none.NetworkID": "none is not an object here",
        "NetworkSettings.Networks.none.EndpointID": "none is not an object here",
        "NetworkSettings.Networks.none.DNSNames": "added in API 1.44",
    ]

    private func json(_ result: CommandResult) throws -> JSON {
        try JSONDecoder().decode(JSON.self, from: Data(result.output))[0]
    }

    /// What differs, as lines.
    private func differences(_ docker: JSON, _ own: JSON, at path: String = "") -> [String] {
        if Self.differing[path] != nil { return [] }
        // A set, in Docker's daemon.
        if path == "HostConfig.Binds", docker.strings.sorted() == own.strings.sorted() { return [] }
        guard case .object(let theirs) = docker, case .object(let ours) = own else {
            return docker == own ? [] : ["\(path): \(docker), but \(own)"]
        }
        return Set(theirs.keys).union(ours.keys).sorted().flatMap { name -> [String] in
            let place = path.isEmpty ? name : "\(path).\(name)"
            if Self.differing[place] != nil { return [] }
            guard let one = theirs[name] else { return ["\(place) is not in Docker's"] }
            guard let other = ours[name] else { return ["\(place) is missing"] }
            return differences(one, other, at: place)
        }
    }

    @Test(
        "has Docker's fields with the same values",
        .enabled(if: Machine.has("dockerd"), "needs dockerd"),
        arguments: [
            "--network none",
            "--network none --expose 81 --expose 90-91/udp --dns 1.2.3.4 --dns-search a.example --dns-option rotate",
            "--network none -h box -e B=2 -e A=3 -v SOURCE:/src:ro -v named:/data --tmpfs /t:size=1m --group-add 7",
            "--network none --restart on-failure:3 --ulimit nofile=100:200 --cap-add NET_ADMIN --cap-drop CHOWN --read-only",
            "--network none --stop-timeout 3 --stop-signal USR1 --log-opt max-size=10m --log-opt max-file=2 -u 5:6 -w /w -it",
            "--network none --entrypoint sleep --add-host a:1.2.3.4 -l a=b --health-cmd true --security-opt no-new-privileges",
            "--network none --security-opt seccomp=unconfined --no-healthcheck --restart always --shm-size 1m",
        ]
    )
    func fields(flags: String) async throws {
        try await BuildFixture.with { f in
            try await DockerDaemon.with(f) { docker in
                try await f.importBase()
                _ = try await f.build(
                    """
                    FROM base
                    ENV A=1
                    LABEL l=1
                    EXPOSE 80
                    VOLUME /vol
                    HEALTHCHECK --interval=5s --retries=2 CMD true
                    ENTRYPOINT ["sleep"]
                    CMD ["1000"]
                    """,
                    "-t",
                    "img"
                )
                let archive = f.scratch.appending("img.tar").string
                try await f.succeed("save", "-o", archive, "img")
                _ = try await docker.run("load", "-i", archive)
                try f.makeDirectory("src")
                let options = flags.replacing("SOURCE", with: f.context.appending("src").string).split(separator: " ")
                let command = ["run", "-d", "--name", "box"] + options.map(String.init) + ["img", "50"]
                _ = try await docker.run(command)
                let theirs = try json(try await docker.run("inspect", "box"))
                let started = try await f.start(command).wait()
                try #require(started.status == 0, "\(started)")
                let ours = try json(try await f.succeed("inspect", "box"))
                _ = try await docker.run("rm", "-f", "box")
                try await f.succeed("rm", "-f", "box")
                let withoutMounts = [theirs, ours].map { value -> JSON in
                    guard case .object(var members) = value else { return value }
                    members["Mounts"] = nil
                    // The host name of both is the ID, unless there is one.
                    if case .object(var config)? = members["Config"] {
                        if !flags.contains("-h box") { config["Hostname"] = nil }
                        // Docker's own order changes from run to run, here and below.
                        config["Env"] = .array(value["Config"]["Env"].strings.sorted().map { .string($0) })
                        members["Config"] = .object(config)
                    }
                    if case .object(var host)? = members["HostConfig"], host["Binds"] != .null {
                        host["Binds"] = .array(value["HostConfig"]["Binds"].strings.sorted().map { .string($0) })
                        members["HostConfig"] = .object(host)
                    }
                    return .object(members)
                }
                #expect(differences(withoutMounts[0], withoutMounts[1]) == [])
                let mounts = [theirs, ours].map { value in
                    value["Mounts"].elements.map { mount in
                        let name = mount["Name"].text.map { $0.count == 64 ? "" : $0 }
                        let source = mount["Type"].text == "bind" ? mount["Source"].text : nil
                        let rest = ["Type", "Destination", "Driver", "Mode", "RW", "Propagation"].map { "\(mount[$0])" }
                        return "\(rest) \(name ?? "-") \(source ?? "-")"
                    }.sorted()
                }
                #expect(mounts[0] == mounts[1])
            }
        }
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
