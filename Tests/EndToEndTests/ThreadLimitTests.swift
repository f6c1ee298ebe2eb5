internal import Foundation
internal import Glibc
internal import SystemPackage
internal import Testing

/// Where the system gives few threads, a build takes longer or ends with an error; it never waits for ever.
@Suite("Few threads", .enabled(if: Machine.isRoot && Machine.has("setpriv") && Machine.has("prlimit"), "needs root"))
struct ThreadLimitTests {
    /// - Parameter user: A user of whom nothing else runs, since the limit is one for all that a user runs.
    private func run(_ f: BuildFixture, _ limit: Int, as user: uid_t, _ arguments: [String]) async throws
        -> CommandResult
    {
        let home = f.scratch.appending("home").string
        mkdir(home, 0o755)
        chown(home, user, user)
        let start = ["setpriv", "--reuid", "\(user)", "--regid", "\(user)", "--clear-groups", "env"]
        return try await RunningCommand(
            start + ["prlimit", "--nproc=\(limit):\(limit)", Machine.binary.string] + arguments,
            environment: f.environment.merging(["SWIFTBUILD_ROOT": home + "/store", "HOME": home]) { $1 },
            directory: f.context,
            logs: f.scratch
        ).wait(limit: .seconds(60))
    }

    @Test("a build ends", arguments: [1, 2, 3, 4, 6, 10])
    func builds(limit: Int) async throws {
        try await BuildFixture.with { f in
            chmod(f.context.string, 0o755)
            for number in 0..<300 { try f.write("many/\(number)", String(repeating: "x", count: 20_000)) }
            try f.write(
                "Dockerfile",
                "FROM scratch AS a\nCOPY many /m\nFROM scratch\nCOPY --from=a /m /n\nCOPY many /o\n"
            )
            let result = try await run(f, limit, as: 54_300 + uid_t(limit), ["--progress=plain", "."])
            // One thread is enough; with none but the first there is an error that says so.
            #expect(result.status == (limit == 1 ? 3 : 0), "\(result)")
            if limit == 1 { #expect(result.errors.contains("no thread can be started"), "\(result)") }
        }
    }

    @Test("a command that needs a server ends", arguments: [1, 2, 3, 5])
    func transfers(limit: Int) async throws {
        try await BuildFixture.with { f in
            let result = try await run(f, limit, as: 54_400 + uid_t(limit), ["pull", "localhost:1/x"])
            #expect(result.status == 1 || result.status == 3, "\(result)")
            #expect(result.errors.contains("error"), "\(result)")
        }
    }

    @Test("what a build writes to a directory is whole")
    func output() async throws {
        try await BuildFixture.with { f in
            chmod(f.context.string, 0o755)
            for number in 0..<100 { try f.write("many/\(number)", "content of \(number)") }
            try f.write("Dockerfile", "FROM scratch\nCOPY many /m\n")
            let directory = f.scratch.appending("home").appending("out")
            let result = try await run(f, 2, as: 54_500, ["-o", directory.string, "."])
            #expect(result.status == 0, "\(result)")
            for number in 0..<100 {
                let file = directory.appending("m").appending("\(number)").string
                #expect(try String(contentsOfFile: file, encoding: .utf8) == "content of \(number)")
            }
        }
    }
}
