/// Sizes as `docker` writes them.
public enum ByteSize {
    /// Bytes, or with a suffix in powers of 1024: `k`, `m`, `g`, `t`, in any case, with or without `b` or `ib`.
    ///
    /// - Returns: `nil` for anything else, a negative number, and what no `Int64` can hold.
    public static func parse(_ text: String) -> Int64? {
        var rest = text.lowercased()[...]
        if rest.hasSuffix("b") { rest = rest.dropLast() }
        if rest.hasSuffix("i") { rest = rest.dropLast() }
        let factor: Int64
        switch rest.last {
        case "k": factor = 1 << 10
        case "m": factor = 1 << 20
        case "g": factor = 1 << 30
        case "t": factor = 1 << 40
        default: factor = 1
        }
        if factor > 1 { rest = rest.dropLast() }
        guard let number = Int64(rest), number >= 0 else { return nil }
        let (bytes, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : bytes
    }
}
