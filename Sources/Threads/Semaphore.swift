internal import Glibc

/// A counting semaphore, POSIX's.
public final class Semaphore: Sendable {
    // SAFETY: a semaphore is made for use from several threads, and this is freed when no thread has it any more.
    private nonisolated(unsafe) let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    public init(_ value: Int = 0) { sem_init(semaphore, 0, UInt32(value)) }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    public func signal() { sem_post(semaphore) }

    public func wait() { while sem_wait(semaphore) != 0 {} }

    /// Takes one from the count without waiting.
    ///
    /// - Returns: Whether there was one.
    public func tryWait() -> Bool { sem_trywait(semaphore) == 0 }

    /// Waits for at most so many nanoseconds, or less where the clock of the day is set meanwhile.
    func wait(nanoseconds: Int64) {
        var end = timespec()
        clock_gettime(CLOCK_REALTIME, &end)
        let sum = Int(nanoseconds) + end.tv_nsec
        end.tv_sec += sum / 1_000_000_000
        end.tv_nsec = sum % 1_000_000_000
        sem_timedwait(semaphore, &end)
    }
}
