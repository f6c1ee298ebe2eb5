internal import Formatting

/// Durations as files have them: Go's, and days and weeks.
enum DurationText {
    /// The nanoseconds; `nil` for what is no duration or does not fit.
    static func nanoseconds(_ text: String) -> Int64? {
        if let value = GoDuration.nanoseconds(text) { return value }
        for (unit, hours) in [("d", Int64(24)), ("w", 168)] where text.hasSuffix(unit) {
            guard let count = Int64(text.dropLast()) else { continue }
            let (total, overflow) = count.multipliedReportingOverflow(by: hours * 3_600_000_000_000)
            return overflow ? nil : total
        }
        return nil
    }
}
