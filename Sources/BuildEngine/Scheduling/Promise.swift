internal import Synchronization

/// A value that one task makes and others wait for.
///
/// The task that makes it must fulfil it in every case, with an error if need be: cancelling does not end the waiting.
final class Promise<Value: Sendable>: Sendable {
    private enum State {
        case waiting([CheckedContinuation<Value, any Error>])
        case done(Result<Value, any Error>)
    }

    private let state = Mutex(State.waiting([]))

    /// Gives the result; only the first one counts.
    func fulfil(_ result: Result<Value, any Error>) {
        let waiting: [CheckedContinuation<Value, any Error>] = state.withLock { state in
            guard case .waiting(let continuations) = state else { return [] }
            state = .done(result)
            return continuations
        }
        for continuation in waiting { continuation.resume(with: result) }
    }

    /// Whether there is a result.
    var isDone: Bool { state.withLock { state in if case .done = state { true } else { false } } }

    /// The value, where it is there already.
    var fulfilled: Value? {
        state.withLock { state in if case .done(.success(let value)) = state { value } else { nil } }
    }

    /// Releases the value, which must not be asked for any more.
    func release() {
        state.withLock { state in if case .done = state { state = .done(.failure(CancellationError())) } }
    }

    var value: Value {
        get async throws {
            try await withCheckedThrowingContinuation { continuation in
                let result: Result<Value, any Error>? = state.withLock { state in
                    switch state {
                    case .done(let result): return result
                    case .waiting(let continuations):
                        state = .waiting(continuations + [continuation])
                        return nil
                    }
                }
                if let result { continuation.resume(with: result) }
            }
        }
    }
}
