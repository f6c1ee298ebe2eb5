internal import Foundation
internal import Glibc
internal import SystemPackage
internal import Testing

/// Where nothing can be mounted, a volume and a cache are moved into the root of the process that uses them.
@Suite(
    "Volumes and caches without mounts",
    .enabled("no other root directory here") { try await UnprivilegedPlace.defaultContainer.isAvailable() }
)
struct BorrowedMountTests {
    private let place = UnprivilegedPlace.defaultContainer

    private func succeed(_ f: BuildFixture, _ arguments: String...) async throws -> String {
        let result = try await place.run(f, arguments)
        try #require(result.status == 0, "\(result)")
        return result.outputText
    }

    /// Kills every process of the store's own program.
    private func killSupervisors(_ f: BuildFixture) async throws {
        for process in try f.supervisors() { kill(process, SIGKILL) }
        while try !f.supervisors().isEmpty { try await Task.sleep(for: .milliseconds(20)) }
    }

    @Test("a volume has one user at a time, and outlives one that was killed, and its container")
    func volume() async throws {
        try await BuildFixture.with { f in
            try await place.importBase(f)
            let write = "echo written >/v/file; echo ready; exec sleep 1000"
            _ = try await succeed(f, "run", "-d", "--name", "first", "-v", "shared:/v", "base", "sh", "-c", write)
            while try await succeed(f, "logs", "first") != "ready\n" { try await Task.sleep(for: .milliseconds(20)) }
            #expect(try await succeed(f, "volume", "ls", "-q") == "shared\n")
            let second = try await place.run(f, ["run", "--rm", "-v", "shared:/v", "base", "ls", "/v"])
            #expect(second.status == 125 && second.errors.contains("`/v` is in use by another container"), "\(second)")

            try await killSupervisors(f)
            #expect(try await succeed(f, "run", "--rm", "-v", "shared:/v", "base", "cat", "/v/file") == "written\n")
            _ = try await succeed(f, "start", "first")
            try await killSupervisors(f)
            _ = try await succeed(f, "rm", "first")
            #expect(try await succeed(f, "run", "--rm", "-v", "shared:/v", "base", "cat", "/v/file") == "written\n")
            _ = try await succeed(f, "prune")
        }
    }

    @Test("a command beside a process, its health, and copies of files work on the container's own root")
    func beside() async throws {
        for place in [place, .traced] {
            guard try await place.isAvailable() else {
                print("skipped: there is no isolation `\(place.name)` here")
                continue
            }
            try await BuildFixture.with { f in
                try await place.importBase(f)
                func succeed(_ arguments: String...) async throws -> String {
                    let result = try await place.run(f, arguments)
                    try #require(result.status == 0, "\(result)")
                    return result.outputText
                }
                let start = "echo 'own:x:70:70::/:/bin/sh' >>/etc/passwd; echo 1 >/of-container; exec sleep 1000"
                let health = ["--health-cmd", "test -f /of-container && touch /seen", "--health-interval", "1s"]
                let run = ["run", "-d", "--name", "one", "-v", "data:/v"] + health + ["base", "sh", "-c", start]
                let started = try await place.run(f, run)
                try #require(started.status == 0, "\(started)")
                _ = try await succeed("wait", "--condition", "healthy", "one")
                let said = try await succeed(
                    "exec",
                    "-u",
                    "own",
                    "one",
                    "sh",
                    "-c",
                    "id -u; cat /of-container; ls /seen"
                )
                #expect(said == "70\n1\n/seen\n")
                _ = try await succeed("exec", "one", "sh", "-c", "echo 2 >/v/file")
                // What is on volumes and the machine's is no part of the container's files.
                let changes = Set(try await succeed("diff", "one").split(separator: "\n"))
                #expect(
                    changes.isSuperset(of: ["A /of-container", "A /seen", "C /etc", "C /etc/passwd"]),
                    "\(changes)"
                )
                #expect(!changes.contains { $0.hasPrefix("A /v/") || $0.contains(" /dev") }, "\(changes)")
                _ = try await succeed("commit", "--pause=false", "one", "committed")
                let files = try await succeed("run", "--rm", "committed", "ls", "/", "/v", "/etc")
                #expect(files.contains("of-container") && !files.contains("file\n"), "\(files)")
                _ = try await succeed("export", "-o", "\(f.scratch)/export.tar", "one")
                let exported = try TarArchive.read(readFile(f.scratch.appending("export.tar"))).map(\.path)
                #expect(exported.contains("/of-container") && !exported.contains("/v/file"), "\(exported)")
                #expect(!exported.contains { $0.hasPrefix("/dev/") }, "\(exported)")
                try await waitUntil { try await place.run(f, ["cp", "one:/seen", f.context.string]).status == 0 }
                #expect(try await succeed("run", "--rm", "base", "cat", "/etc/passwd").contains("own") == false)
                _ = try await succeed("rm", "-f", "one")
                #expect(try await succeed("run", "--rm", "-v", "data:/v", "base", "cat", "/v/file") == "2\n")
            }
        }
    }

    @Test(
        "a cache is there for the build after one that was killed, also after a clean-up",
        arguments: [false, true]
    )
    func killedBuild(isPruned: Bool) async throws {
        try await BuildFixture.with { f in
            try await place.importBase(f)
            let mount = "RUN --mount=type=cache,target=/c"
            let build = try RunningCommand(
                place.wrapper(f.scratch) + [
                    Machine.binary.string, "-f",
                    try f.dockerfile("FROM base\n\(mount) echo 1 >/c/kept; echo up >&2; sleep 1000"),
                    ".",
                ],
                environment: f.environment,
                directory: f.context,
                logs: f.scratch
            )
            try await build.waitForErrors(containing: "\nup\n")
            build.signal(SIGKILL)
            _ = try await build.wait()
            if isPruned {
                _ = try await succeed(f, "prune")
                #expect(f.temporaryFiles() == [])
            }
            let text = "FROM base\n\(mount) cp /c/kept /found && echo 2 >/c/more\nRUN ls -d /c >/seen || true"
            let result = try await place.run(f, ["-q", "-t", "made", "-f", try f.dockerfile(text), "."])
            try #require(result.status == 0, "\(result)")
            let image = try BuiltImage(id: result.line, store: f.store, transcript: "")
            #expect(try image.text("/found") == "1\n")
            _ = try await succeed(f, "prune")
        }
    }

    @Test("two stages at once both keep what they put into a cache")
    func stages() async throws {
        try await BuildFixture.with { f in
            try await place.importBase(f)
            let mount = "RUN --mount=type=cache,target=/c,id=c"
            let text = """
                FROM base AS a
                \(mount) echo 1 >/c/a; sleep 1; touch /a
                FROM base AS b
                \(mount) echo 1 >/c/b; sleep 1; touch /b
                FROM base
                COPY --from=a /a /
                COPY --from=b /b /
                \(mount) ls /c >/list
                """
            let result = try await place.run(f, ["-q", "-t", "made", "-f", try f.dockerfile(text), "."])
            try #require(result.status == 0, "\(result)")
            #expect(try BuiltImage(id: result.line, store: f.store, transcript: "").text("/list") == "a\nb\n")
        }
    }
}
