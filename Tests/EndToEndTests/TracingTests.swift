internal import Foundation
internal import SystemPackage
internal import Testing

/// Processes that see another root only because they are traced.
@Suite(
    "A user without any privilege",
    .enabled("needs root, to make such a place, and ptrace") { try await UnprivilegedPlace.traced.isAvailable() }
)
struct TracingTests {
    private static let place = UnprivilegedPlace.traced

    @Test(
        "has paths, links, descriptors, pipes, sockets, scripts, programs, threads and signals as in a root of its own",
        .enabled("needs a C compiler") { Machine.has("cc") }
    )
    func program() async throws {
        try await BuildFixture.with { f in
            let source = f.scratch.appending("program.c").string
            try Data(TracedProgram.source.utf8).write(to: URL(fileURLWithPath: source))
            let output = f.context.appending("program").string
            let command = ["cc", "-static", "-pthread", "-O1", "-o", output, source]
            let compiled = try await Machine.run(command, in: f.scratch)
            try #require(compiled.status == 0, "\(compiled)")
            try await Self.place.importBase(f)
            let file = try f.dockerfile("FROM base\nCOPY program /program\nRUN [\"/program\"]\n")
            let result = try await Self.place.run(f, ["-f", file, "."])
            #expect(result.status == 0 && result.errors.contains("all right"), "\(result)")
        }
    }

    @Test("ends with its tracer, whose former name is `proot`")
    func killedTracer() async throws {
        try await BuildFixture.with { f in
            try await Self.place.importBase(f)
            let file = try f.dockerfile("FROM base\nRUN sleep 7531 & kill -9 $PPID; sleep 7532\n")
            let result = try await Self.place.run(f, ["--isolation=proot", "-f", file, "."], limit: .seconds(60))
            #expect(result.status != 0 && result.errors.contains("note: isolation `ptrace`: "), "\(result)")
            for process in try FileManager.default.contentsOfDirectory(atPath: "/proc") {
                let line = FileManager.default.contents(atPath: "/proc/\(process)/cmdline") ?? Data()
                let text = String(decoding: line, as: UTF8.self)
                #expect(!text.contains("sleep\u{0}753"), "\(process): \(text)")
            }
        }
    }
}
