internal import Foundation
internal import Glibc
internal import SystemPackage
internal import Testing

@Suite("Interruptions", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
struct InterruptionTests {
    /// A build that says `ready` and then takes longer than any test; its processes can be found by a variable.
    private func startLongBuild(_ f: BuildFixture, _ marker: String) async throws -> RunningCommand {
        try f.write("a", "a")
        let build = try f.start([
            "--progress", "plain", "-t", "long", "-f",
            try f.dockerfile("FROM base\nCOPY a /a\nENV MARKER=\(marker)\nRUN echo re''ady; sleep 300; echo done"), ".",
        ])
        try await build.waitForErrors(containing: "\nready")
        #expect(!Machine.processes(withEnvironment: "MARKER=\(marker)").isEmpty)
        return build
    }

    private func expectGone(_ marker: String) async throws {
        try await waitUntil { Machine.processes(withEnvironment: "MARKER=\(marker)").isEmpty }
        #expect(Machine.processes(withEnvironment: "MARKER=\(marker)") == [])
    }

    @Test(
        "SIGINT and SIGTERM end a build at once: no process, no mount, no file, and it can be done again",
        arguments: [SIGINT, SIGTERM]
    )
    func interrupt(signal: Int32) async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let marker = UUID().uuidString
            let build = try await startLongBuild(f, marker)
            let clock = ContinuousClock()
            let start = clock.now
            build.signal(signal)
            let result = try await build.wait()
            #expect(result.status == 130, "\(result)")
            #expect(clock.now - start < .seconds(5))
            #expect(!result.errors.contains("Successfully"))
            #expect(Machine.processes(withEnvironment: "MARKER=\(marker)") == [])
            try f.expectNothingLeft()
            let again = try await f.build("FROM base\nCOPY a /a\nRUN echo works >/works")
            #expect(CacheTests.cached(again.transcript).contains(2))
            #expect(try again.text("/works") == "works\n")
        }
    }

    @Test("kill -9 leaves a good store, no process, and no names; the next build cleans up")
    func kill() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let marker = UUID().uuidString
            let build = try await startLongBuild(f, marker)
            build.signal(SIGKILL)
            #expect(try await build.wait().status == 128 + SIGKILL)
            try await expectGone(marker)
            #expect(try Machine.mounts(below: f.scratch) == [])
            let images = try await f.succeed("images").outputText
            #expect(!images.contains("long"))
            let again = try await f.build("FROM base\nCOPY a /a\nRUN echo works >/works")
            #expect(try again.text("/works") == "works\n")
            try await f.succeed("prune")
            #expect(f.temporaryFiles() == [])
        }
    }

    @Test("kill -9 at any moment never makes a wrong image")
    func killAnywhere() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            for index in 0..<200 { try f.write("d/\(index)", String(repeating: "\(index) ", count: 500)) }
            let text = "FROM base\nCOPY d /d\nRUN cat /d/* >/all\nCOPY --from=base /etc /copied\nRUN cp -r /d /e"
            let file = try f.dockerfile(text)
            for delay in [1, 5, 10, 20, 30, 45, 60, 90, 130] {
                let build = try f.start(["-t", "killed", "-f", file, "."])
                try await Task.sleep(for: .milliseconds(delay))
                build.signal(SIGKILL)
                _ = try await build.wait()
            }
            let image = try await f.build(text)
            #expect(image.listing("/d").count == 201)
            #expect(image.listing("/e").count == 201)
            let all = (0..<200).map(String.init).sorted().map { String(repeating: "\($0) ", count: 500) }.joined()
            #expect(try image.text("/all") == all)
            try await f.succeed("prune")
        }
    }
}
