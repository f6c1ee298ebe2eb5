import Glibc
import Synchronization

/// SIGINT and SIGTERM as an orderly end: the first cancels the work, the second ends the program at once.
enum Interruption {
    private static let cancel = Mutex<(@Sendable () -> Void)?>(nil)

    /// Runs work that the signals cancel.
    ///
    /// - Throws: What the work throws; `CancellationError` after a signal.
    static func cancelling<Result: Sendable>(_ body: @escaping @Sendable () async throws -> Result) async throws -> Result {
        // Blocked in every thread that is made from here on, and taken by one thread that waits for them.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGTERM)
        sigaddset(&signals, SIGHUP)
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        let task = Task { try await body() }
        cancel.withLock { $0 = { task.cancel() } }
        watch()
        return try await task.value
    }

    private static func watch() {
        var thread: pthread_t = 0
        pthread_create(
            &thread, nil,
            { _ in
                var signals = sigset_t()
                sigemptyset(&signals)
                sigaddset(&signals, SIGINT)
                sigaddset(&signals, SIGTERM)
                sigaddset(&signals, SIGHUP)
                var signal: Int32 = 0
                sigwait(&signals, &signal)
                Interruption.cancel.withLock { $0 }?()
                sigwait(&signals, &signal)
                // Children die with this process; what it was writing has no name yet.
                _exit(ExitStatus.interrupted)
            }, nil)
        pthread_detach(thread)
    }
}
