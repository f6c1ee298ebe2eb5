internal import Foundation
internal import SystemPackage
internal import Testing

/// What the README and the demo show, from the repository's own Dockerfiles.
@Suite("The main job")
struct MainJobTests {
    private func copyRepositoryFiles(_ fixture: BuildFixture) throws {
        for name in ["Dockerfile.simple", "Dockerfile.run", "example.txt"] {
            try fixture.write(name, bytes: readFile(Machine.repository.appending(name)))
        }
    }

    @Test("a Dockerfile without RUN gives the transcript that docker build gives, and the second build is all cache")
    func simple() async throws {
        try await BuildFixture.with { f in
            try copyRepositoryFiles(f)
            let first = try await f.succeed("-f", "Dockerfile.simple", "--tag", "simple", ".")
            #expect(first.output == [])
            let shortID = String(
                try #require(first.errors.split(separator: "\n").last { $0.hasPrefix("Successfully built ") })
                    .dropFirst("Successfully built ".count)
            )
            #expect(shortID.count == 12)
            #expect(
                first.errors == """
                    Step 1/2 : FROM scratch
                     --->
                    Step 2/2 : COPY example.txt /example.txt
                     ---> \(shortID)
                    Successfully built \(shortID)
                    Successfully tagged simple:latest

                    """
            )
            let second = try await f.succeed("-f", "Dockerfile.simple", "--tag", "simple", ".")
            #expect(
                second.errors == """
                    Step 1/2 : FROM scratch
                     --->
                    Step 2/2 : COPY example.txt /example.txt
                     ---> Using cache
                     ---> \(shortID)
                    Successfully built \(shortID)
                    Successfully tagged simple:latest

                    """
            )
            let id = try await f.succeed("-q", "-f", "Dockerfile.simple", ".").line
            #expect(id.hasPrefix("sha256:" + shortID))
            let image = try BuiltImage(id: id, store: f.store, transcript: "")
            #expect(image.listing() == ["-644 0:0 /example.txt"])
            #expect(try image.text("/example.txt") == "hello world")
        }
    }

    @Test("images lists an image with the bytes of its files as its size")
    func images() async throws {
        try await BuildFixture.with { f in
            try copyRepositoryFiles(f)
            let id = try await f.succeed("-q", "-f", "Dockerfile.simple", "--tag", "simple", ".").line
            let table = try await f.succeed("images").outputText.split(separator: "\n")
            #expect(
                table.first?.split(separator: " ", omittingEmptySubsequences: true).joined(separator: " ")
                    == "REPOSITORY TAG IMAGE ID CREATED SIZE"
            )
            let row = try #require(table.dropFirst().first).split(separator: " ").map(String.init)
            #expect(table.count == 2)
            #expect(Array(row.prefix(3)) == ["simple", "latest", String(id.dropFirst(7).prefix(12))])
            #expect(row.last == "11B")
        }
    }

    @Test(
        "an image with a RUN is built, run and inspected; the second build is all cache",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)")
    )
    func run() async throws {
        try await BuildFixture.with { f in
            try copyRepositoryFiles(f)
            try await f.importBase("alpine")
            let first = try await f.succeed("-f", "Dockerfile.run", "--tag", "container-run", ".")
            #expect(first.errors.contains("Step 2/4 : RUN mkdir -p /opt/\n ---> Running in "))
            #expect(!first.errors.contains("Using cache"))
            #expect(try await f.succeed("run", "container-run", "cat", "/opt/example.txt").outputText == "hello world")
            #expect(try await f.succeed("run", "container-run").outputText == "hello world")

            let second = try await f.succeed("-f", "Dockerfile.run", "--tag", "container-run", ".")
            #expect(second.errors.components(separatedBy: " ---> Using cache\n").count == 4)
            #expect(!second.errors.contains("Running in"))
            #expect(second.errors.split(separator: "\n").suffix(2) == first.errors.split(separator: "\n").suffix(2))

            let description = try JSONDecoder().decode(
                JSON.self,
                from: Data(try await f.succeed("inspect", "container-run").output)
            )
            #expect(description[0]["Config"]["Cmd"] == ["/bin/sh", "-c", "cat /opt/example.txt"])
            #expect(description[0]["RepoTags"] == ["container-run:latest"])
            #expect(description[0]["Os"] == "linux")
            #expect(description[0]["RootFS"]["Layers"].elements.count == 3)
            #expect(
                description[0].keys.isSuperset(of: [
                    "Id", "RepoTags", "RepoDigests", "Created", "Architecture", "Os", "Size", "Config", "RootFS",
                ])
            )
        }
    }

    @Test(
        "changing a file runs again only the steps that depend on it",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)")
    )
    func change() async throws {
        try await BuildFixture.with { f in
            try copyRepositoryFiles(f)
            try await f.importBase("alpine")
            try await f.succeed("-f", "Dockerfile.run", "--tag", "container-run", ".")
            try f.write("example.txt", "other words")
            let again = try await f.succeed("-f", "Dockerfile.run", "--tag", "container-run", ".")
            #expect(again.errors.contains("Step 2/4 : RUN mkdir -p /opt/\n ---> Using cache\n"))
            #expect(!again.errors.contains("Step 3/4 : COPY example.txt /opt/example.txt\n ---> Using cache\n"))
            #expect(try await f.succeed("run", "container-run").outputText == "other words")
        }
    }
}
