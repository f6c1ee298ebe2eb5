import Glibc
import Synchronization

/// SIGINT, SIGTERM, SIGHUP and SIGQUIT, taken by one thread and handed to whatever is going on.
enum Signals {
    private static let handler = Mutex<(@Sendable (_ signal: Int32, _ count: Int) -> Void)?>(nil)
    private static var all: sigset_t {
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM, SIGHUP, SIGQUIT] { sigaddset(&signals, signal) }
        return signals
    }

    /// Must be called on the first thread before there is another one, since each inherits what is blocked.
    static func start() {
        // Writing to a pipe that nobody reads is told by the write's result instead.
        signal(SIGPIPE, SIG_IGN)
        var signals = all
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        var thread: pthread_t = 0
        pthread_create(
            &thread, nil,
            { _ in
                var signals = Signals.all
                var count = 0
                while true {
                    var signal: Int32 = 0
                    guard sigwait(&signals, &signal) == 0 else { continue }
                    count += 1
                    guard let handler = Signals.handler.withLock({ $0 }) else { _exit(ExitStatus.interrupted) }
                    handler(signal, count)
                }
            }, nil)
        pthread_detach(thread)
    }

    /// Runs work that the first signal cancels; the second one ends the program at once.
    ///
    /// - Throws: What the work throws; `CancellationError` after a signal.
    static func cancelling<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
        let task = Task { try await body() }
        forward { _, count in
            // Children die with this process; what it was writing has no name yet.
            if count > 1 { _exit(ExitStatus.interrupted) }
            task.cancel()
        }
        return try await task.value
    }

    /// Hands each signal from now on to `body`, with how many there were.
    static func forward(to body: @escaping @Sendable (_ signal: Int32, _ count: Int) -> Void) {
        handler.withLock { $0 = body }
    }
}
