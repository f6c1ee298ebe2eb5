internal import Foundation
internal import SystemPackage
internal import Testing

/// What becomes of a command whose output cannot be written, or is shown on a terminal.
@Suite("Output")
struct OutputTests {
    /// A store with two images and a build, and a context with something of each kind in it.
    private func prepare(_ f: BuildFixture) async throws {
        try f.write("a", String(repeating: "text\n", count: 40_000))
        try f.write("Dockerfile", "from scratch\nCOPY a /a\n")
        try f.write("tables", #"{"id": 1, "op": "expand", "word": "${A:-b}", "env": {}}"#)
        try await f.succeed("build", "-t", "other", "-f", try f.dockerfile("FROM scratch\nCOPY a /b"), ".")
        try await f.succeed("build", "-t", "app", ".")
        try await f.succeed("save", "-o", "saved.tar", "app")
        try f.write("files.tar", bytes: TarArchive.write([.file("f", "f")]))
    }

    /// Runs a command by a script, whose `$@` it is.
    private func shell(_ f: BuildFixture, _ script: String, _ arguments: [String]) async throws -> CommandResult {
        try await RunningCommand(
            ["sh", "-c", script, "sh", Machine.binary.string] + arguments,
            environment: f.environment,
            directory: f.context,
            logs: f.scratch
        ).wait()
    }

    /// Commands with data on standard output, and their exit codes.
    private static let commands: [(arguments: String, status: Int32)] = [
        ("images", 0), ("images -q", 0), ("images --format json", 0), ("images --format {{.ID}}", 0),
        ("inspect app", 0),
        ("inspect -f {{.Id}} app", 0), ("history app", 0), ("history --format json app", 0), ("ls -lR app", 0),
        ("ls --format json app", 0), ("cat app:/a", 0), ("cp app:/a -", 0), ("save app", 0),
        ("save --format oci app other", 0), ("df", 0), ("df --format json", 0), ("doctor", 0), ("analyze app", 0),
        ("report app", 0), ("diff app other", 1), ("diff --format json app other", 1), ("explain", 0),
        ("explain --format json", 0), ("check-cache .", 0), ("check .", 0), ("check --format json .", 0),
        ("context ls .", 0), ("context ls --why a .", 0), ("build -q .", 0), ("build -o - .", 0),
        ("build -o type=oci,dest=- .", 0), ("build -o type=docker,dest=- .", 0), ("prune --dry-run", 0),
        ("load -i saved.tar", 0), ("import files.tar imported", 0), ("index create all app", 0), ("debug manual", 0),
        ("debug tables <tables", 0), ("help", 0), ("help build", 0), ("--help", 0), ("images --help", 0),
        ("--version", 0), ("--generate-completion-script bash", 0),
    ]

    @Test("that cannot be written is an error, and that nobody reads any more is none")
    func unwritable() async throws {
        try await BuildFixture.with { f in
            try await prepare(f)
            for (command, status) in Self.commands {
                // The words of a command hold nothing that a shell changes but what is meant for it.
                let line = "\"$0\" \(command.replacing("{{", with: "'{{'").replacing("}}", with: "'}}'"))"
                func run(_ script: String) async throws -> CommandResult {
                    try await RunningCommand(
                        ["sh", "-c", script, Machine.binary.string],
                        environment: f.environment,
                        directory: f.context,
                        logs: f.scratch
                    ).wait()
                }
                let full = try await run("\(line) >/dev/full")
                #expect(full.status == 3, "\(full)")
                #expect(
                    full.errors.hasSuffix("error: cannot write to standard output: no space left on device\n"),
                    "\(full)"
                )
                let closed = try await run("{ \(line); echo $? >status; } | :")
                let code = String(decoding: try readFile(f.context.appending("status")), as: UTF8.self)
                #expect(code == "\(status)\n", "\(command): \(closed)")
                #expect(!closed.errors.contains("error:"), "\(closed)")
            }
        }
    }

    @Test("that cannot be written stops no work, and a closed stream is no file of the store")
    func workGoesOn() async throws {
        try await BuildFixture.with { f in
            try await prepare(f)
            let removed = try await shell(f, "\"$@\" >/dev/full", ["rmi", "app", "other"])
            #expect(removed.status == 3, "\(removed)")
            #expect(try await f.succeed("images", "-q").output == [])
            let closed = try await shell(f, "exec <&- >&-; \"$@\"", ["build", "-q", "-t", "app", "."])
            #expect(closed.status == 3, "\(closed)")
            #expect(closed.errors.contains("standard output: bad file descriptor"), "\(closed)")
            #expect(try await f.succeed("images", "-q").line.utf8.count == 12)
            #expect(try await f.succeed("doctor").status == 0)
        }
    }

