internal import Testing

@Suite("Many layers", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
struct ManyLayersTests {
    @Test("RUN and run work on more layers than one overlay can have")
    func run() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            try f.write("a", "content")
            let copies = (0..<505).map { "COPY a /d/\($0)" }
            let text = (["FROM base"] + copies + ["RUN ls /d | wc -l > /count && rm /d/7"]).joined(separator: "\n")
            let image = try await f.build(text)
            #expect(try image.text("/count") == "505\n")
            #expect(image.transcript.contains("files are copied, since no overlay can have so many layers"))
            let run = try await f.succeed("run", "--rm", "image-under-test", "sh", "-c", "ls /d | wc -l; cat /d/8")
            #expect(run.outputText == "504\ncontent", "\(run)")
            let mounted = try await f.build(
                "FROM base\nRUN --mount=type=bind,from=image-under-test,target=/m ls /m/d | wc -l > /count"
            )
            #expect(try mounted.text("/count") == "504\n")
        }
    }
}
