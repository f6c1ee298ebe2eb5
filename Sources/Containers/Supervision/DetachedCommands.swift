internal import FileSystem
internal import Glibc
internal import Sandbox
internal import SystemPackage

/// The commands of `exec -d`, which nothing waits for.
struct DetachedCommands {
    private var commands: [SandboxProcess] = []

    /// Starts a command without streams.
    mutating func start(_ launch: (SandboxStreams) throws -> SandboxProcess) throws {
        let null = try FileOperations.open("/dev/null", O_RDWR)
        defer { close(null) }
        let streams = SandboxStreams.descriptors(input: null, output: null, error: null)
        commands.append(try launch(streams))
    }

    /// What to wait for.
    var entries: [pollfd] { commands.map { pollfd(fd: $0.endDescriptor, events: Int16(POLLIN), revents: 0) } }

    /// Collects the commands that have ended.
    ///
    /// - Returns: Their exit codes.
    mutating func collect() -> [Int32] {
        var codes: [Int32] = []
        commands.removeAll { command in
            var entry = pollfd(fd: command.endDescriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&entry, 1, 0) > 0 else { return false }
            codes.append((try? command.wait().code) ?? 137)
            return true
        }
        return codes
    }
}