    @Test("as JSON on standard error is data too")
    func events() async throws {
        try await BuildFixture.with { f in
            try await prepare(f)
            let build = ["build", "--progress", "json", "."]
            #expect(try await shell(f, "\"$@\" 2>/dev/full", build).status == 3)
            _ = try await shell(f, "{ \"$@\"; echo $? >status; } 2>&1 >/dev/null | :", build)
            #expect(try readFile(f.context.appending("status")) == Array("0\n".utf8))
            // A transcript is for people.
            #expect(try await shell(f, "\"$@\" 2>/dev/full", ["build", "."]).status == 0)
        }
    }

    // MARK: - On a terminal

    private static let hostile = "\u{1B}]0;t\u{7}\u{1B}[2J\u{202E}\u{2066}\u{9B}2J\u{7F}"

    /// Runs the binary on a terminal without colours, and gives all that reached it.
    private func onTerminal(_ f: BuildFixture, _ arguments: [String]) async throws -> CommandResult {
        let words = [Machine.binary.string] + arguments
        let command = words.map { "'" + $0.replacing("'", with: "'\\''") + "'" }.joined(separator: " ")
        return try await RunningCommand(
            ["script", "-qec", command, "/dev/null"],
            environment: f.environment.merging(["NO_COLOR": "1", "TERM": "xterm"]) { $1 },
            directory: f.context,
            logs: f.scratch
        ).wait()
    }

    private func expectHarmless(_ result: CommandResult, sourceLocation: SourceLocation = #_sourceLocation) {
        let text = String(decoding: result.output, as: UTF8.self)
        let bad = text.unicodeScalars.filter {
            ($0.value < 0x20 && $0 != "\n" && $0 != "\r") || (0x7F...0x9F).contains($0.value)
                || (0x202A...0x202E).contains($0.value) || (0x2066...0x2069).contains($0.value)
        }
        #expect(bad.isEmpty, "\(result)", sourceLocation: sourceLocation)
        #expect(!text.isEmpty, "\(result)", sourceLocation: sourceLocation)
    }

    @Test("of strangers is never obeyed by a terminal", .enabled(if: Machine.has("script"), "needs script of bsdutils"))
    func harmless() async throws {
        try await BuildFixture.with { f in
            let hostile = Self.hostile
            try f.write("d/\(hostile)f", "x")
            try f.write("\(hostile).Dockerfile", "from scratch AS \(hostile)\nCOPY nothing /\n")
            let text = "FROM scratch\nCOPY d /d\nLABEL a=\"\(hostile)\" \"b\(hostile)\"=c\nENV A=\"\(hostile)\"\n"
            try f.write("Dockerfile", text)
            for arguments in [
                ["build", "--progress", "plain", "-t", "app", "."], ["build", "--progress", "json", "."],
                ["inspect", "app"],
                ["inspect", "-f", "{{.Config.Labels}} {{json .Config.Env}}", "app"], ["history", "app"],
                ["history", "--no-trunc", "--format", "json", "app"], ["ls", "-lR", "app"],
                ["ls", "--format", "json", "app:/d"],
                ["analyze", "app"], ["diff", "app", "app:\(hostile)"], ["explain"], ["explain", "--format", "json"],
                ["check-cache", "."], ["context", "ls", "."], ["context", "ls", "--format", "json", "."],
                ["context", "ls", "--why", "d/\(hostile)f", "."], ["check", "-f", "\(hostile).Dockerfile", "."],
                ["check", "--format", "json", "-f", "\(hostile).Dockerfile", "."],
                ["build", "--progress", "plain", "-f", "\(hostile).Dockerfile", "."], ["build", "-f", hostile, "."],
                ["cat", "app:/\(hostile)"], ["--\(hostile)"], ["images", "--format", "{{.\(hostile)}}"],
            ] {
                expectHarmless(try await onTerminal(f, arguments))
            }
        }
    }

    @Test(
        "of a RUN reaches a terminal without what it would obey, and a file as it was written",
        .enabled(if: Machine.canRun, "\(Machine.needsRoot)"),
        .enabled(if: Machine.has("script"), "needs script of bsdutils")
    )
    func processes() async throws {
        try await BuildFixture.with { f in
            try await f.importBase()
            let written = "printf 'a\\033[2Jb\\302\\2332J\\342\\200\\256c\\n'"
            for text in ["FROM base\nRUN \(written)", "FROM base\nRUN \(written); false"] {
                try f.write("Dockerfile", text)
                let shown = try await onTerminal(f, ["build", "--no-cache", "--progress", "plain", "."])
                expectHarmless(shown)
                let piped = try await f.swiftbuild("build", "--no-cache", "--progress", "plain", ".")
                #expect(piped.errors.contains("a\u{1B}[2Jb\u{9B}2J\u{202E}c\n"), "\(piped)")
            }
        }
    }
}
