internal import Glibc
internal import Synchronization

/// A thread that does one thing, for as long as it takes.
public final class HelperThread: Sendable {
    private let thread: pthread_t
    private let isJoined = Mutex(false)

    /// - Returns: `nil` where there can be no further thread.
    public init?(_ body: @escaping @Sendable () -> Void) {
        final class Box {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        var thread: pthread_t = 0
        let box = Unmanaged.passRetained(Box(body))
        let result = pthread_create(
            &thread,
            nil,
            { argument in
                if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            },
            box.toOpaque()
        )
        guard result == 0 else {
            box.release()
            return nil
        }
        self.thread = thread
    }

    /// Whether this process may have so many more threads at once now.
    public static func canStart(_ count: Int) -> Bool {
        let group = HelperThreads()
        let gate = Gate()
        let started = (0..<count).prefix { _ in group.start { gate.wait() } }.count
        gate.open(for: started)
        group.join()
        return started == count
    }

    /// What threads wait at until all of them are there.
    private final class Gate: Sendable {
        // SAFETY: a semaphore is made for use from several threads, and this is freed when no thread has it any more.
        private nonisolated(unsafe) let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

        init() { sem_init(semaphore, 0, 0) }

        deinit {
            sem_destroy(semaphore)
            semaphore.deallocate()
        }

        func wait() { while sem_wait(semaphore) != 0 {} }

        func open(for count: Int) { for _ in 0..<count { sem_post(semaphore) } }
    }

    /// Waits for its end; once.
    public func join() {
        isJoined.withLock { $0 = true }
        pthread_join(thread, nil)
    }

    deinit {
        // Nobody waits for it: what the system keeps for that goes with its end.
        if !isJoined.withLock({ $0 }) { pthread_detach(thread) }
    }
}
