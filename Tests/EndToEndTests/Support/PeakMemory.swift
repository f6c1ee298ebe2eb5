internal import SystemPackage
internal import Testing

extension BuildFixture {
    /// Runs the binary in the context and gives the most memory that it had, in KiB.
    func peakMemory(_ arguments: [String]) async throws -> Int {
        let program = """
            import os, sys
            child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, 2, 1)])
            _, status, used = os.wait4(child, 0)
            print(used.ru_maxrss)
            sys.exit(os.waitstatus_to_exitcode(status))
            """
        let result = try await Machine.run(
            ["python3", "-c", program, Machine.binary.string] + arguments,
            environment: environment,
            in: context
        )
        return try #require((try result.requireSuccess().line).split(separator: "\n").last.flatMap { Int($0) })
    }
}
