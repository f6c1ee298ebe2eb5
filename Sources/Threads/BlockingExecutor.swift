internal import DequeModule
internal import Synchronization

/// Runs tasks on threads of its own, which may block.
///
/// Building is system calls, hashing and waiting for processes. On Swift's cooperative pool, which has one thread for
/// each processor, a blocked task keeps others from running.
public final class BlockingExecutor: TaskExecutor {
    private struct State {
        var jobs: Deque<UnownedJob> = []
        var idle = 0
        var threads = 0
        /// Tasks that resume at a time, in nanoseconds of `Pause.now`.
        var sleepers: [(end: Int64, sleeper: Pause.Sleeper)] = []

        /// Counts one more thread in, if all that there are have something to do.
        mutating func takesThread() -> Bool {
            let wanted = jobs.count + (sleepers.isEmpty ? 0 : 1)
            guard idle < wanted, threads < BlockingExecutor.threadLimit else { return false }
            threads += 1
            return true
        }
    }

    /// A bound against runaways, far above what the number of parallel steps asks for.
    private static let threadLimit = 128

    private let state = Mutex(State())
    private let wakeUps = Semaphore()

    public static let shared = BlockingExecutor()

    private init() {}

    /// Makes sure that there is a thread, on which all tasks run in the worst case.
    ///
    /// - Returns: Whether there is one.
    public func prepare() -> Bool {
        let isFirst = state.withLock { state in
            guard state.threads == 0 else { return false }
            state.threads = 1
            return true
        }
        return isFirst ? startThread() : true
    }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let needsThread = state.withLock { state in
            state.jobs.append(job)
            return state.takesThread()
        }
        if needsThread { _ = startThread() }
        wakeUps.signal()
    }

    /// Ends a wait when its time has come and a thread has time for it.
    func wake(_ sleeper: Pause.Sleeper, at end: Int64) {
        let needsThread = state.withLock { state in
            state.sleepers.append((end, sleeper))
            return state.takesThread()
        }
        if needsThread { _ = startThread() }
        wakeUps.signal()
    }

    private func startThread() -> Bool {
        // Trees are walked recursively, and a tree may be deep.
        if WorkerThread(stackSize: 16 << 20, { BlockingExecutor.shared.work() }) != nil { return true }
        state.withLock { $0.threads -= 1 }
        return false
    }

    private func work() -> Never {
        while true {
            let next = state.withLock { state in
                state.idle += 1
                return state.sleepers.map(\.end).min()
            }
            waitForWork(until: next)
            let (job, due, needsThread) = state.withLock { state in
                state.idle -= 1
                let due = BlockingExecutor.takeDue(&state.sleepers)
                let job = state.jobs.popFirst()
                return (job, due, job != nil && state.takesThread())
            }
            if needsThread { _ = startThread() }
            for sleeper in due { sleeper.wake() }
            job?.runSynchronously(on: asUnownedTaskExecutor())
        }
    }

    /// - Parameter end: When to return although there is nothing new.
    private func waitForWork(until end: Int64?) {
        guard let end else { return wakeUps.wait() }
        // The semaphore goes by the clock of the day, which somebody may set: never more than a second at once.
        wakeUps.wait(nanoseconds: min(max(end - Pause.now, 0), 1_000_000_000))
    }

    private static func takeDue(_ sleepers: inout [(end: Int64, sleeper: Pause.Sleeper)]) -> [Pause.Sleeper] {
        guard !sleepers.isEmpty else { return [] }
        let now = Pause.now
        let due = sleepers.filter { $0.end <= now }.map(\.sleeper)
        if !due.isEmpty { sleepers.removeAll { $0.end <= now } }
        return due
    }
}
