/// Sizes and times in the words of Docker's tables.
public enum HumanReadable {
    /// A size in decimal units with up to three significant digits, such as `11B`, `4.2kB` or `130MB` (go-units, `HumanSizeWithPrecision`).
    public static func size(_ bytes: Int64) -> String {
        let units = ["B", "kB", "MB", "GB", "TB", "PB", "EB"]
        var value = Double(max(bytes, 0))
        var unit = 0
        while value >= 1000, unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        return significant(value) + units[unit]
    }

    /// A size of memory in binary units with up to four significant digits, such as `576KiB` or `23.54GiB` (go-units,
    /// `BytesSize`).
    public static func binarySize(_ bytes: Int64) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
        var (value, unit) = (Double(max(bytes, 0)), 0)
        while value >= 1024, unit < units.count - 1 { (value, unit) = (value / 1024, unit + 1) }
        let decimals = value >= 1000 ? 1.0 : value >= 100 ? 10 : value >= 10 ? 100 : 1000
        var text = "\((value * decimals).rounded(.toNearestOrEven) / decimals)"
        if text.hasSuffix(".0") { text.removeLast(2) }
        return text + units[unit]
    }

    /// A number with two decimals.
    public static func hundredths(_ value: Double) -> String {
        let number = Int64((max(0, value) * 100).rounded())
        return "\(number / 100).\(number / 10 % 10)\(number % 10)"
    }

    /// A part of a whole, from 0 to 1, as percent; rounded down, so that 100 % is all of it.
    public static func percent(_ value: Double) -> String {
        let tenths = Int((min(max(value, 0), 1) * 1000).rounded(.down))
        return "\(tenths / 10).\(tenths % 10) %"
    }

    /// C's `%.3g` for values from 0 up to 1000.
    private static func significant(_ value: Double) -> String {
        var decimals = value >= 100 ? 0 : value >= 10 ? 1 : 2
        var scale = [1.0, 10, 100][decimals]
        var scaled = Int64((value * scale).rounded(.toNearestOrEven))
        // Rounding up may add a digit in front: 9.999 is 10, 999.9 is 1e+03.
        if scaled >= 1000 {
            if decimals == 0 { return "1e+03" }
            decimals -= 1
            scale /= 10
            scaled = Int64((value * scale).rounded(.toNearestOrEven))
        }
        let whole = scaled / Int64(scale)
        var fraction = String(scaled % Int64(scale))
        guard decimals > 0 else { return "\(whole)" }
        fraction = String(repeating: "0", count: decimals - fraction.utf8.count) + fraction
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return fraction.isEmpty ? "\(whole)" : "\(whole).\(fraction)"
    }

    /// The time since something in one unit, such as `2 minutes` (go-units, `HumanDuration`).
    ///
    /// - Parameter seconds: A negative number counts as 0: clocks of machines differ.
    public static func duration(seconds: Int64) -> String {
        let seconds = max(seconds, 0)
        let hours = (seconds + 1800) / 3600
        return switch seconds {
        case ..<1: "Less than a second"
        case 1: "1 second"
        case ..<60: "\(seconds) seconds"
        case ..<120: "About a minute"
        case ..<3600: "\(seconds / 60) minutes"
        case _ where hours == 1: "About an hour"
        case _ where hours < 48: "\(hours) hours"
        case _ where hours < 24 * 7 * 2: "\(hours / 24) days"
        case _ where hours < 24 * 30 * 2: "\(hours / 24 / 7) weeks"
        case _ where hours < 24 * 365 * 2: "\(hours / 24 / 30) months"
        default: "\(seconds / 3600 / 24 / 365) years"
        }
    }

    /// How long ago a time was, such as `2 minutes ago`; `N/A` without a time, as Docker writes it.
    public static func age(secondsSinceEpoch: Int64?, now: Int64) -> String {
        guard let secondsSinceEpoch else { return "N/A" }
        let (difference, overflow) = now.subtractingReportingOverflow(secondsSinceEpoch)
        return duration(seconds: overflow ? .max / 2 : difference) + " ago"
    }

    /// How fast bytes come, such as `12.5MB/s`.
    public static func rate(_ bytes: Int64, _ duration: Duration) -> String {
        "\(size(Int64(Double(bytes) / max(duration / .seconds(1), 0.001))))/s"
    }

    /// How long something took: `0.02s`, `1.2s` with one decimal, and `2m5s` from a minute on.
    ///
    /// - Parameter decimals: Of the seconds, 1 or 2.
    public static func elapsed(nanoseconds: Int64, decimals: Int = 1) -> String {
        let tenths = (max(nanoseconds, 0) + 50_000_000) / 100_000_000
        if tenths >= 600 { return "\(tenths / 600)m\(tenths / 10 % 60)s" }
        guard decimals > 1 else { return "\(tenths / 10).\(tenths % 10)s" }
        let hundredths = (max(nanoseconds, 0) + 5_000_000) / 10_000_000
        return "\(hundredths / 100).\(hundredths / 10 % 10)\(hundredths % 10)s"
    }
}
