import Foundation
import SystemPackage
import Testing

@Suite("The container of a failed RUN", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
struct FailedStepTests {
    private static let text = """
        FROM base
        ENV COLOUR=blue
        ARG BUILT=secret
        LABEL of=stage
        WORKDIR /srv
        RUN echo half >half; rm /bin/ls; exit 3
        """

    @Test("is listed, looked into, committed, renamed, started and removed like any other")
    func container() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try await f.buildFailing(Self.text)
            #expect(try await f.succeed("ps", "-q").outputText == "")
            let format = "{{.Image}}|{{.Names}}|{{.State}}|{{.Status}}"
            let row = try await f.succeed("ps", "-a", "--format", format).line.split(separator: "|").map(String.init)
            let build = String(row[1].split(separator: "-")[1])
            #expect(row[..<3] == ["<none>", "failed-\(build)-6", "exited"] && build.utf8.count == 16, "\(row)")
            #expect(row[3].hasPrefix("Exited (3) "), "\(row)")
            for label in ["swiftbuild.failed-step", "swiftbuild.failed-step=6", "swiftbuild.build=\(build)"] {
                #expect(try await f.succeed("ps", "-aq", "--filter", "label=\(label)").lines.count == 1)
            }
            #expect(try await f.succeed("ps", "-aq", "--filter", "label=swiftbuild.failed-step=5").outputText == "")

            let name = row[1]
            #expect(try await f.succeed("diff", name).outputText == "C /bin\nD /bin/ls\nC /srv\nA /srv/half\n")
            let archive = try await f.succeed("cp", "\(name):/srv/half", "-").output
            #expect(String(decoding: archive, as: UTF8.self).contains("half\n"))
            let inspected = try await f.succeed(
                "inspect",
                "-f",
                "{{.State.ExitCode}} {{.Path}} [{{.Image}}] {{.State.StartedAt}}",
                name
            ).line
            #expect(inspected.hasPrefix("3 /bin/sh [] 20"), "\(inspected)")

            try await f.succeed("commit", name, "half-made")
            let image = try BuiltImage(
                id: try await f.succeed("images", "-q", "--no-trunc", "half-made").line,
                store: f.store,
                transcript: ""
            )
            #expect(try image.text("/srv/half") == "half\n")
            let settings = try await f.succeed("inspect", "-f", "{{.Config.Env}} {{.Config.Labels}}", "half-made").line
            #expect(settings.contains("COLOUR=blue") && settings.contains("of:stage"), "\(settings)")
            #expect(!settings.contains("BUILT") && !settings.contains("swiftbuild."), "\(settings)")
            let run = try await f.succeed("run", "--rm", "half-made", "/bin/sh", "-c", "pwd; echo $COLOUR; cat half")
            #expect(run.outputText == "/srv\nblue\nhalf\n")

            // The step once more, on what it has left.
            try await f.succeed("debug-shell", "--", "sh", "-c", "rm half; echo gone >>/bin/ls")
            #expect(try await f.swiftbuild("start", "-a", name).status == 3)
            #expect(try await f.succeed("debug-shell", "--", "cat", "/srv/half").outputText == "half\n")
            try await f.succeed("rename", name, "mine")
            #expect(try await f.succeed("debug-shell", "--", "cat", "half").outputText == "half\n")
            try await f.succeed("rm", "mine")
            #expect(try await f.succeed("ps", "-aq").outputText == "")
        }
    }

    @Test("runs only one shell at a time, which others enter with exec")
    func shells() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try await f.buildFailing("FROM base\nRUN echo left >/left; exit 1")
            let shell = try f.start(["debug-shell", "--", "sh", "-c", "echo ready; sleep 100; exit 5"])
            let name = try await f.succeed("ps", "-a", "--format", "{{.Names}}").line
            try await waitUntil { try await !f.succeed("ps", "-q").lines.isEmpty }
            #expect(try await f.succeed("exec", name, "cat", "/left").outputText == "left\n")
            let second = try await f.swiftbuild("debug-shell")
            #expect(second.status == 1 && second.errors.contains("exec -it \(name)"), "\(second)")
            // It is in use.
            try await f.succeed("prune")
            #expect(try await f.succeed("ps", "-q").lines.count == 1)
            try await f.succeed("kill", name)
            #expect(try await shell.wait().status == 137)
        }
    }

    @Test("is removed by prune and container prune, with layers that nothing else needs; other containers stay")
    func prune() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try await f.succeed("create", "--name", "other", "base", "true")
            for command in [["prune"], ["container", "prune", "-f", "--filter", "label=swiftbuild.failed-step"]] {
                try await f.buildFailing("FROM base\nRUN echo below >/below\nRUN false")
                let planned = try await f.succeed("prune", "--dry-run").outputText
                #expect(planned.contains("Would delete: 1 container,"), "\(planned)")
                #expect(try await f.succeed("ps", "-aq").lines.count == 2)
                let result = try await f.start(command).wait()
                #expect(result.status == 0, "\(result)")
                #expect(try await f.succeed("ps", "-a", "--format", "{{.Names}}").outputText == "other\n")
            }
            // The container needs the layers below, whatever else goes.
            try await f.buildFailing("FROM base\nRUN echo again >/below\nRUN false")
            try await f.succeed("prune", "--all", "--older-than", "1h")
            #expect(try await f.succeed("debug-shell", "--", "cat", "/below").outputText == "again\n")
            try FileManager.default.createDirectory(
                atPath: f.store.appending("failed-v2").appending("old").string,
                withIntermediateDirectories: true
            )
            try await f.succeed("prune", "--all")
            #expect(!fileExists(f.store.appending("failed-v2")))
            #expect(try await f.swiftbuild("debug-shell").errors.contains("no failed step has been saved"))
        }
    }

    @Test("is kept whole or not at all by a build that is killed")
    func killed() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            for delay in 0..<12 {
                let file = try f.dockerfile("FROM base\nRUN echo \(delay) >/left; exit 4")
                let build = try f.start(["build", "-f", file, "."])
                try await Task.sleep(for: .milliseconds(20 + 12 * delay))
                build.signal(SIGKILL)
                _ = try await build.wait()
            }
            let listed = try await f.succeed("ps", "-aq")
            #expect(listed.errors == "" && listed.lines.count <= 3, "\(listed)")
            for id in listed.lines { try await f.succeed("diff", id) }
            try await f.succeed("prune")
        }
    }
}
