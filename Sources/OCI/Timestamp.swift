/// A point in time as an image stores it: RFC 3339 text that is kept as it was written.
///
/// Keeping the text, instead of parsing and printing it, keeps a base image's history byte for byte.
public struct Timestamp: Sendable, Hashable, Codable, CustomStringConvertible {
    public let description: String

    /// 1970-01-01T00:00:00Z.
    public static let epoch = Timestamp(secondsSinceEpoch: 0)

    /// Whole seconds since 1970, UTC, clamped to the years 0001 to 9999.
    public init(secondsSinceEpoch seconds: Int64) {
        self.init(secondsSinceEpoch: seconds, nanoseconds: 0)
    }

    /// Nanoseconds since 1970, UTC.
    public init(nanosecondsSinceEpoch nanoseconds: Int64) {
        let (seconds, rest) = nanoseconds.quotientFlooring(by: 1_000_000_000)
        self.init(secondsSinceEpoch: seconds, nanoseconds: rest)
    }

    private init(secondsSinceEpoch: Int64, nanoseconds: Int64) {
        let seconds = min(max(secondsSinceEpoch, -62_135_596_800), 253_402_300_799)
        let (days, second) = seconds.quotientFlooring(by: 86_400)
        let (year, month, day) = Timestamp.civil(days)
        func padded(_ value: Int64, _ width: Int) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        var fraction = ""
        if nanoseconds > 0 {
            fraction = "." + padded(nanoseconds, 9)
            while fraction.hasSuffix("0") { fraction.removeLast() }
        }
        description =
            "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
            + "T\(padded(second / 3600, 2)):\(padded(second / 60 % 60, 2)):\(padded(second % 60, 2))\(fraction)Z"
    }

    /// Keeps a text as it is, without looking at it.
    public init(text: String) { description = text }

    public init(from decoder: any Decoder) throws {
        description = try decoder.singleValueContainer().decode(String.self)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }

    /// `nil` for a text that is not a time, such as the empty one that some tools write: Docker and all that is built of
    /// Go's packages would refuse an image that has it in its history.
    public var ifValid: Timestamp? { secondsSinceEpoch == nil ? nil : self }

    /// Whole seconds since 1970; `nil` when the text is not an RFC 3339 time, as strictly as Go's packages read it.
    public var secondsSinceEpoch: Int64? { instant?.seconds }

    /// Nanoseconds since 1970, clamped to what the type holds, the years 1677 to 2262; `nil` as for the seconds.
    public var nanosecondsSinceEpoch: Int64? {
        guard let (seconds, nanoseconds) = instant else { return nil }
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overflowsToo) = product.addingReportingOverflow(nanoseconds)
        return overflow || overflowsToo ? (seconds < 0 ? .min : .max) : sum
    }

    private var instant: (seconds: Int64, nanoseconds: Int64)? {
        var rest = Array(description.utf8)[...]
        func digits(_ count: Int, in range: ClosedRange<Int64>) -> Int64? {
            let digits = rest.prefix(count)
            rest = rest.dropFirst(count)
            guard digits.count == count, digits.allSatisfy(Timestamp.isDigit) else { return nil }
            return Int64(String(decoding: digits, as: UTF8.self)).flatMap { range.contains($0) ? $0 : nil }
        }
        func mark(_ allowed: String) -> UInt8? {
            guard let mark = rest.popFirst(), allowed.utf8.contains(mark) else { return nil }
            return mark
        }
        guard let year = digits(4, in: 0...9999), mark("-") != nil, let month = digits(2, in: 1...12),
            mark("-") != nil, let day = digits(2, in: 1...31), mark("T") != nil, let hour = digits(2, in: 0...23),
            mark(":") != nil, let minute = digits(2, in: 0...59), mark(":") != nil,
            let second = digits(2, in: 0...59), var next = mark(".Z+-")
        else { return nil }
        var nanoseconds: Int64 = 0
        if next == UInt8(ascii: ".") {
            let fraction = rest.prefix(while: Timestamp.isDigit)
            rest = rest.dropFirst(fraction.count)
            guard !fraction.isEmpty, let zone = mark("Z+-") else { return nil }
            next = zone
            for place in 0..<9 {
                let digit = place < fraction.count ? fraction[fraction.startIndex + place] - UInt8(ascii: "0") : 0
                nanoseconds = nanoseconds * 10 + Int64(digit)
            }
        }
        var offset: Int64 = 0
        if next != UInt8(ascii: "Z") {
            guard let hours = digits(2, in: 0...23), mark(":") != nil, let minutes = digits(2, in: 0...59) else {
                return nil
            }
            offset = (hours * 60 + minutes) * (next == UInt8(ascii: "+") ? 60 : -60)
        }
        let days = Timestamp.days(year, month, day)
        guard rest.isEmpty, Timestamp.civil(days) == (year, month, day) else { return nil }
        return (days * 86_400 + hour * 3600 + minute * 60 + second - offset, nanoseconds)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    // The proleptic Gregorian calendar by Howard Hinnant's `civil_from_days` and `days_from_civil`,
    // since Foundation's calendar costs more start-up time than a cached build takes.
    private static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = shifted.quotientFlooring(by: 146_097).0
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let shiftedYear = month <= 2 ? year - 1 : year
        let era = shiftedYear.quotientFlooring(by: 400).0
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }
}

extension Int64 {
    /// Quotient and remainder with the remainder never negative.
    fileprivate func quotientFlooring(by divisor: Int64) -> (Int64, Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
