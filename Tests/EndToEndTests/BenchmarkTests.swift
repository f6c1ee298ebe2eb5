internal import Foundation
internal import SystemPackage
internal import Testing

/// Plays the shortest workload, so that the benchmark cannot rot; what it measures is of no interest here.
@Suite("The benchmark")
struct BenchmarkTests {
    @Test(
        "measures a build, writes the numbers as JSON, and puts the table into a document",
        .enabled(if: Machine.has("python3") && Machine.has("time"), "needs python3 and time")
    )
    func oneSmallFile() async throws {
        try await BuildFixture.with { f in
            let numbers = f.scratch.appending("numbers.json")
            let document = f.scratch.appending("performance.md")
            try FileManager.default.copyItem(
                atPath: Machine.repository.pushing("docs/performance.md").string,
                toPath: document.string
            )
            let result = try await Machine.run(
                [
                    Machine.repository.pushing("Benchmarks/run").string, "--quick", "--only", "one-small-file",
                    "--rounds", "2", "--binary", Machine.binary.string, "--directory", f.scratch.string,
                    "--json", numbers.string, "--document", document.string,
                ],
                in: f.scratch
            )
            try #require(result.status == 0, "\(result)")
            #expect(result.outputText.contains("One small file, nothing changed"))
            let measured = try JSONDecoder().decode(JSON.self, from: Data(try readFile(numbers)))
            let ours = measured["workloads"][0]["measured"]["swiftbuild"]
            #expect(ours["walls"].elements.count == 2)
            #expect((ours["peakKiB"].integer ?? 0) > 1000, "\(ours)")
            let text = String(decoding: try readFile(document), as: UTF8.self)
            #expect(text.contains("| One small file, nothing changed |"))
            #expect(text.hasPrefix("# Performance\n") && text.contains("## What was tried"))
            #expect(
                FileManager.default.subpaths(atPath: f.scratch.string)?.contains { $0.contains("benchmark-") } == false
            )
        }
    }

    @Test(
        "measures containers, and what is beside them",
        .enabled(if: Machine.canRun && Machine.isRoot, "\(Machine.needsRoot)"),
        .enabled(if: Machine.has("python3") && Machine.has("time"), "needs python3 and time")
    )
    func containers() async throws {
        try await BuildFixture.with { f in
            let numbers = f.scratch.appending("numbers.json")
            let result = try await Machine.run(
                [
                    Machine.repository.pushing("Benchmarks/run").string, "--quick", "--only", "containers", "--only",
                    "many-containers", "--only", "compose", "--peers", "none", "--rounds", "1", "--binary",
                    Machine.binary.string,
                    "--directory", f.scratch.string, "--json", numbers.string,
                ],
                in: f.scratch
            )
            try #require(result.status == 0, "\(result)")
            let measured = try JSONDecoder().decode(JSON.self, from: Data(try readFile(numbers)))
            #expect(measured["workloads"].elements.count == 6)
            for workload in measured["workloads"].elements {
                #expect(workload["measured"]["swiftbuild"]["walls"].elements.count == 1, "\(workload)")
            }
            for text in [
                "`run -d` on a bridge", "`exec`, true", "`ps` with 20 containers", "Memory beside a container",
                "`compose up -d`, ten services, nothing changed",
            ] {
                #expect(result.outputText.contains(text), "\(result)")
            }
        }
    }
}
