import Synchronization

/// A value that is made when it is first asked for, and once however many ask.
final class Lazy<Value: Sendable>: Sendable {
    private let make: @Sendable () async throws -> Value
    private let promise = Promise<Value>()
    private let state = Mutex<(isStarted: Bool, value: Value?)>((false, nil))

    init(_ make: @escaping @Sendable () async throws -> Value) {
        self.make = make
    }

    /// The value, where it was made already.
    var made: Value? { state.withLock { $0.value } }

    var value: Value {
        get async throws {
            let isFirst = state.withLock { state in
                defer { state.isStarted = true }
                return !state.isStarted
            }
            guard isFirst else { return try await promise.value }
            do {
                let value = try await make()
                state.withLock { $0.value = value }
                promise.fulfil(.success(value))
                return value
            } catch {
                // Those that wait see a cancellation only: one failure is one message.
                promise.fulfil(.failure(CancellationError()))
                throw error
            }
        }
    }
}
