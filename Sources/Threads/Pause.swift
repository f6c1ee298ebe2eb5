internal import Glibc
internal import Synchronization

/// Waiting for a time to pass, without a thread for each that waits.
///
/// `Task.sleep` is Dispatch's: it starts threads for its clock, and hangs where there can be none.
public enum Pause {
    /// Waits, or until the task is cancelled.
    ///
    /// - Throws: `CancellationError`.
    public static func wait(seconds: Double) async throws {
        try Task.checkCancellation()
        guard seconds > 0 else { return }
        let end = now + Int64(min(seconds, 1e9) * 1e9)
        let sleeper = Sleeper()
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                guard sleeper.begin(continuation) else { return continuation.resume() }
                BlockingExecutor.shared.wake(sleeper, at: end)
            }
        } onCancel: {
            sleeper.wake()
        }
        try Task.checkCancellation()
    }

    /// Nanoseconds of a monotonic clock.
    public static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// One wait of one task, which ends once.
    final class Sleeper: Sendable {
        private enum State {
            case new
            case waiting(CheckedContinuation<Void, Never>)
            case over
        }

        private let state = Mutex(State.new)

        /// - Returns: Whether the wait is not over already.
        func begin(_ continuation: CheckedContinuation<Void, Never>) -> Bool {
            state.withLock { state in
                if case .over = state { return false }
                state = .waiting(continuation)
                return true
            }
        }

        func wake() {
            let continuation: CheckedContinuation<Void, Never>? = state.withLock { state in
                defer { state = .over }
                if case .waiting(let continuation) = state { return continuation }
                return nil
            }
            continuation?.resume()
        }
    }
}
