internal import Threads

/// How long a container waits before it is started again: longer each time, unless it ran for a while.
struct RestartDelay {
    private static let first: Int64 = 100_000_000
    private static let longest: Int64 = 60_000_000_000
    /// How long a run lasts that was not in vain.
    private static let enough: Int64 = 10_000_000_000
    private var nanoseconds = first

    /// When the next start is due, in nanoseconds of `Pause.now`.
    ///
    /// - Parameter start: When the run that has just ended began.
    mutating func next(since start: Int64) -> Int64 {
        let now = Pause.now
        if now - start > RestartDelay.enough { nanoseconds = RestartDelay.first }
        defer { nanoseconds = min(nanoseconds * 2, RestartDelay.longest) }
        return now + nanoseconds
    }
}
