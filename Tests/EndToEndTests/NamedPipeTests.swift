internal import Glibc
internal import SystemPackage
internal import Testing

/// A named pipe where a file is expected would be waited for until somebody opens its other end.
@Suite("Named pipes")
struct NamedPipeTests {
    /// Long enough for anything that does not wait.
    private static let limit = Duration.seconds(30)

    private func makePipe(_ f: BuildFixture, _ path: String) throws {
        try f.makeDirectory(FilePath(path).removingLastComponent().string)
        try #require(mkfifo(f.context.pushing(FilePath(path)).string, 0o600) == 0)
    }

    @Test(
        "in place of a file are an error that names them",
        arguments: [
            (".dockerignore", ["."]), ("Dockerfile.dockerignore", ["."]), ("pipe", ["-f", "pipe", "."]),
            ("pipe", ["-f", "../context/pipe", "."]), ("pipe", ["--build-arg-file", "pipe", "."]),
            ("pipe", ["load", "-i", "pipe"]),
            ("pipe", ["import", "pipe", "x"]), ("pipe", ["check", "-f", "pipe"]),
        ]
    )
    func files(path: String, arguments: [String]) async throws {
        try await BuildFixture.with { f in
            try f.write("Dockerfile", "FROM scratch\nCOPY . /\n")
            try makePipe(f, path)
            let result = try await f.start(arguments).wait(limit: NamedPipeTests.limit)
            #expect((1...3).contains(result.status), "\(result)")
            #expect(result.errors.contains("named pipe") && result.errors.contains(path), "\(result)")
        }
    }

    @Test(
        "in place of a configuration are an error",
        arguments: ["CONTAINERS_REGISTRIES_CONF", "REGISTRY_AUTH_FILE", "SSL_CERT_FILE"]
    )
    func configurations(variable: String) async throws {
        try await BuildFixture.with { f in
            try makePipe(f, "pipe")
            try f.write("empty.conf")
            var environment = ["CONTAINERS_REGISTRIES_CONF": f.context.appending("empty.conf").string]
            environment[variable] = f.context.appending("pipe").string
            // Nothing listens there; the login is asked for only by a server that answers.
            let arguments = variable == "REGISTRY_AUTH_FILE" ? ["logout", "127.0.0.1:1"] : ["pull", "127.0.0.1:1/x"]
            let result = try await f.start(arguments, environment: environment).wait(limit: NamedPipeTests.limit)
            #expect(result.status == 1 && result.errors.contains("named pipe"), "\(result)")
        }
    }

    @Test("in the store are as good as nothing there")
    func store() async throws {
        try await BuildFixture.with { f in
            try f.write("Dockerfile", "FROM scratch\nCOPY Dockerfile /\n")
            try await f.succeed("-t", "x", ".")
            let files = try await Machine.run(["find", f.store.string, "-type", "f"], in: "/tmp").outputText
            for file in files.split(separator: "\n") where !file.contains("/locks/") {
                unlink(String(file))
                mkfifo(String(file), 0o600)
            }
            for arguments in [
                ["-t", "y", "."], ["images"], ["inspect", "x"], ["doctor"], ["df"], ["save", "-o", "s.tar", "x"],
            ] {
                let result = try await f.start(arguments).wait(limit: NamedPipeTests.limit)
                #expect(result.status < 128, "\(result)")
            }
        }
    }

    @Test("that a user hands over open are read")
    func handedOver() async throws {
        try await BuildFixture.with { f in
            try f.write("a", "text")
            func shell(_ script: String) async throws -> CommandResult {
                let environment = f.environment.merging(["SB": Machine.binary.string]) { $1 }
                return try await RunningCommand(
                    ["bash", "-c", script],
                    environment: environment,
                    directory: f.context,
                    logs: f.scratch
                ).wait(limit: NamedPipeTests.limit)
            }
            for script in [
                #""$SB" -t one -f <(echo FROM scratch; echo COPY a /a) ."#,
                #"(echo FROM scratch; echo COPY a /b) | "$SB" -t two -f /dev/stdin ."#,
                #"(echo FROM scratch; sleep 0.5; echo COPY a /c) | "$SB" -t three -f - ."#,
                #""$SB" save -o one.tar one && "$SB" load -i <(cat one.tar)"#,
                #""$SB" save one | "$SB" load -i /dev/stdin"#, #""$SB" save one | "$SB" load"#,
            ] {
                let result = try await shell(script)
                #expect(result.status == 0, "\(script): \(result)")
            }
        }
    }
}
