internal import Glibc
internal import Synchronization

/// Work that a second thread does in the order in which it is given.
public final class BackgroundWork {
    /// A piece of work, done once.
    public typealias Item = @Sendable () throws -> Void

    private let shared: Shared
    private var thread: HelperThread?

    /// - Parameter limit: How many pieces may wait; whoever gives one more waits as well.
    public init(limit: Int) {
        shared = Shared(limit: limit)
    }

    deinit {
        shared.close(dropping: true)
        thread?.join()
    }

    /// Gives work, which is done at once where there can be no second thread.
    ///
    /// - Throws: The first error of any work; nothing more is done after it.
    public func add(_ item: @escaping Item) throws {
        if thread == nil { thread = HelperThread { [shared] in shared.work() } }
        guard thread != nil else { return try item() }
        try shared.add(item)
    }

    /// Waits until everything is done; nothing may be given after it.
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
            var items: [Item] = []
            var isClosed = false
            var failure: (any Error)?
        }

        private let state = Mutex(State())
        // SAFETY: semaphores are made for use from several threads, and these are freed when no thread has them any more.
        private nonisolated(unsafe) let wakeUps = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
        private nonisolated(unsafe) let room = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

        init(limit: Int) {
            sem_init(wakeUps, 0, 0)
            sem_init(room, 0, UInt32(max(limit, 1)))
        }

        deinit {
            for semaphore in [wakeUps, room] {
                sem_destroy(semaphore)
                semaphore.deallocate()
            }
        }

        func add(_ item: @escaping Item) throws {
            while sem_wait(room) != 0 {}
            try throwFailure()
            state.withLock { $0.items.append(item) }
            sem_post(wakeUps)
        }

        func close(dropping: Bool) {
            state.withLock { state in
                state.isClosed = true
                if dropping { state.items = [] }
            }
            sem_post(wakeUps)
        }

        func throwFailure() throws {
            if let failure = state.withLock({ $0.failure }) { throw failure }
        }

        /// The second thread.
        func work() {
            while true {
                while sem_wait(wakeUps) != 0 {}
                let (item, isClosed, hasFailed) = state.withLock { state in
                    (state.items.isEmpty ? nil : state.items.removeFirst(), state.isClosed, state.failure != nil)
                }
                guard let item else {
                    if isClosed { return }
                    continue
                }
                do {
                    if !hasFailed { try item() }
                } catch {
                    state.withLock { $0.failure = error }
                }
                sem_post(room)
            }
        }
    }
}
