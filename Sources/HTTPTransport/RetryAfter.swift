/// How long a server asks to wait before the next request, by its `Retry-After` field (RFC 9110, section 10.2.3).
enum RetryAfter {
    /// The seconds that a field asks for: a number, or a date seen from `now` in seconds since 1970.
    ///
    /// - Returns: `nil` for what is neither; never negative, never more than a day.
    static func seconds(_ field: String, now: Int64) -> Double? {
        let text = field.filter { $0 != " " && $0 != "\t" }
        let limit = 86_400.0
        if let seconds = Double(text) { return seconds >= 0 ? min(seconds, limit) : nil }
        guard let date = date(field) else { return nil }
        return min(max(Double(date - now), 0), limit)
    }

    /// Seconds since 1970 of a date as `Sun, 06 Nov 1994 08:49:37 GMT`, the one form that servers may still send.
    static func date(_ text: String) -> Int64? {
        let words = text.split(separator: " ")
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard words.count == 6, words[5] == "GMT", let day = number(words[1], 1...31),
            let month = months.firstIndex(of: String(words[2])), let year = number(words[3], 1970...9999)
        else { return nil }
        let clock = words[4].split(separator: ":", omittingEmptySubsequences: false)
        guard clock.count == 3, let hour = number(clock[0], 0...23), let minute = number(clock[1], 0...59),
            let second = number(clock[2], 0...60)
        else { return nil }
        return days(year, month + 1, day) * 86_400 + hour * 3600 + minute * 60 + second
    }

    private static func number(_ text: Substring, _ range: ClosedRange<Int64>) -> Int64? {
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            let value = Int64(text), range.contains(value)
        else { return nil }
        return value
    }

    /// Days since 1970 of a date of the Gregorian calendar, with years that begin in March.
    private static func days(_ year: Int64, _ month: Int, _ day: Int64) -> Int64 {
        let shifted = month > 2 ? year : year - 1
        let dayOfYear = (153 * Int64(month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
    }
}
