internal import Glibc

/// The clock of the day, which says when something happened; it may be set, so no time is waited for by it.
public enum WallClock {
    /// Nanoseconds since 1970.
    public static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Seconds since an earlier `now`; never negative, since the clock may be set back.
    public static func seconds(since start: Int64) -> Double {
        max(0, Double(now - start) / 1e9)
    }
}
