internal import Foundation
internal import Testing

@Suite("Several builds on one store")
struct ConcurrencyTests {
    @Test("eight at once, different and equal ones, are all right")
    func builds() async throws {
        try await BuildFixture.with { f in
            try f.write("shared/file", "shared")
            for index in 0..<4 { try f.write("own-\(index)", "\(index)") }
            let running = try (0..<8).map { index in
                try f.start([
                    "-q", "-t", "image-\(index)", "-f",
                    try f.dockerfile("FROM scratch\nCOPY shared /shared\nCOPY own-\(index % 4) /own"), ".",
                ])
            }
            var ids: [String] = []
            for (index, command) in running.enumerated() {
                let result = try await command.wait()
                try #require(result.status == 0, "\(result)")
                ids.append(result.line)
                let image = try BuiltImage(id: result.line, store: f.store, transcript: "")
                #expect(try image.text("/own") == "\(index % 4)")
            }
            #expect(try await f.succeed("images").outputText.split(separator: "\n").count == 9)
            let names = try JSONDecoder().decode(
                JSON.self,
                from: Data(try await f.succeed("inspect", "image-0", "image-7").output)
            )
            #expect(names.elements.count == 2)
        }
    }

    @Test("the same RUN in eight builds is done once", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
    func sameStep() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let file = try f.dockerfile("FROM base\nRUN cat /proc/sys/kernel/random/uuid >/id; sleep 0.5")
            let running = try (0..<8).map { try f.start(["-q", "-t", "image-\($0)", "-f", file, "."]) }
            var ids: Set<String> = []
            for command in running {
                let result = try await command.wait()
                try #require(result.status == 0, "\(result)")
                ids.insert(result.line)
            }
            #expect(ids.count == 1)
        }
    }

    @Test("prune beside builds removes nothing that they need")
    func prune() async throws {
        try await BuildFixture.with { f in
            for index in 0..<4 { try f.write("file-\(index)", "\(index)") }
            let builds = try (0..<4).map { index in
                try f.start([
                    "-q", "-t", "image-\(index)", "-f",
                    try f.dockerfile("FROM scratch\nCOPY file-\(index) /f\nWORKDIR /w"), ".",
                ])
            }
            let prunes = try (0..<4).map { _ in try f.start(["prune"]) }
            for (index, build) in builds.enumerated() {
                let result = try await build.wait()
                try #require(result.status == 0, "\(result)")
                #expect(try BuiltImage(id: result.line, store: f.store, transcript: "").text("/f") == "\(index)")
            }
            for prune in prunes {
                let result = try await prune.wait()
                #expect(result.status == 0, "\(result)")
            }
        }
    }
}
