internal import Glibc
internal import SystemPackage
internal import Testing

/// Every message names what is wrong, the exit code says whose fault it is, and nothing is left behind.
@Suite("Bad input")
struct BadInputTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let text: String
        /// What the message has to contain.
        let mentions: [String]
        var testDescription: String { name }
    }

    static let cases = [
        Case(name: "an unknown instruction", text: "FROM scratch\nCOPPY a b", mentions: [":2", "COPPY", "COPY"]),
        Case(name: "an unknown flag", text: "FROM scratch\nCOPY --form=a a b", mentions: [":2", "--form", "--from"]),
        Case(name: "a flag twice", text: "FROM scratch\nCOPY --chown=1 --chown=2 a b", mentions: [":2", "--chown"]),
        Case(name: "no FROM", text: "COPY a b", mentions: [":1", "FROM"]),
        Case(name: "only comments", text: "# nothing\n", mentions: ["instruction"]),
        Case(name: "a COPY without destination", text: "FROM scratch\nCOPY a", mentions: [":2", "COPY"]),
        Case(name: "an unset base", text: "ARG B\nFROM $B", mentions: [":2"]),
        Case(name: "a bad base name", text: "FROM UPPER/case:tag:tag", mentions: [":1", "UPPER/case:tag:tag"]),
        Case(name: "a bad substitution", text: "FROM scratch\nENV A=${}", mentions: [":2"]),
        Case(name: "an unknown modifier", text: "FROM scratch\nENV A=${B@x}", mentions: [":2"]),
        Case(name: "an open quote", text: "FROM scratch\nENV A=\"x", mentions: [":2"]),
        Case(name: "ENV without =", text: "FROM scratch\nENV A=1 # c", mentions: [":2"]),
        Case(name: "a bad mode", text: "FROM scratch\nCOPY --chmod=999 a /a", mentions: [":2", "999"]),
        Case(name: "a bad signal", text: "FROM scratch\nSTOPSIGNAL SIGNOTHING", mentions: [":2", "SIGNOTHING"]),
        Case(name: "COPY of an address", text: "FROM scratch\nCOPY https://example.com/a /a", mentions: [":2"]),
        Case(name: "a source that is missing", text: "FROM scratch\nCOPY dir/lost /x", mentions: [":2", "dir/lost"]),
        Case(name: "a source that is nearly there", text: "FROM scratch\nCOPY dir/fil /x", mentions: ["dir/file"]),
        Case(
            name: "a line that is too long",
            text: "FROM scratch\nLABEL a=" + String(repeating: "x", count: 70_000),
            mentions: [":2"]
        ),
        Case(name: "a stage of itself", text: "FROM a AS a\nFROM a", mentions: ["a"]),
    ]

    @Test("is told with line and name", arguments: cases)
    func dockerfile(example: Case) async throws {
        try await BuildFixture.with { f in
            try f.write("dir/file")
            try f.write("a")
            let message = try await f.buildFailing(example.text)
            for part in example.mentions { #expect(message.contains(part), "\(message)") }
            #expect(message.contains("error"), "\(message)")
            #expect(!message.contains("Fatal error"))
        }
    }

    @Test("a base image that is nowhere is named")
    func missingBase() async throws {
        try await BuildFixture.with { f in
            let message = try await f.buildFailing("FROM no-such-image:1.2\nLABEL a=b")
            #expect(message.contains("no-such-image:1.2"))
        }
    }

    @Test("a missing Dockerfile or context")
    func missingFiles() async throws {
        try await BuildFixture.with { f in
            let none = try await f.swiftbuild(".")
            #expect(none.status == 1, "\(none)")
            #expect(none.errors.contains("Dockerfile"))
            let other = try await f.swiftbuild("-f", "lost/Dockerfile", ".")
            #expect(other.status == 1, "\(other)")
            #expect(other.errors.contains("lost/Dockerfile"))
            let context = try await f.swiftbuild("-f", try f.dockerfile("FROM scratch"), "no-such-directory")
            #expect(context.status == 1, "\(context)")
            #expect(context.errors.contains("no-such-directory"))
            try f.write("file")
            let file = try await f.swiftbuild("-f", try f.dockerfile("FROM scratch"), "file")
            #expect(file.status == 1, "\(file)")
            #expect(file.errors.contains("file"))
        }
    }

    @Test(
        "a usage error has exit code 2",
        arguments: [
            ["--no-such-flag", "."], ["build"], ["build", ".", "extra"], ["-t", "UPPER:x:y", "."],
            ["--build-arg", "=x", "."],
            ["--jobs", "none", "."], ["-o", "type=unknown", "."], ["tag", "one"], ["rmi"], ["--progress", "loud", "."],
            ["--platform", "a/b/c/d/e", "."], ["--compression", "nonsense", "."],
            ["check-cache", "--compression", "nonsense", "."], ["check-cache", "--push", "."],
        ]
    )
    func usage(arguments: [String]) async throws {
        try await BuildFixture.with { f in
            try f.write("Dockerfile", "FROM scratch\n")
            let result = try await f.start(arguments).wait()
            #expect(result.status == 2, "\(result)")
            #expect(!result.errors.isEmpty)
            #expect(result.output == [])
        }
    }

    @Test(
        "commands on an image that does not exist name it",
        arguments: ["inspect", "history", "rmi", "run", "tag", "save"]
    )
    func missingImage(command: String) async throws {
        try await BuildFixture.with { f in
            let extra = command == "tag" ? ["other"] : []
            let flags = command == "save" ? ["-o", "out.tar"] : []
            let result = try await f.start([command] + flags + ["no-such-image"] + extra).wait()
            #expect(result.status != 0, "\(result)")
            #expect(result.errors.contains("no-such-image"))
        }
    }

    @Test("a store that cannot be written is the environment's fault, with exit code 3")
    func unwritableStore() async throws {
        try await BuildFixture.with { f in
            try f.write("Dockerfile", "FROM scratch\n")
            try f.write("file")
            let result = try await f.swiftbuild("--root", f.context.appending("file").appending("store").string, ".")
            #expect(result.status == 3, "\(result)")
            #expect(result.errors.contains("file/store"))
        }
    }

    @Test(
        "a full disk gives a clear message, and the store works again when there is room",
        .enabled(if: Machine.canMount, "\(Machine.needsMounts)")
    )
    func fullDisk() async throws {
        try await BuildFixture.with { f in
            let disk = f.scratch.appending("disk")
            #expect(mkdir(disk.string, 0o755) == 0)
            try #require(mount("tmpfs", disk.string, "tmpfs", 0, "size=2m") == 0, "\(Errno(rawValue: errno))")
            defer { umount2(disk.string, Int32(MNT_DETACH)) }
            try f.write("big", bytes: [UInt8](repeating: 7, count: 4 << 20))
            try f.write("small", "s")
            let store = disk.appending("store").string
            let result = try await f.swiftbuild(
                "--root",
                store,
                "-f",
                try f.dockerfile("FROM scratch\nCOPY big /big"),
                "."
            )
            #expect(result.status == 3, "\(result)")
            #expect(result.errors.lowercased().contains("no space left"))
            let small = try await f.swiftbuild(
                "--root",
                store,
                "-f",
                try f.dockerfile("FROM scratch\nCOPY small /s"),
                "."
            )
            #expect(small.status == 0, "\(small)")
        }
    }

    @Test("an unreadable file in the context is named", .enabled(if: !Machine.isRoot, "root may read everything"))
    func unreadable() async throws {
        try await BuildFixture.with { f in
            try f.write("closed", "x", mode: 0o000)
            let message = try await f.buildFailing("FROM scratch\nCOPY closed /x")
            #expect(message.contains("closed"))
        }
    }
}
