import FileSystem
import Glibc
import Synchronization

/// SIGINT, SIGTERM, SIGHUP and SIGQUIT, taken by the first thread and handed to whatever is going on.
enum Signals {
    private enum Receiver: Sendable {
        case none
        case held(Int32?)
        case handler(@Sendable (_ signal: Int32, _ count: Int) -> Void)
    }

    private static let receiver = Mutex(Receiver.none)
    private static var all: sigset_t {
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] { sigaddset(&signals, signal) }
        return signals
    }

    /// Must be called on the first thread before there is another one, since each inherits what is blocked.
    static func block() {
        // Writing to a pipe that nobody reads is told by the write's result instead.
        signal(SIGPIPE, SIG_IGN)
        var signals = all
        pthread_sigmask(SIG_BLOCK, &signals, nil)
    }

    /// Takes signals as long as the program runs.
    static func wait() -> Never {
        var signals = all
        var count = 0
        while true {
            var signal: Int32 = 0
            guard sigwait(&signals, &signal) == 0 else { continue }
            count += 1
            receive(signal, count)
        }
    }

    /// Runs work that the first signal cancels; the second one ends the program at once.
    ///
    /// - Throws: What the work throws; `CancellationError` after a signal.
    static func cancelling<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws
        -> Result
    {
        let task = Task(executorPreference: BlockingExecutor.shared) { try await body() }
        forward { _, count in
            // Children die with this process; what it was writing has no name yet.
            if count > 1 { _exit(ExitStatus.interrupted) }
            task.cancel()
        }
        return try await task.value
    }

    /// Keeps the first signal from now on for who calls `forward`; the second one ends the program at once.
    ///
    /// For the time in which there is something to clean up and nobody to hand a signal to yet.
    static func hold() {
        receiver.withLock { $0 = .held(nil) }
    }

    /// Hands each signal, held ones among them, to `body`, with how many there were.
    static func forward(to body: @escaping @Sendable (_ signal: Int32, _ count: Int) -> Void) {
        let held: Int32? = receiver.withLock { receiver in
            defer { receiver = .handler(body) }
            if case .held(let signal) = receiver { return signal }
            return nil
        }
        if let held { body(held, 1) }
    }

    private static func receive(_ signal: Int32, _ count: Int) {
        let body: @Sendable (Int32, Int) -> Void = receiver.withLock { receiver in
            switch receiver {
            case .held(nil):
                receiver = .held(signal)
                return { _, _ in }
            case .handler(let body): return body
            case .none, .held: return { _, _ in _exit(ExitStatus.interrupted) }
            }
        }
        body(signal, count)
    }
}
