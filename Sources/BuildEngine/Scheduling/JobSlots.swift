internal import Synchronization

/// Bounds how many steps do their work at the same time.
final class JobSlots: Sendable {
    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    init(_ count: Int) {
        state = Mutex(State(free: max(count, 1)))
    }

    /// Runs `body` when one of the slots is free, first come, first served.
    ///
    /// - Parameter waiting: Called before it has to wait, and with `false` after that.
    func run<Result>(waiting: (Bool) -> Void = { _ in }, _ body: () async throws -> Result) async throws -> Result {
        let isFree = state.withLock { state in
            guard state.free > 0 else { return false }
            state.free -= 1
            return true
        }
        if !isFree {
            waiting(true)
            await waitForSlot()
            waiting(false)
        }
        defer { release() }
        try Task.checkCancellation()
        return try await body()
    }

    private func waitForSlot() async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                guard state.free > 0 else {
                    state.waiting.append(continuation)
                    return false
                }
                state.free -= 1
                return true
            }
            if isFree { continuation.resume() }
        }
    }

    private func release() {
        let next: CheckedContinuation<Void, Never>? = state.withLock { state in
            guard !state.waiting.isEmpty else {
                state.free += 1
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.resume()
    }
}
