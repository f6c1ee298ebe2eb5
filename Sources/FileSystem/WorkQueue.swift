internal import Glibc
internal import Synchronization

/// Work that a second thread helps with, in no particular order.
///
/// The thread that adds work does some of it itself where the other one falls behind, so both are busy and little waits.
public final class WorkQueue {
    /// A piece of work, done once on one of the threads.
    public typealias Item = @Sendable () throws -> Void

    private let shared: Shared
    private var thread: HelperThread?

    /// - Parameter limit: How many items may wait.
    public init(limit: Int) {
        shared = Shared(limit: limit)
    }

    deinit {
        shared.close()
        join()
    }

    /// Adds work, or does some that was added before.
    ///
    /// - Throws: The first error of any work; what was added later is left undone.
    public func add(_ item: @escaping Item) throws {
        if thread == nil { thread = HelperThread { [shared] in shared.work() } }
        // Without a thread everything is done here.
        if thread == nil || shared.add(item) { try shared.doOne() }
    }

    /// Does what is left, and waits for the rest; nothing may be added after it.
    ///
    /// - Throws: The first error of any work.
    public func finish() throws {
        shared.close(helping: true)
        join()
        try shared.throwFailure()
    }

    private func join() {
        thread?.join()
        thread = nil
    }

    /// What both threads see.
    private final class Shared: Sendable {
        private struct State {
            var items: [Item] = []
            var isClosed = false
            var failure: (any Error)?
        }

        private let state = Mutex(State())
        private let limit: Int
        // SAFETY: a semaphore is made for use from several threads, and this is freed when no thread has it any more.
        private nonisolated(unsafe) let wakeUps = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

        init(limit: Int) {
            self.limit = limit
            sem_init(wakeUps, 0, 0)
        }

        deinit {
            sem_destroy(wakeUps)
            wakeUps.deallocate()
        }

        /// - Returns: Whether more waits than should.
        func add(_ item: @escaping Item) -> Bool {
            let isFull = state.withLock { state in
                state.items.append(item)
                return state.items.count > limit
            }
            sem_post(wakeUps)
            return isFull
        }

        /// Takes the newest item, whose data the processor is most likely to have at hand.
        func doOne() throws {
            try throwFailure()
            if let item = state.withLock({ $0.items.popLast() }) { run(item) }
            try throwFailure()
        }

        private func run(_ item: Item) {
            do {
                try item()
            } catch {
                state.withLock { state in
                    if state.failure == nil { state.failure = error }
                    state.items = []
                }
            }
        }

        func throwFailure() throws {
            if let failure = state.withLock({ $0.failure }) { throw failure }
        }

        /// - Parameter helping: Whether what waits is still to be done.
        func close(helping: Bool = false) {
            while helping, let item = state.withLock({ $0.items.popLast() }) { run(item) }
            state.withLock { state in
                state.isClosed = true
                state.items = []
            }
            sem_post(wakeUps)
        }

        /// The second thread.
        func work() {
            while true {
                while sem_wait(wakeUps) != 0 {}
                let (item, isClosed) = state.withLock { ($0.items.popLast(), $0.isClosed) }
                if let item { run(item) } else if isClosed { return }
            }
        }
    }
}
