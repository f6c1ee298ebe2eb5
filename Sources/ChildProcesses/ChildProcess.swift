internal import CSandbox
internal import FileSystem
internal import Glibc
internal import Synchronization
internal import SystemPackage

/// A program of the system that runs to its end, with what it wrote.
public enum ChildProcess {
    public struct Result: Sendable {
        /// The exit code, or 128 plus the number of the signal that ended it.
        public let status: Int32
        public let output: String
        public let errors: String
    }

    /// What is kept of each stream.
    private static let limit = 1 << 22

    /// Runs a program, looked for in `PATH`.
    ///
    /// It is the first of a process group, which is ended when the task is cancelled. Blocks the thread meanwhile.
    ///
    /// - Parameter input: What it reads on its standard input: no more than a pipe holds, 64 KiB.
    /// - Throws: `SystemError` when it cannot be started, `CancellationError`.
    public static func run(_ arguments: [String], environment: [String: String], input: [UInt8] = []) async throws
        -> Result
    {
        try Task.checkCancellation()
        let process = Mutex<pid_t>(0)
        let streams = try Streams(arguments[0])
        let standardInput = try filledPipe(input, arguments[0])
        let id = try start(arguments, environment, streams, standardInput)
        process.withLock { $0 = id }
        return try await withTaskCancellationHandler {
            let (output, errors) = streams.read()
            var status: Int32 = 0
            _ = uninterrupted { waitpid(id, &status, 0) }
            process.withLock { $0 = 0 }
            try Task.checkCancellation()
            let signal = status & 0x7F
            return Result(status: signal == 0 ? status >> 8 & 0xFF : 128 + signal, output: output, errors: errors)
        } onCancel: {
            // Under the lock, so that the number is not that of another process by now.
            process.withLock { if $0 > 0 { kill(-$0, SIGTERM) } }
        }
    }

    /// The end of a pipe from which some bytes can be read; `nil` for none.
    private static func filledPipe(_ bytes: [UInt8], _ program: String) throws -> AnonymousPipe? {
        if bytes.isEmpty { return nil }
        // More would have to be written while the program reads.
        guard bytes.count <= 1 << 16 else {
            throw SystemError("pass input to", FilePath(program), errno: .fileTooLarge)
        }
        let pipe = try Streams.pipe(program)
        try bytes.withUnsafeBytes { try FileOperations.write($0, to: pipe.writer, path: FilePath(program)) }
        pipe.closeWriter()
        return pipe
    }

    private static func start(
        _ arguments: [String],
        _ environment: [String: String],
        _ streams: Streams,
        _ standardInput: AnonymousPipe?
    ) throws -> pid_t {
        var argv: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        var envp: [UnsafeMutablePointer<CChar>?] = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { (argv + envp).forEach { free($0) } }
        var id: pid_t = 0
        if sb_has_caller() != 0 {
            let empty = try OwnedDescriptor("/dev/null", O_RDONLY)
            let files = [standardInput?.reader ?? empty.rawValue, streams.output.writer, streams.errors.writer]
            let code = sb_spawn_as_caller(&argv, &envp, files, &id)
            streams.closeWriters()
            guard code == 0 else { throw SystemError("run", FilePath(arguments[0]), errno: Errno(rawValue: code)) }
            return id
        }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let standardInput {
            posix_spawn_file_actions_adddup2(&actions, standardInput.reader, 0)
        } else {
            posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        }
        posix_spawn_file_actions_adddup2(&actions, streams.output.writer, 1)
        posix_spawn_file_actions_adddup2(&actions, streams.errors.writer, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // This program blocks the signals that its first thread waits for, and ignores SIGPIPE: the child must not.
        var none = sigset_t()
        sigemptyset(&none)
        var ignored = sigset_t()
        sigemptyset(&ignored)
        sigaddset(&ignored, SIGPIPE)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setsigdefault(&attributes, &ignored)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes,
            Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)
        )
        let code = posix_spawnp(&id, arguments[0], &actions, &attributes, &argv, &envp)
        streams.closeWriters()
        guard code == 0 else { throw SystemError("run", FilePath(arguments[0]), errno: Errno(rawValue: code)) }
        return id
    }

    /// The pipes of standard output and standard error.
    private final class Streams: Sendable {
        let output: AnonymousPipe
        let errors: AnonymousPipe

        init(_ program: String) throws(SystemError) {
            output = try Streams.pipe(program)
            errors = try Streams.pipe(program)
        }

        static func pipe(_ program: String) throws(SystemError) -> AnonymousPipe {
            do {
                return try AnonymousPipe()
            } catch {
                throw SystemError("make a pipe for", FilePath(program), errno: error)
            }
        }

        func closeWriters() {
            output.closeWriter()
            errors.closeWriter()
        }

        /// Everything until both are closed by the other side; of too much the end is missing.
        func read() -> (output: String, errors: String) {
            var texts: [[UInt8]] = [[], []]
            var polled = [
                pollfd(fd: output.reader, events: Int16(POLLIN), revents: 0),
                pollfd(fd: errors.reader, events: Int16(POLLIN), revents: 0),
            ]
            var buffer = [UInt8](repeating: 0, count: 1 << 14)
            while polled.contains(where: { $0.fd >= 0 }) {
                guard uninterrupted({ poll(&polled, 2, -1) }) >= 0 else { break }
                for index in polled.indices where polled[index].fd >= 0 && polled[index].revents != 0 {
                    let count = uninterrupted { Glibc.read(polled[index].fd, &buffer, buffer.count) }
                    if count <= 0 {
                        polled[index].fd = -1
                    } else if texts[index].count < ChildProcess.limit {
                        texts[index] += buffer[..<count]
                    }
                }
            }
            return (String(decoding: texts[0], as: UTF8.self), String(decoding: texts[1], as: UTF8.self))
        }
    }
}
