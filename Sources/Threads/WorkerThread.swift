internal import Glibc
internal import Synchronization

/// A thread that does one thing, for as long as it takes.
public final class WorkerThread: Sendable {
    private let thread: pthread_t
    private let isJoined = Mutex(false)

    /// Starts the thread.
    ///
    /// - Parameter stackSize: In bytes; the system's usual size without it.
    /// - Returns: `nil` where there can be no further thread.
    public init?(stackSize: Int? = nil, _ body: @escaping @Sendable () -> Void) {
        final class Box {
            let body: @Sendable () -> Void
            init(_ body: @escaping @Sendable () -> Void) { self.body = body }
        }
        var thread: pthread_t = 0
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        if let stackSize { pthread_attr_setstacksize(&attributes, stackSize) }
        let box = Unmanaged.passRetained(Box(body))
        let result = pthread_create(
            &thread,
            &attributes,
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
        let gate = Semaphore()
        let threads = (0..<count).compactMap { _ in WorkerThread { gate.wait() } }
        for _ in threads { gate.signal() }
        for thread in threads { thread.join() }
        return threads.count == count
    }

    /// Waits for its end; once.
    public func join() {
        isJoined.withLock { $0 = true }
        pthread_join(thread, nil)
    }

    deinit {
        // Unless it is joined, the system keeps its result until the thread is detached.
        if !isJoined.withLock({ $0 }) { pthread_detach(thread) }
    }
}
