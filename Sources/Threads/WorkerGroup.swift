internal import Glibc
internal import Synchronization

/// Threads that share one piece of work.
///
/// Not those of Dispatch, which waits for ever where the system gives no further thread: here the threads that there
/// are do the work, and the calling one does it alone where there are none.
public final class WorkerGroup: Sendable {
    private let threads = Mutex<[PooledThread]>([])

    public init() {}

    /// Lets one more thread work, which must be left as it was.
    ///
    /// - Returns: Whether there can be one; otherwise nothing is done.
    @discardableResult
    public func start(_ body: @escaping @Sendable () -> Void) -> Bool {
        guard let thread = PooledThread(body) else { return false }
        threads.withLock { $0.append(thread) }
        return true
    }

    /// Waits until all that was started has ended.
    public func join() {
        while let thread = threads.withLock({ $0.popLast() }) { thread.join() }
    }

    /// Calls `body` for each number below `count`, on the calling thread and on as many others as the limit allows.
    ///
    /// - Parameter limit: How many threads work at most, by default one for each processor.
    public static func forEach(below count: Int, limit: Int? = nil, _ body: (Int) -> Void) {
        let next = Atomic<Int>(0)
        withoutActuallyEscaping(body) { body in
            // SAFETY: `body` is used by threads that have ended when this returns; the caller promises, as with
            // Dispatch's `concurrentPerform`, that its calls may run at once.
            nonisolated(unsafe) let body = body
            let work: @Sendable () -> Void = {
                while true {
                    let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
                    guard number < count else { return }
                    body(number)
                }
            }
            let group = WorkerGroup()
            let threads = min(count, limit ?? processorCount)
            for _ in 1..<max(threads, 1) { group.start(work) }
            work()
            group.join()
        }
    }

    /// The number of processors that are online.
    public static var processorCount: Int { max(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 1) }
}
