/// Durations as Go writes them: `1h30m`, `1.5s`, `-10ms`, `0`.
public enum GoDuration {
    /// The nanoseconds of a duration; `nil` when the text is none or does not fit.
    public static func nanoseconds(_ text: String) -> Int64? {
        var bytes = Array(text.utf8)[...]
        var isNegative = false
        if let sign = bytes.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            isNegative = sign == UInt8(ascii: "-")
            bytes = bytes.dropFirst()
        }
        if bytes.elementsEqual([UInt8(ascii: "0")]) { return 0 }
        guard !bytes.isEmpty else { return nil }
        var total: Int64 = 0
        while !bytes.isEmpty {
            guard let part = component(&bytes) else { return nil }
            let (sum, overflow) = total.addingReportingOverflow(part)
            guard !overflow else { return nil }
            total = sum
        }
        return isNegative ? -total : total
    }

    private static func component(_ bytes: inout ArraySlice<UInt8>) -> Int64? {
        let whole = bytes.prefix { $0.isDigit }
        bytes = bytes.dropFirst(whole.count)
        var fraction: ArraySlice<UInt8> = []
        if bytes.first == UInt8(ascii: ".") {
            bytes = bytes.dropFirst()
            fraction = bytes.prefix { $0.isDigit }
            bytes = bytes.dropFirst(fraction.count)
        }
        guard whole.count + fraction.count > 0 else { return nil }
        let unitBytes = bytes.prefix { !$0.isDigit && $0 != UInt8(ascii: ".") }
        bytes = bytes.dropFirst(unitBytes.count)
        let unit: Int64
        switch String(decoding: unitBytes, as: UTF8.self) {
        case "ns": unit = 1
        case "us", "µs", "μs": unit = 1000
        case "ms": unit = 1_000_000
        case "s": unit = 1_000_000_000
        case "m": unit = 60_000_000_000
        case "h": unit = 3_600_000_000_000
        default: return nil
        }
        guard let count = whole.isEmpty ? 0 : Int64(String(decoding: whole, as: UTF8.self)) else { return nil }
        let (product, overflow) = count.multipliedReportingOverflow(by: unit)
        guard !overflow else { return nil }
        // Eighteen digits are more than a nanosecond's worth of any unit; further ones cannot change the result.
        var rest: Int64 = 0
        var scale = unit
        for digit in fraction.prefix(18) {
            let value = Int64(digit - 0x30)
            rest += scale / 10 * value + scale % 10 * value / 10
            scale /= 10
        }
        let (sum, sumOverflow) = product.addingReportingOverflow(rest)
        return sumOverflow ? nil : sum
    }

    /// The nanoseconds of an age: a duration that is not negative, also in days (`7d`).
    public static func age(_ text: String) -> Int64? {
        guard text.hasSuffix("d"), let days = Int64(text.dropLast()) else {
            return nanoseconds(text).flatMap { $0 < 0 ? nil : $0 }
        }
        let (hours, overflow) = days.multipliedReportingOverflow(by: 24)
        return overflow ? nil : age("\(hours)h")
    }

    /// The text of a duration as Go prints it: `1m30s`, `1.5s`, `100ms`, `0s`.
    public static func text(_ nanoseconds: Int64) -> String {
        if nanoseconds == 0 { return "0s" }
        let sign = nanoseconds < 0 ? "-" : ""
        let value = nanoseconds.magnitude
        if value < 1_000_000_000 {
            if value < 1000 { return sign + "\(value)ns" }
            if value < 1_000_000 { return sign + decimal(value, 1000, 3) + "µs" }
            return sign + decimal(value, 1_000_000, 6) + "ms"
        }
        let minutes = value / 60_000_000_000
        let seconds = decimal(value % 60_000_000_000, 1_000_000_000, 9) + "s"
        if minutes == 0 { return sign + seconds }
        if minutes < 60 { return sign + "\(minutes)m" + seconds }
        return sign + "\(minutes / 60)h\(minutes % 60)m" + seconds
    }

    private static func decimal(_ value: UInt64, _ unit: UInt64, _ width: Int) -> String {
        var digits = String(value % unit)
        digits = String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
        while digits.hasSuffix("0") { digits.removeLast() }
        return digits.isEmpty ? "\(value / unit)" : "\(value / unit).\(digits)"
    }
}

extension UInt8 {
    fileprivate var isDigit: Bool { (0x30...0x39).contains(self) }
}
