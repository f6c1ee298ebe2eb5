internal import Glibc
internal import Testing

@testable internal import Containers

@Suite("A connection to a supervisor that ends at this moment")
struct SupervisorConnectionTests {
    /// A connection, and the supervisor's end of it.
    private func connect() throws -> (SupervisorConnection, supervisor: Int32) {
        var ends: [Int32] = [-1, -1]
        try #require(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0)
        signal(SIGPIPE, SIG_IGN)
        return (SupervisorConnection(ends[0], try ContainerName("web")), ends[1])
    }

    private func isNotRunning(_ error: any Error) -> Bool {
        guard case .notRunning(let name)? = error as? ContainerStoreError else { return false }
        return name.description == "web"
    }

    @Test("before it takes the request: the container does not run")
    func request() throws {
        let (connection, supervisor) = try connect()
        close(supervisor)
        #expect {
            try connection.request(.wait)
        } throws: {
            isNotRunning($0)
        }
    }

    @Test("before it answers: the container does not run")
    func answer() throws {
        let (connection, supervisor) = try connect()
        try connection.request(.pause)
        close(supervisor)
        #expect {
            try connection.waitForAnswer()
        } throws: {
            isNotRunning($0)
        }
    }

    @Test("while something is typed: its exit code is shown all the same")
    func typing() throws {
        let (connection, supervisor) = try connect()
        let exit = Frame(.exit, "7").encoded
        #expect(write(supervisor, exit, exit.count) == exit.count)
        close(supervisor)
        var input: [Int32] = [-1, -1]
        try #require(pipe(&input) == 0)
        defer { for end in input { close(end) } }
        #expect(write(input[1], "x", 1) == 1)
        #expect(try connection.relay(input: input[0], output: 1, error: 2, detachKeys: []) == .exited(7))
    }
}
