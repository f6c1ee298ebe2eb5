import Foundation
import SystemPackage
import Testing

/// The same containers of Docker, of Podman and of ours, as `inspect` prints them.
@Suite("Inspected containers", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
struct InspectionComparisonTests {
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

    /// Fields that both have and in which Podman has another value than Docker and we, and why.
    private static let differingFromPodman: [String: String] = [
        "Name": "without a slash", "Image": "without the algorithm", "Config.Image": "the whole name",
        "Config.Entrypoint": "one text before Podman 5", "Config.WorkingDir": "/ where none was set",
        "Config.StopSignal": "a number", "Config.Env": "it adds the variables TERM and container",
        "Config.Volumes": "of the command line only", "Config.Healthcheck.Interval": "of the image replaced by its own",
        "Config.Healthcheck.Timeout": "of the image replaced by its own",
        "Config.Healthcheck.Retries": "of the image replaced by its own",
        "Config.Hostname": "the ID", "Mounts": "with options and sources of its own",
        "HostConfig.Binds": "volumes without names are among them, with all options",
        "HostConfig.IpcMode": "shareable is its default", "HostConfig.PidMode": "private is its word for none",
        "HostConfig.UTSMode": "private is its word for none", "HostConfig.LogConfig": "another driver",
        "HostConfig.MemorySwappiness": "0 for none", "HostConfig.PidsLimit": "2048 is its default",
        "HostConfig.RestartPolicy.Name": "empty for no", "HostConfig.ShmSize": "its default is 65536000",
        "HostConfig.Tmpfs": "with all options",
        "HostConfig.Ulimits": "names of its own, and its defaults are among them",
        "State.Health": "empty without a check", "ExecIDs": "a list in its case",
    ]

    /// Whether two values are equal, or both nothing: `null`, an empty list or an empty text.
    private func areAlike(_ one: JSON, _ other: JSON) -> Bool {
        func isNothing(_ value: JSON) -> Bool {
            switch value {
            case .null: true
            case .array(let elements): elements.isEmpty
            case .object(let members): members.isEmpty
            default: value.text == ""
            }
        }
        return one == other || isNothing(one) && isNothing(other)
    }

    /// What differs of the fields that both have, as lines.
    private func differences(podman: JSON, _ own: JSON, at path: String = "") -> [String] {
        if Self.differing[path] != nil || Self.differingFromPodman[path] != nil { return [] }
        guard case .object(let theirs) = podman, case .object(let ours) = own else {
            return areAlike(podman, own) ? [] : ["\(path): \(podman), but \(own)"]
        }
        return theirs.keys.filter { ours[$0] != nil }.sorted().flatMap { name in
            differences(podman: podman[name], own[name], at: path.isEmpty ? name : "\(path).\(name)")
        }
    }

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

    private static let flags = [
        "--network none",
        "--network none --expose 81 --expose 90-91/udp --dns 1.2.3.4 --dns-search a.example --dns-option rotate"
            + " --domainname a.example",
        "--network none -h box -e B=2 -e A=3 -v SOURCE:/src:ro -v named:/data --tmpfs /t:size=1m --group-add 7",
        "--network none --restart on-failure:3 --ulimit nofile=100:200 --ulimit nproc=50:60 --cap-add NET_ADMIN"
            + " --cap-drop CHOWN --read-only",
        "--network none --stop-timeout 3 --stop-signal USR1 --log-opt max-size=10m --log-opt max-file=2 -u 5:6 -w /bin -it",
        "--network none --entrypoint sleep --add-host a:1.2.3.4 -l a=b --health-cmd true --security-opt no-new-privileges",
        "--network none --security-opt seccomp=unconfined --no-healthcheck --restart always --shm-size 1m",
        "--network none --device /dev/null:/dev/x:r --oom-score-adj 7 --init --ipc host --pid host",
        "--network none --memory 64m --memory-reservation 32m --cpu-shares 512 --cpu-quota 50000 --cpuset-cpus 0",
        "--network none --uts host",
    ]

    private static let dockerfile = """
        FROM base
        ENV A=1
        LABEL l=1
        EXPOSE 80
        VOLUME /vol
        HEALTHCHECK --interval=5s --retries=2 CMD true
        ENTRYPOINT ["sleep"]
        CMD ["1000"]
        """

    private func arguments(_ flags: String, _ name: String, _ f: BuildFixture) -> [String] {
        let options = flags.replacing("SOURCE", with: f.context.appending("src").string).split(separator: " ")
        return ["run", "-d", "--name", name] + options.map(String.init)
    }

    @Test(
        "have Docker's fields with the same values, and those of Podman's that have the same names",
        .enabled(if: Machine.has("dockerd"), "needs dockerd")
    )
    func fields() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            _ = try await f.build(Self.dockerfile, "-t", "img")
            let archive = f.scratch.appending("img.tar").string
            try await f.succeed("save", "-o", archive, "img")
            try f.makeDirectory("src")
            var own: [JSON] = []
            for flags in Self.flags {
                let started = try await f.start(arguments(flags, "box", f) + ["img", "50"]).wait()
                try #require(started.status == 0, "\(started)")
                own.append(try json(try await f.succeed("inspect", "box")))
                try await f.succeed("rm", "-f", "box")
            }
            try await DockerDaemon.with(f) { docker in
                _ = try await docker.run("load", "-i", archive)
                for (flags, own) in zip(Self.flags, own) {
                    _ = try await docker.run(arguments(flags, "box", f) + ["img", "50"])
                    let found = try json(try await docker.run("inspect", "box"))
                    _ = try await docker.run("rm", "-f", "box")
                    #expect(differences(comparable(found, flags), comparable(own, flags)) == [], "\(flags)")
                    #expect(mounts(found) == mounts(own), "\(flags)")
                }
            }
            try await Podman.with(f, archive: archive) { podman, image in
                // Podman refuses what has no effect, and its init is a package of its own.
                for (flags, own) in zip(Self.flags, own) where !flags.contains("--dns") && !flags.contains("--init") {
                    let name = "test-\(UUID().uuidString.prefix(8))"
                    try await podman.run(arguments(flags, name, f) + [image, "50"])
                    let found = try json(try await podman.run(["inspect", name]))
                    try await podman.run(["rm", "-f", "-t", "0", name])
                    #expect(differences(podman: found, own) == [], "\(flags)")
                }
            }
        }
    }

    /// Without what is compared in another way, and in an order that does not change from run to run.
    private func comparable(_ value: JSON, _ flags: String) -> JSON {
        guard case .object(var members) = value else { return value }
        members["Mounts"] = nil
        if case .object(var config)? = members["Config"] {
            // The host name of both is the ID, unless there is one.
            if !flags.contains("-h box") { config["Hostname"] = nil }
            config["Env"] = .array(value["Config"]["Env"].strings.sorted().map { .string($0) })
            members["Config"] = .object(config)
        }
        if case .object(var host)? = members["HostConfig"], host["Binds"] != .null {
            host["Binds"] = .array(value["HostConfig"]["Binds"].strings.sorted().map { .string($0) })
            members["HostConfig"] = .object(host)
        }
        return .object(members)
    }

    private func mounts(_ value: JSON) -> [String] {
        value["Mounts"].elements.map { mount in
            let name = mount["Name"].text.map { $0.count == 64 ? "" : $0 }
            let source = mount["Type"].text == "bind" ? mount["Source"].text : nil
            let rest = ["Type", "Destination", "Driver", "Mode", "RW", "Propagation"].map { "\(mount[$0])" }
            return "\(rest) \(name ?? "-") \(source ?? "-")"
        }.sorted()
    }
}
