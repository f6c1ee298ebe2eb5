internal import Synchronization

/// A piece of work on a thread of its own, which waits for the next one afterwards: many pieces are shorter than it takes
/// to start a thread.
///
/// Only for work that leaves the thread as it was, and not in another namespace.
final class PooledThread: Sendable {
    private typealias Work = @Sendable () -> Void

    /// A thread, and what it is to do next.
    private final class Worker: Sendable {
        let next = Mutex<(work: Work, end: Semaphore)?>(nil)
        let wakeUps = Semaphore()

        /// - Returns: What tells the end of the work, of which nothing is left by then.
        func doNext() -> Semaphore? {
            guard let (work, end) = next.withLock({ $0.take() }) else { return nil }
            work()
            return end
        }

        func run() -> Never {
            while true {
                let end = doNext()
                // Before the end is told, so that whoever has waited for it finds this thread idle.
                PooledThread.idle.withLock { $0.append(self) }
                end?.signal()
                wakeUps.wait()
            }
        }
    }

    private static let idle = Mutex<[Worker]>([])

    private let end = Semaphore()

    /// Begins the work.
    ///
    /// - Returns: `nil` where no thread is idle and there can be no further one.
    init?(_ work: @escaping @Sendable () -> Void) {
        if let worker = PooledThread.idle.withLock({ $0.popLast() }) {
            worker.next.withLock { $0 = (work, end) }
            worker.wakeUps.signal()
        } else {
            let worker = Worker()
            worker.next.withLock { $0 = (work, end) }
            guard WorkerThread({ worker.run() }) != nil else { return nil }
        }
    }

    /// Waits for the end of the work; once.
    func join() { end.wait() }
}
