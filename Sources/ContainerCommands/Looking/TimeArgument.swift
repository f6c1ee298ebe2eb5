import FileSystem
import Formatting
import OCI
package import Reporting

/// A point in time as options have it.
package enum TimeArgument {
    /// Reads a time of the day, seconds since 1970, or how long ago.
    ///
    /// - Returns: Nanoseconds since 1970.
    /// - Throws: `UserError` with the status for wrong use.
    package static func nanoseconds(_ option: String, _ text: String) throws(UserError) -> Int64 {
        if let seconds = Double(text), seconds.magnitude < 9e9 { return Int64(seconds * 1e9) }
        for candidate in [text, text + "Z", text + "T00:00:00Z"] {
            if let nanoseconds = Timestamp(text: candidate).nanosecondsSinceEpoch { return nanoseconds }
        }
        guard let ago = GoDuration.age(text) else {
            throw UserError(
                "\(option): invalid time `\(text)`: expected, for example, 10m or 2026-01-02T15:04:05Z",
                status: .usage
            )
        }
        return WallClock.now - ago
    }
}
