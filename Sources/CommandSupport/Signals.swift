import FileSystem
import Glibc
import Reporting
import Synchronization
import Threads

/// Signals, taken by the first thread and handed to whatever is going on.
///
/// SIGINT, SIGTERM, SIGHUP and SIGQUIT for every command; every one that can be handed on where a process may run in the
/// place of this one.
public enum Signals {
    /// A signal that came.
    public struct Arrival: Sendable {
        public let signal: Int32
        /// Whether a key of the terminal sent it.
        public let isFromTerminal: Bool

        public var endsPrograms: Bool { Signals.ending.contains(signal) }
    }

    private enum Receiver: Sendable {
        case none
        case held([Arrival])
        case handler(@Sendable (Arrival) -> Void)
    }

    private static let receiver = Mutex(Receiver.none)
    private static let ending = [SIGINT, SIGTERM, SIGHUP, SIGQUIT]
    /// Those that cannot be taken, and those that the kernel sends for something this process did: faults, children,
    /// pipes, and reading from a terminal that is another's.
    private static let own = [
        SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGCHLD, SIGPIPE, SIGURG, SIGTTIN, SIGTTOU, SIGKILL, SIGSTOP,
    ]

    private static func set(all: Bool) -> sigset_t {
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in ending { sigaddset(&signals, signal) }
        // The C library keeps the two behind 31 to itself.
        if all { for signal in Int32(1)...64 where signal < 32 || signal > 33 { sigaddset(&signals, signal) } }
        if all { for signal in own { sigdelset(&signals, signal) } }
        return signals
    }

    /// Must be called on the first thread before there is another one, since each inherits what is blocked.
    ///
    /// - Parameter all: Whether every signal is taken that can be handed on.
    public static func block(all: Bool) {
        // The result of a write tells that a pipe has no reader.
        signal(SIGPIPE, SIG_IGN)
        var signals = set(all: all)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    /// Takes the signals that were blocked as long as the program runs.
    public static func wait(all: Bool) -> Never {
        // Not those that were blocked when this program started.
        var signals = set(all: all)
        while true {
            var information = siginfo_t()
            let signal = sigwaitinfo(&signals, &information)
            // SI_KERNEL is 0x80; kill(2) has another code.
            if signal > 0 { receive(Arrival(signal: signal, isFromTerminal: information.si_code == 0x80)) }
        }
    }

    /// Runs work that the first signal cancels; the second one ends the program at once.
    ///
    /// - Throws: What the work throws; `CancellationError` after a signal.
    public static func cancelling<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws
        -> Result
    {
        let task = Task(executorPreference: BlockingExecutor.shared) { try await body() }
        forward { arrival in
            guard arrival.endsPrograms else { return obey(arrival) }
            // Children die with this process; what it was writing has no name yet.
            if task.isCancelled { _exit(ExitStatus.interrupted.rawValue) }
            task.cancel()
        }
        return try await task.value
    }

    /// Keeps signals from now on for the next call of `forward`; the second one that ends programs ends this one at once.
    ///
    /// For the time in which there is something to clean up and no receiver of signals yet.
    public static func hold() {
        receiver.withLock { $0 = .held([]) }
    }

    /// Hands each signal, held ones among them, to `body`.
    public static func forward(to body: @escaping @Sendable (Arrival) -> Void) {
        let held: [Arrival] = receiver.withLock { receiver in
            defer { receiver = .handler(body) }
            if case .held(let signals) = receiver { return signals }
            return []
        }
        for arrival in held { body(arrival) }
    }

    private static func receive(_ arrival: Arrival) {
        let body: @Sendable (Arrival) -> Void = receiver.withLock { receiver in
            switch receiver {
            case .held(let earlier):
                if arrival.endsPrograms, earlier.contains(where: \.endsPrograms) {
                    _exit(ExitStatus.interrupted.rawValue)
                }
                receiver = .held(earlier + [arrival])
                return { _ in }
            case .handler(let body): return body
            case .none: return { obey($0) }
            }
        }
        body(arrival)
    }

    /// Does what a signal does without a handler.
    public static func obey(_ arrival: Arrival) {
        switch arrival.signal {
        case SIGCONT, SIGWINCH: return
        case SIGTSTP: raise(SIGSTOP)
        case let signal: _exit(arrival.endsPrograms ? ExitStatus.interrupted.rawValue : 128 + signal)
        }
    }
}
