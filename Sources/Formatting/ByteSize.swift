/// Sizes as users write them, in the two meanings that Docker gives to `k`.
public enum ByteSize {
    /// The bytes of a size of files, as `HumanReadable.size` writes it: `10MB` in powers of 1000, `10MiB` in those of
    /// 1024; in any case (go-units, `FromHumanSize`).
    ///
    /// - Returns: `nil` for anything else, and for what no `Int64` can hold.
    public static func decimal(_ text: String) -> Int64? {
        let number = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit = text.dropFirst(number.count).lowercased()
        guard let value = Double(number), value.isFinite,
            let power = ["", "k", "m", "g", "t"].firstIndex(of: String(unit.prefix { $0 != "b" && $0 != "i" }))
        else { return nil }
        let base: Double
        switch unit.dropFirst(power == 0 ? 0 : 1) {
        case "", "b": base = 1000
        case "ib" where power > 0: base = 1024
        default: return nil
        }
        var factor = 1.0
        for _ in 0..<power { factor *= base }
        return Int64(exactly: (value * factor).rounded())
    }

    /// The bytes of a size of memory: a whole number, with `k`, `m`, `g` or `t` in powers of 1024, in any case, with or
    /// without `b` or `ib` (go-units, `RAMInBytes`).
    ///
    /// - Returns: `nil` for anything else, a negative number, and what no `Int64` can hold.
    public static func binary(_ text: String) -> Int64? {
        var rest = text.lowercased()[...]
        if rest.hasSuffix("b") { rest = rest.dropLast() }
        if rest.hasSuffix("i") { rest = rest.dropLast() }
        let power = rest.last.flatMap { ["k", "m", "g", "t"].firstIndex(of: $0) }.map { $0 + 1 } ?? 0
        if power > 0 { rest = rest.dropLast() }
        guard let number = Int64(rest), number >= 0 else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: 1 << (10 * power))
        return overflow ? nil : bytes
    }

    /// The shortest text that `binary` reads as so many bytes, such as `10m`.
    public static func text(binary bytes: Int64) -> String {
        var (number, unit) = (bytes, 0)
        while number > 0, number % 1024 == 0, unit < 4 { (number, unit) = (number / 1024, unit + 1) }
        return "\(number)" + ["", "k", "m", "g", "t"][unit]
    }
}
