internal import Foundation
internal import Glibc
internal import SystemPackage
internal import Testing

@Suite(
    "An ordinary user with subordinate IDs",
    .enabled("no user namespace with subordinate IDs here") {
        try await UnprivilegedPlace.subordinateUsers.isAvailable()
    }
)
struct SubordinateUserTests {
    private let place = UnprivilegedPlace.subordinateUsers

    private func withBase(_ body: (BuildFixture) async throws -> Void) async throws {
        try await BuildFixture.with { f in
            try await place.importBase(f)
            try await body(f)
        }
    }

    private func succeed(_ f: BuildFixture, _ arguments: String...) async throws -> String {
        let result = try await place.run(f, arguments)
        try #require(result.status == 0, "\(result)")
        return result.outputText
    }

    /// The owners, outside, of the files below a directory of the store.
    private func owners(_ f: BuildFixture, below bucket: String) throws -> Set<uid_t> {
        let root = f.store.appending(bucket)
        return Set(
            try FileManager.default.subpathsOfDirectory(atPath: root.string).map { name in
                var status = stat()
                lstat(root.appending(name).string, &status)
                return status.st_uid
            }
        )
    }

    @Test("has files of other users in images, in the cache and in containers, and removes them all")
    func life() async throws {
        try await withBase { f in
            let text = """
                FROM base
                RUN --mount=type=cache,target=/c mkdir -m 700 /d /c/d && echo 1 >/d/f && chown -R 70:71 /d /c/d && chmod 0 /d/f
                USER 70:71
                RUN cat /d/f 2>/dev/null; chmod 600 /d/f && echo 2 >>/d/f && mkdir /d/e
                RUN rm -r /d/e && id >/d/id
                """
            let file = try f.dockerfile(text)
            let first = try await place.run(f, ["-q", "-t", "made", "-f", file, "."])
            try #require(first.status == 0, "\(first)")
            let image = try BuiltImage(id: first.line, store: f.store, transcript: "")
            #expect(image.listing("/d") == ["d700 70:71 /d", "-600 70:71 /d/f", "-644 70:71 /d/id"])
            #expect(try image.text("/d/id") == "uid=70 gid=71 groups=71\n")
            // 70 is the seventieth of the range, as 1 is its first.
            #expect(try owners(f, below: "snapshots-v1") == [65534, 200069])
            #expect(try owners(f, below: "mounts-v1") == [65534, 200069])
            #expect(try await place.run(f, ["-q", "-f", file, "."]).line == first.line)

            let started = "while :; do sleep 0.05; done"
            _ = try await succeed(
                f,
                "run",
                "-d",
                "--name",
                "web",
                "-v",
                "vol:/v",
                "-u",
                "0",
                "made",
                "sh",
                "-c",
                started
            )
            _ = try await succeed(f, "exec", "-u", "0", "web", "sh", "-c", "mkdir -m 700 /v/x /x; chown 5 /v/x /x")
            #expect(try await succeed(f, "exec", "web", "sh", "-c", "id -u; cat /d/f") == "0\n1\n2\n")
            #expect(try await succeed(f, "diff", "web").contains("A /x\n"))
            #expect(try owners(f, below: "containers-v1").contains(200_004))
            _ = try await succeed(f, "rm", "-f", "web")
            _ = try await succeed(f, "volume", "rm", "vol")
            _ = try await succeed(f, "prune", "--all")
            for bucket in ["snapshots-v1", "mounts-v1", "containers-v1", "volumes-v1"] {
                #expect(try owners(f, below: bucket) == [], "\(bucket)")
            }
        }
    }

    @Test("has one process for all that run, which ends with the last of them")
    func holder() async throws {
        try await withBase { f in
            func holders() throws -> Int {
                try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { name in
                    let path = FilePath("/proc/\(name)")
                    guard (try? readFile(path.appending("comm")))?.starts(with: "swiftbuild-ids".utf8) ?? false else {
                        return false
                    }
                    let variables = (try? readFile(path.appending("environ"))) ?? []
                    return String(decoding: variables, as: UTF8.self).contains(f.store.string)
                }.count
            }
            for name in ["one", "two"] {
                _ = try await succeed(f, "run", "-d", "--name", name, "base", "sleep", "1000")
            }
            #expect(try holders() == 1)
            // Of another process than the one that started it.
            #expect(try await succeed(f, "exec", "one", "cat", "/proc/self/uid_map").contains("200000"))
            _ = try await succeed(f, "rm", "-f", "one")
            #expect(try holders() == 1)
            _ = try await succeed(f, "rm", "-f", "two")
            try await waitUntil { try holders() == 0 }
        }
    }

