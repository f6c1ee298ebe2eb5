internal import Foundation
internal import SystemPackage
internal import Testing

@Suite("The command line")
struct CommandLineTests {
    @Test(
        "a first word that is neither a command nor a path is told as an unknown command",
        arguments: [
            (["bild"], "`build`"), (["bild", "."], "`build`"), (["imges"], "`images`"), (["help", "bild"], "`build`"),
            (["buildx", "build", "."], "`build`"), (["update"], "not supported yet"), (["info"], "`doctor`"),
        ]
    )
    func unknownCommands(arguments: [String], mentions: String) async throws {
        try await BuildFixture.with { f in
            let result = try await f.start(arguments).wait()
            #expect(result.status == 2 && result.errors.hasPrefix("error: unknown command"), "\(result)")
            #expect(result.errors.contains(mentions), "\(result)")
            try f.write("bild/Dockerfile", "FROM scratch\nLABEL a=b\n")
            try await f.succeed("bild")
        }
    }

    @Test("version, help and --help succeed and write to standard output")
    func help() async throws {
        try await BuildFixture.with { f in
            #expect(try await f.succeed("version").outputText.hasPrefix("swiftbuild "))
            #expect(try await f.succeed("version", "-f", "{{.Client.Os}}").outputText == "linux\n")
            for arguments in [
                ["help"], ["--help"], ["-h"], ["help", "run"], ["run", "--help"], ["debug-shell", "-h"],
            ] {
                let result = try await f.start(arguments).wait()
                #expect(result.status == 0 && result.outputText.contains("OVERVIEW: "), "\(result)")
            }
        }
    }

    @Test(
        "a command that only looks makes no store",
        arguments: [
            ["images"], ["images", "-q"], ["inspect", "x"], ["history", "x"], ["analyze", "x"], ["diff", "x", "y"],
            ["ls", "x"], ["cat", "x:/y"], ["cp", "x:/y", "."], ["report", "-o", "r.html"], ["explain"], ["build-logs"],
            ["df"], ["df", "-v"], ["doctor"], ["save", "-o", "s.tar", "x"], ["tag", "x", "y"],
            ["push", "localhost:1/x"],
            ["debug-shell"], ["check", "."],
        ]
    )
    func looking(arguments: [String]) async throws {
        try await BuildFixture.with { f in
            try f.write("Dockerfile", "FROM scratch\n")
            let result = try await f.start(arguments).wait()
            #expect(result.status <= 2, "\(result)")
            #expect(!result.errors.contains("cannot open"), "\(result)")
            #expect(!fileExists(f.store), "\(result)")
        }
    }

    @Test(
        "a destination that cannot be is told before the build",
        arguments: [
            ["--iidfile", "lost/id"], ["--metadata-file", "lost/m.json"], ["-o", "type=oci,dest=lost/x.tar"],
            ["-otype=tar,dest=lost/x.tar"], ["--iidfile", "."], ["--iidfile=file/id"],
        ]
    )
    func destinations(flags: [String]) async throws {
        try await BuildFixture.with { f in
            try f.write("file")
            try f.write("Dockerfile", "FROM scratch\nCOPY file /\n")
            let result = try await f.start(["build"] + flags + ["."]).wait()
            #expect(result.status == 1 && result.errors.contains("cannot write"), "\(result)")
            #expect(!result.errors.contains("Step 1"), "\(result)")
            #expect(!fileExists(f.store))
        }
    }

    @Test(
        "a file that is not there is no fault of the machine",
        arguments: [["load", "-i", "lost.tar"], ["import", "lost"]]
    )
    func missingFiles(arguments: [String]) async throws {
        try await BuildFixture.with { f in
            let result = try await f.start(arguments).wait()
            #expect(result.status == 1 && result.errors.contains("lost"), "\(result)")
        }
    }

    @Test("what CI passes to switch attestations off is accepted, and nothing that asks for them")
    func attestations() async throws {
        try await BuildFixture.with { f in
            try f.write("Dockerfile", "FROM scratch\nLABEL a=b\n")
            try await f.succeed(
                "--provenance=false",
                "--sbom=false",
                "--attest",
                "type=sbom,disabled=true",
                "--push=false",
                "."
            )
            for flag in ["--provenance=true", "--provenance=mode=max", "--sbom=true", "--attest=type=provenance"] {
                let result = try await f.swiftbuild("build", flag, ".")
                #expect(result.status == 2 && result.errors.contains("attestations are not supported"), "\(result)")
            }
        }
    }

    @Test("--progress=rawjson is JSON, and quiet is -q; the environment says so too")
    func progress() async throws {
        try await BuildFixture.with { f in
            try f.write("Dockerfile", "FROM scratch\nLABEL a=b\n")
            for (flags, environment) in [(["--progress=rawjson"], [:]), ([], ["BUILDKIT_PROGRESS": "rawjson"])] {
                let raw = try await f.start(["build"] + flags + ["."], environment: environment).wait()
                #expect(raw.status == 0 && raw.errors.hasPrefix("{"), "\(raw)")
            }
            let quiet = try await f.succeed("--progress", "quiet", ".")
            #expect(quiet.errors == "" && quiet.line.hasPrefix("sha256:"), "\(quiet)")
            #expect(try await f.succeed("-q", ".").outputText == quiet.outputText)
        }
    }

    @Test("DOCKER_DEFAULT_PLATFORM is the platform where --platform is not given")
    func defaultPlatform() async throws {
        try await BuildFixture.with { f in
            let other = ["DOCKER_DEFAULT_PLATFORM": "linux/riscv64"]
            let image = try await f.build("FROM scratch\nLABEL a=b", environment: other)
            #expect(image.configuration["architecture"] == "riscv64")
            let given = try await f.build("FROM scratch\nLABEL a=b", "--platform=linux/arm64", environment: other)
            #expect(given.configuration["architecture"] == "arm64")
            let wrong = try await f.swiftbuild(
                "-f",
                try f.dockerfile("FROM scratch"),
                ".",
                environment: ["DOCKER_DEFAULT_PLATFORM": "a/b/c/d"]
            )
            #expect(wrong.status == 2 && wrong.errors.contains("DOCKER_DEFAULT_PLATFORM"), "\(wrong)")
        }
    }

    @Test("-o with a type that is not there says that, with --push where it helps", arguments: ["registry", "image"])
    func outputTypes(type: String) async throws {
        try await BuildFixture.with { f in
            try f.write("Dockerfile", "FROM scratch\n")
            for text in ["type=\(type)", "type=\(type),name=x,push=true"] {
                let result = try await f.swiftbuild("-o", text, ".")
                #expect(result.status == 2 && result.errors.contains("type `\(type)` is not supported"), "\(result)")
                #expect(result.errors.contains("--push"), "\(result)")
            }
        }
    }

    @Test("check says so when there is no problems found")
    func cleanFile() async throws {
        try await BuildFixture.with { f in
            try f.write("Dockerfile", "FROM scratch\nLABEL a=b\n")
            for arguments in [["check", "."], ["build", "--check", "."]] {
                let result = try await f.start(arguments).wait()
                #expect(result.status == 0 && result.output == [], "\(result)")
                #expect(result.errors.contains("no problems found"), "\(result)")
            }
        }
    }
}
