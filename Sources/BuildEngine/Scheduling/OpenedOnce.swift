import Synchronization

/// A value that is made when somebody first asks for it, and once however many ask.
final class OpenedOnce<Value: Sendable>: Sendable {
    private let open: @Sendable () async throws -> Value
    private let promise = Promise<Value>()
    private let state = Mutex<(isStarted: Bool, value: Value?)>((false, nil))

    init(_ open: @escaping @Sendable () async throws -> Value) {
        self.open = open
    }

    /// The value where it has been made already.
    var opened: Value? { state.withLock { $0.value } }

    var value: Value {
        get async throws {
            let isFirst = state.withLock { state in
                defer { state.isStarted = true }
                return !state.isStarted
            }
            guard isFirst else { return try await promise.value }
            do {
                let value = try await open()
                state.withLock { $0.value = value }
                promise.fulfil(.success(value))
                return value
            } catch {
                // Who waits is told of a cancellation only: one failure is one message.
                promise.fulfil(.failure(CancellationError()))
                throw error
            }
        }
    }
}
