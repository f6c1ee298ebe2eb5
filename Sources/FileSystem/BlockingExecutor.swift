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

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let needsThread = state.withLock { state in
            state.jobs.append(job)
            guard state.idle < state.jobs.count - state.head, state.threads < BlockingExecutor.threadLimit else {
                return false
            }
            state.threads += 1
            return true
        }
        if needsThread { startThread() }
        sem_post(wakeUps)
    }

    private func startThread() {
        withUnsafeTemporaryAllocation(of: pthread_attr_t.self, capacity: 1) { buffer in
            guard let attributes = buffer.baseAddress else { return }
            pthread_attr_init(attributes)
            pthread_attr_setdetachstate(attributes, Int32(PTHREAD_CREATE_DETACHED))
            // Trees are walked recursively, and a tree may be deep.
            pthread_attr_setstacksize(attributes, 16 << 20)
            var thread: pthread_t = 0
            let result = pthread_create(&thread, attributes, { _ in BlockingExecutor.shared.work() }, nil)
            if result != 0 { state.withLock { $0.threads -= 1 } }
            pthread_attr_destroy(attributes)
        }
    }

    private func work() -> Never {
        while true {
            state.withLock { $0.idle += 1 }
            while sem_wait(wakeUps) != 0 {}
            let job: UnownedJob? = state.withLock { state in
                state.idle -= 1
                guard state.head < state.jobs.count else { return nil }
                let job = state.jobs[state.head]
                state.head += 1
                if state.head == state.jobs.count {
                    state.jobs.removeAll(keepingCapacity: true)
                    state.head = 0
                }
                return job
            }
            job?.runSynchronously(on: asUnownedTaskExecutor())
        }
    }
}
