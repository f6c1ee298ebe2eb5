internal import CSandbox
internal import FileSystem
internal import Glibc
internal import Synchronization
internal import SystemPackage

/// A process that is running in its sandbox; the first in its process namespace, as in Docker.
///
/// When it ends, the kernel ends everything it started; when this program ends, the kernel ends it. SIGTERM has no
/// effect on it unless it has a handler (`pid_namespaces(7)`): use SIGKILL to be sure.
/// Dropping the value does not end the process, but leaves its exit uncollected.
public final class SandboxProcess: Sendable {
    /// The process ID outside.
    public let processID: Int32
    private let pidfd: OwnedDescriptor?
    /// What is waited for: the process, or the supervisor that is its parent.
    private let childID: Int32
    private let childDescriptor: OwnedDescriptor?
    private let isSupervised: Bool
    /// A pidfd of the process, by which its namespaces are entered, -1 where the kernel has none; owned by this value.
    public var processDescriptor: Int32 { pidfd.rawValue ?? -1 }
    /// A descriptor that becomes readable when `wait` returns at once, -1 where the kernel has none; owned by this value.
    public var endDescriptor: Int32 { isSupervised ? childDescriptor.rawValue ?? -1 : processDescriptor }
    /// What was made in the root to mount something on, parents first.
    public let createdMountPoints: [CreatedMountPoint]

    private struct State {
        var exit: SandboxExit?
        var pipes: OutputPipes?
    }

    private let isolation: SandboxIsolation
    private let state: Mutex<State>

    private init(_ started: sb_process, _ pipes: OutputPipes?, isolation: SandboxIsolation) {
        let isSupervised = started.program > 0
        processID = isSupervised ? started.program : started.pid
        pidfd = OwnedDescriptor(isSupervised ? started.program_pidfd : started.pidfd)
        childID = started.pid
        childDescriptor = isSupervised ? OwnedDescriptor(started.pidfd) : nil
        self.isSupervised = isSupervised
        let report = UnsafeBufferPointer(start: started.created, count: started.created_length)
        createdMountPoints = report.split(separator: 0).map { entry in
            CreatedMountPoint(
                path: String(decoding: entry.dropFirst().map { UInt8(bitPattern: $0) }, as: UTF8.self),
                isDirectory: entry.first == CChar(UInt8(ascii: "d"))
            )
        }
        free(started.created)
        self.isolation = isolation
        state = Mutex(State(exit: nil, pipes: pipes))
    }

    /// Starts a process and returns when its program is executing; blocks for about two milliseconds.
    ///
    /// - Throws: `SandboxError`; no process and no mount is left then. A program that cannot be found is such an error.
    public static func launch(_ configuration: SandboxConfiguration) throws(SandboxError) -> SandboxProcess {
        switch configuration.streams {
        case .descriptors(let input, let output, let error):
            return try launch(configuration, (input, output, error))
        case .terminal(let terminal):
            // Beside another process nothing is mounted, and the terminal has its name in that one's namespace.
            let isBeside = if case .process = configuration.root { true } else { false }
            guard let path = isBeside ? "/dev/console" : PseudoTerminal.path(of: terminal) else {
                throw SandboxError(.environment, "could not find the path of the terminal", errno: .current)
            }
            return try launch(configuration, (terminal, terminal, terminal), terminal: path)
        case .captured:
            let pipes = try OutputPipes()
            guard let empty = OwnedDescriptor(open("/dev/null", O_RDONLY | O_CLOEXEC)) else {
                throw SandboxError(.environment, "could not open `/dev/null`", errno: .current)
            }
            let descriptors = (empty.rawValue, pipes.output.writer, pipes.error.writer)
            let process = try launch(configuration, descriptors, pipes: pipes)
            pipes.closeWriters()
            return process
        }
    }

    static func launch(
        _ configuration: SandboxConfiguration,
        _ descriptors: (Int32, Int32, Int32),
        terminal: String? = nil,
        pipes: OutputPipes? = nil,
        isProbe: Bool = false
    ) throws(SandboxError) -> SandboxProcess {
        let prepared = try PreparedConfiguration(
            configuration,
            descriptors: descriptors,
            terminal: terminal,
            isProbe: isProbe
        )
        var value = prepared.value
        var started = sb_process()
        var failure = sb_failure()
        // SAFETY: `prepared` owns what `value` points to, and the child is done with it when the call returns.
        let result = withExtendedLifetime(prepared) { sb_launch(&value, &started, &failure) }
        guard result == 0 else { throw SandboxError(failure, configuration) }
        return SandboxProcess(started, pipes, isolation: configuration.isolation)
    }

    /// Waits for the end of the process and collects it; more calls, from any thread, give the same result.
    ///
    /// Without namespaces it also ends what is left of the process group, as a namespace would.
    public func wait() throws(SandboxError) -> SandboxExit {
        while true {
            if let exit = state.withLock({ $0.exit }) { return exit }
            var information = siginfo_t()
            // P_PIDFD is 3; the pidfd still means this process when another thread has collected it meanwhile.
            let kind = endDescriptor >= 0 ? idtype_t(rawValue: 3) : P_PID
            let identifier = id_t(endDescriptor >= 0 ? endDescriptor : childID)
            let result = uninterrupted { waitid(kind, identifier, &information, WEXITED | WNOWAIT) }
            if result == 0 { return try collect() }
            let error = Errno.current
            if let exit = state.withLock({ $0.exit }) { return exit }
            throw SandboxError(.environment, "could not wait for process \(processID)", errno: error)
        }
    }

    private func collect() throws(SandboxError) -> SandboxExit {
        let result: Result<SandboxExit, SandboxError> = state.withLock { state in
            if let exit = state.exit { return .success(exit) }
            if !isolation.hasNamespaces { Glibc.kill(-processID, SIGKILL) }
            // A supervisor that was killed has left it.
            if isSupervised, processDescriptor >= 0 { _ = sb_signal(processID, processDescriptor, SIGKILL) }
            var status: Int32 = 0
            guard waitpid(childID, &status, 0) == childID else {
                return .failure(SandboxError(.environment, "could not wait for process \(processID)", errno: .current))
            }
            let signal = status & 0x7f
            let exit: SandboxExit = signal == 0 ? .exited(status >> 8 & 0xff) : .signalled(signal)
            state.exit = exit
            return .success(exit)
        }
        return try result.get()
    }

    /// Sends a signal; nothing happens when the process has ended.
    ///
    /// SIGKILL ends everything in its process namespace, or its process group without namespaces.
    public func kill(_ signal: Int32 = 9) {
        state.withLock { state in
            guard state.exit == nil else { return }
            if !isolation.hasNamespaces { Glibc.kill(-processID, signal) }
            _ = sb_signal(processID, processDescriptor, signal)
        }
    }

    /// Reads what the process writes until it has ended and both pipes are empty; blocks as long.
    ///
    /// Only for `SandboxStreams.captured`, once. Call it even when the output is not wanted: a full pipe stops the
    /// process. Bytes are only valid inside the closure and may end in the middle of a character. When `body` throws,
    /// reading stops, and the process can write no more.
    public func readOutput(_ body: (SandboxOutputStream, UnsafeRawBufferPointer) throws -> Void) throws {
        let pipes = state.withLock { state in
            defer { state.pipes = nil }
            return state.pipes
        }
        guard let pipes else {
            throw SandboxError(.invalidConfiguration, "the output is not captured, or was read before", errno: nil)
        }
        try pipes.read(untilEndOf: self, body)
    }
}
