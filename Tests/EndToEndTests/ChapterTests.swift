internal import Foundation
internal import SystemPackage
internal import Testing

/// What a reader types who learns images and containers with this project's own files, in that order.
@Suite("A first session", .enabled(if: Machine.canRun, "\(Machine.needsRoot)"))
struct ChapterTests {
    @Test("builds, lists and runs images, looks into them, and takes them away")
    func session() async throws {
        try await BuildFixture.with { f in
            try await f.importBase("alpine")
            for file in ["Dockerfile.simple", "Dockerfile.run", "example.txt"] {
                try f.write(file, bytes: try readFile(Machine.repository.appending(file)))
            }
            func lines(_ result: CommandResult) -> [[String]] {
                result.outputText.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
            }
            let simple = try await f.succeed("build", "-f", "Dockerfile.simple", "-t", "simple", ".")
            #expect(simple.errors.contains("Successfully tagged simple:latest"), "\(simple)")
            let first = lines(try await f.succeed("images"))
            #expect(first[0].starts(with: ["REPOSITORY", "TAG", "IMAGE", "ID", "CREATED", "SIZE"]))
            #expect(first.contains { $0.starts(with: ["simple", "latest"]) })
            // An image without a program cannot be run, which is said in a sentence.
            let nothing = try await f.swiftbuild("run", "simple")
            #expect(nothing.status == 125 && nothing.errors.contains("has no command"), "\(nothing)")

            let built = try await f.succeed("build", "-f", "Dockerfile.run", "--tag", "container-run", ".")
            #expect(built.errors.contains("Successfully tagged container-run:latest"), "\(built)")
            #expect(lines(try await f.succeed("images", "container-run")).count == 2)
            #expect(try await f.succeed("run", "container-run").outputText == "hello world")
            #expect(try await f.succeed("run", "--rm", "container-run").outputText == "hello world")
            let shell = try await f.succeed("run", "container-run", "sh", "-c", "ls /opt; echo $((6 * 7))")
            #expect(shell.outputText == "example.txt\n42\n")
            let input = try await f.succeed("run", "-i", "container-run", "sh", input: Array("cat /opt/*\n".utf8))
            #expect(input.outputText == "hello world")
            #expect(try await f.swiftbuild("run", "container-run", "sh", "-c", "exit 3").status == 3)
            #expect(try await f.swiftbuild("run", "container-run", "nope").status == 127)

            #expect(try await f.succeed("history", "container-run").outputText.contains("mkdir -p /opt/"))
            let path = try await f.succeed("inspect", "-f", "{{.Config.Cmd}}", "container-run")
            #expect(path.outputText.contains("cat /opt/example.txt"), "\(path)")
            let again = try await f.succeed("-f", "Dockerfile.run", "--tag", "container-run", ".")
            #expect(again.errors.components(separatedBy: "Using cache").count == 4, "\(again)")

            try await f.succeed("tag", "container-run", "container-run:v1")
            #expect(lines(try await f.succeed("images", "container-run")).count == 3)
            try await f.succeed("save", "-o", "saved.tar", "container-run:v1")
            try await f.succeed("rmi", "container-run", "container-run:v1")
            #expect(lines(try await f.succeed("images", "container-run")).count == 1)
            try await f.succeed("load", "-i", "saved.tar")
            #expect(try await f.succeed("run", "container-run:v1").outputText == "hello world")
            try await f.succeed("rmi", "-f", "container-run:v1", "simple")
            try await f.succeed("prune", "-f")
        }
    }
}
