import Glibc

/// The two clocks: when something happened, and how long it took.
enum Clock {
    /// Nanoseconds since 1970.
    static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Seconds since an earlier `now`; never negative, since the clock may be set back.
    static func seconds(since start: Int64) -> Double {
        max(0, Double(now - start) / 1e9)
    }
}