    @Test("chooses what isolates its processes, and is told what it has and has not")
    func choice() async throws {
        try await withBase { f in
            try f.write("Dockerfile", "FROM base\nRUN cat /proc/self/uid_map\n")
            let mapped = try await place.run(f, ["--progress", "plain", "--no-cache", "."])
            #expect(
                mapped.errors.contains("200000") && mapped.errors.contains("note: isolation `userns`: "),
                "\(mapped)"
            )
            let logged = try await succeed(f, "explain", "--format", "json")
            #expect(
                logged.contains("\"isolation\" : \"userns\""),
                "\(logged)"
            )
            let single = try await place.run(
                f,
                ["--progress", "plain", "--no-cache", "--isolation=userns-single", "."]
            )
            #expect(single.status == 0 && !single.errors.contains("200000"), "\(single)")
            #expect(single.errors.contains("note: isolation `userns-single`: "), "\(single)")
            // It is no part of the key.
            let cached = try await place.run(f, ["--expect-cached", "."])
            #expect(cached.status == 0, "\(cached)")
            let full = try await place.run(f, ["--no-cache", "--isolation", "full", "."])
            #expect(full.status == 3 && full.errors.contains("namespaces: "), "\(full)")
            let unknown = try await place.run(f, ["--isolation=hyperv", "."])
            #expect(unknown.status == 2 && unknown.errors.contains("`hyperv` is none of auto, full"), "\(unknown)")
            #expect(
                try await succeed(f, "run", "--rm", "--isolation=default", "base", "cat", "/proc/self/uid_map")
                    .contains("200000")
            )
            let alone = try await place.run(
                f,
                ["run", "--rm", "--isolation", "userns-single", "base", "cat", "/proc/self/uid_map"]
            )
            #expect(alone.status == 0 && !alone.outputText.contains("200000"), "\(alone)")
            let doctor = try await succeed(f, "doctor")
            #expect(doctor.contains("`userns`: RUN has a user namespace with subordinate IDs"), "\(doctor)")
        }
    }

    @Test("runs programs of the system as the user, not as root of the namespace")
    func programs() async throws {
        try await withBase { f in
            let tools = f.scratch.appending("bin")
            mkdir(tools.string, 0o755)
            let git = tools.appending("git").string
            try Data("#!/bin/sh\n{ id -u; id -g; } >\"$HOME/ids\"; exit 1\n".utf8).write(to: URL(fileURLWithPath: git))
            chmod(git, 0o755)
            let path = "\(tools):\(Machine.searchPath)"
            let file = try f.dockerfile("FROM scratch\nADD git@example.com:a/b.git /")
            let result = try await place.run(f, ["-f", file, "."], environment: ["PATH": path])
            #expect(result.status != 0)
            #expect(
                String(decoding: try readFile(f.scratch.appending("ids")), as: UTF8.self) == "65534\n65534\n",
                "\(result)"
            )
        }
    }

    @Test("is told what to install or to set where something is missing")
    func missing() async throws {
        try await withBase { f in
            func doctor(_ script: String) async throws -> String {
                let wrapper = try place.wrapper(f.scratch)
                // As the last thing before the user changes.
                let position = try #require(wrapper.firstIndex(of: "setpriv"))
                let command =
                    Array(wrapper[..<position]) + ["sh", "-c", "p=$(command -v \"$0\"); \(script) exec \"$p\" \"$@\""]
                    + wrapper[position...]
                    + [Machine.binary.string, "doctor"]
                return try await RunningCommand(
                    command,
                    environment: f.environment,
                    directory: f.context,
                    logs: f.scratch
                )
                .wait().outputText
            }
            let noProgram = try await doctor(
                "PATH=/nothing:/usr/sbin:/sbin;"
            )
            #expect(
                noProgram.contains("`newuidmap` is not installed") && noProgram.contains("package uidmap"),
                "\(noProgram)"
            )
            let noRange = try await doctor("mount --bind /dev/null /etc/subuid;")
            #expect(noRange.contains("`/etc/subuid` has no range for `nobody`"), "\(noRange)")
            #expect(noRange.contains("usermod --add-subuids 100000-165535"), "\(noRange)")
            let refused = try await doctor("mount -o bind,nosuid /usr/bin /usr/bin;")
            #expect(refused.contains("newuidmap: ") || refused.contains("newgidmap: "), "\(refused)")
        }
    }
}
