internal import Glibc
internal import Synchronization

/// Runs tasks on threads of its own, which may block.
///
/// Building is system calls, hashing and waiting for processes. On Swift's cooperative pool, which has one thread for
/// each processor, a blocked task keeps others from running.
public final class BlockingExecutor: TaskExecutor {
    private struct State {
        var jobs: [UnownedJob] = []
        var head = 0
        var idle = 0
        var threads = 0
        /// Tasks that go on at a time, in nanoseconds of `Pause.now`.
        var sleepers: [(end: Int64, sleeper: Pause.Sleeper)] = []

        /// Counts one more thread in, if all that there are have something to do.
        mutating func takesThread() -> Bool {
            let wanted = jobs.count - head + (sleepers.isEmpty ? 0 : 1)
            guard idle < wanted, threads < BlockingExecutor.threadLimit else { return false }
            threads += 1
            return true
        }
    }

    /// A bound against runaways, far above what the number of parallel steps asks for.
    private static let threadLimit = 128

    private let state = Mutex(State())
    // SAFETY: a semaphore is made for use from several threads and lives as long as the program.
    private nonisolated(unsafe) let wakeUps = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    public static let shared = BlockingExecutor()

    private init() {
        sem_init(wakeUps, 0, 0)
    }

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
        sem_post(wakeUps)
    }

    /// Ends a wait when its time has come and a thread has time for it.
    func wake(_ sleeper: Pause.Sleeper, at end: Int64) {
        let needsThread = state.withLock { state in
            state.sleepers.append((end, sleeper))
            return state.takesThread()
        }
        if needsThread { _ = startThread() }
        sem_post(wakeUps)
    }

    private func startThread() -> Bool {
        withUnsafeTemporaryAllocation(of: pthread_attr_t.self, capacity: 1) { buffer in
            guard let attributes = buffer.baseAddress else { return false }
            pthread_attr_init(attributes)
            pthread_attr_setdetachstate(attributes, Int32(PTHREAD_CREATE_DETACHED))
            // Trees are walked recursively, and a tree may be deep.
            pthread_attr_setstacksize(attributes, 16 << 20)
            var thread: pthread_t = 0
            let result = pthread_create(&thread, attributes, { _ in BlockingExecutor.shared.work() }, nil)
            if result != 0 { state.withLock { $0.threads -= 1 } }
            pthread_attr_destroy(attributes)
            return result == 0
        }
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
                let job = BlockingExecutor.takeJob(&state)
                return (job, due, job != nil && state.takesThread())
            }
            if needsThread { _ = startThread() }
            for sleeper in due { sleeper.wake() }
            job?.runSynchronously(on: asUnownedTaskExecutor())
        }
    }

    /// - Parameter end: When to return although there is nothing new.
    private func waitForWork(until end: Int64?) {
        guard let end else {
            while sem_wait(wakeUps) != 0 {}
            return
        }
        // The semaphore goes by the clock of the day, which somebody may set: never more than a second at once.
        let rest = min(max(end - Pause.now, 0), 1_000_000_000)
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let sum = Int(rest) + time.tv_nsec
        time.tv_sec += sum / 1_000_000_000
        time.tv_nsec = sum % 1_000_000_000
        sem_timedwait(wakeUps, &time)
    }

    private static func takeDue(_ sleepers: inout [(end: Int64, sleeper: Pause.Sleeper)]) -> [Pause.Sleeper] {
        guard !sleepers.isEmpty else { return [] }
        let now = Pause.now
        let due = sleepers.filter { $0.end <= now }.map(\.sleeper)
        if !due.isEmpty { sleepers.removeAll { $0.end <= now } }
        return due
    }

    private static func takeJob(_ state: inout State) -> UnownedJob? {
        guard state.head < state.jobs.count else { return nil }
        let job = state.jobs[state.head]
        state.head += 1
        if state.head == state.jobs.count {
            state.jobs.removeAll(keepingCapacity: true)
            state.head = 0
        }
        return job
    }
}
