internal import Glibc
internal import Synchronization

/// Threads that help with one piece of work.
///
/// Not those of Dispatch, which waits for ever where the system gives no further thread: here the work goes on with
/// those that there are, and with the calling one alone where there are none.
public final class HelperThreads: Sendable {
    private let threads = Mutex<[HelperThread]>([])

    public init() {}

    /// Starts one more thread.
    ///
    /// - Returns: Whether there can be one; otherwise nothing is done.
    @discardableResult
    public func start(_ body: @escaping @Sendable () -> Void) -> Bool {
        guard let thread = HelperThread(body) else { return false }
        threads.withLock { $0.append(thread) }
        return true
    }

    /// Waits until all that were started are over.
    public func join() {
        while let thread = threads.withLock({ $0.popLast() }) { thread.join() }
    }

    /// Does something for each number below `count`, on the calling thread and on as many others as help.
    ///
    /// - Parameter limit: How many threads work at most, by default one for each processor.
    public static func perform(
        _ count: Int,
        limit: Int? = nil,
        _ body: (Int) -> Void
    ) {
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
            let helpers = HelperThreads()
            let threads = min(count, limit ?? sysconf(Int32(_SC_NPROCESSORS_ONLN)))
            for _ in 1..<max(threads, 1) { helpers.start(work) }
            work()
            helpers.join()
        }
    }
}
