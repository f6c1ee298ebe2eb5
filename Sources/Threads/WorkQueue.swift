internal import DequeModule
internal import Synchronization

/// Work that a second thread does, or helps with.
public final class WorkQueue {
    /// On which thread and in which order work is done.
    public enum Order: Sendable {
        /// In the order in which it was added, on the second thread; adding waits where too much is waiting.
        case serial
        /// In no particular order; adding does some of it where too much is waiting, so both threads are busy.
        case concurrent
    }

    /// A piece of work, done once.
    public typealias Item = @Sendable () throws -> Void

    private let shared: Shared
    private var thread: PooledThread?

    /// - Parameter limit: How many items may wait.
    public init(_ order: Order, limit: Int) {
        shared = Shared(order, limit: max(limit, 1))
    }

    deinit {
        shared.close(dropping: true)
        thread?.join()
    }

    /// Adds work, which is done at once where there can be no second thread.
    ///
    /// - Throws: The first error of any work; later work is left undone.
    public func add(_ item: @escaping Item) throws {
        if thread == nil { thread = PooledThread { [shared] in shared.work() } }
        if thread == nil { try item() } else { try shared.add(item) }
    }

    /// Waits until everything is done; nothing may be added after it.
    ///
    /// - Throws: The first error of any work.
    public func finish() throws {
        shared.close(dropping: false)
        thread?.join()
        thread = nil
        try shared.throwFailure()
    }

    /// What both threads see.
    private final class Shared: Sendable {
        private struct State {
            var items: Deque<Item> = []
            var isClosed = false
            var failure: (any Error)?
        }

        private let state = Mutex(State())
        private let order: Order
        private let limit: Int
        private let wakeUps = Semaphore()
        /// For how many more items there is room in a serial queue, the one that is being done among them.
        private let room: Semaphore

        init(_ order: Order, limit: Int) {
            self.order = order
            self.limit = limit
            room = Semaphore(limit)
        }

        func add(_ item: @escaping Item) throws {
            if order == .serial { room.wait() }
            let isFull = try state.withLock { state in
                if let failure = state.failure {
                    room.signal()
                    throw failure
                }
                state.items.append(item)
                return state.items.count > limit
            }
            wakeUps.signal()
            guard isFull, let item = take() else { return }
            run(item)
            try throwFailure()
        }

        /// - Parameter dropping: Whether what waits is left undone.
        func close(dropping: Bool) {
            state.withLock { state in
                state.isClosed = true
                if dropping { state.items = [] }
            }
            wakeUps.signal()
            while order == .concurrent, let item = take() { run(item) }
        }

        func throwFailure() throws {
            if let failure = state.withLock({ $0.failure }) { throw failure }
        }

        /// The second thread.
        func work() {
            while true {
                wakeUps.wait()
                guard let item = take() else {
                    if state.withLock({ $0.isClosed }) { return }
                    continue
                }
                run(item)
                if order == .serial { room.signal() }
            }
        }

        /// In a concurrent queue the newest item, whose data the processor is most likely to have at hand.
        private func take() -> Item? {
            state.withLock { state in order == .serial ? state.items.popFirst() : state.items.popLast() }
        }

        private func run(_ item: Item) {
            guard state.withLock({ $0.failure == nil }) else { return }
            do {
                try item()
            } catch {
                state.withLock { if $0.failure == nil { $0.failure = error } }
            }
        }
    }
}
