/// What a scalar without quotes means: YAML 1.2's core schema with the octal numbers of 1.1, as Go's YAML has it.
///
/// `yes`, `no`, `on` and `off` stay strings; where a boolean is expected they are read as one.
enum PlainScalar {
    static func kind(_ text: String) -> Node.Kind {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .boolean(true)
        case "false", "False", "FALSE": return .boolean(false)
        default: break
        }
        guard let first = text.utf8.first, first.isDigit || "+-.".utf8.contains(first) else { return .string(text) }
        if let value = integer(text) { return .integer(value) }
        if let value = number(text) { return .number(value) }
        return .string(text)
    }

    private static func integer(_ text: String) -> Int64? {
        var digits = text.replacing("_", with: "")[...]
        let isNegative = digits.hasPrefix("-")
        if isNegative || digits.hasPrefix("+") { digits = digits.dropFirst() }
        guard let first = digits.utf8.first, first.isDigit else { return nil }
        var radix = 10
        if digits.count > 1, digits.hasPrefix("0") {
            let prefixes: [(String, Int)] = [("0x", 16), ("0X", 16), ("0o", 8), ("0O", 8), ("0b", 2), ("0B", 2)]
            let prefix = prefixes.first { digits.hasPrefix($0.0) }
            radix = prefix?.1 ?? 8
            digits = digits.dropFirst(prefix == nil ? 1 : 2)
        }
        guard digits.utf8.first.map({ $0 != UInt8(ascii: "-") && $0 != UInt8(ascii: "+") }) ?? false else {
            return nil
        }
        return Int64((isNegative ? "-" : "") + digits, radix: radix)
    }

    private static func number(_ text: String) -> Double? {
        let bytes = text.utf8
        guard bytes.contains(where: \.isDigit),
            bytes.allSatisfy({ $0.isDigit || "+-.eE_".utf8.contains($0) })
        else { return nil }
        guard let value = Double(text.replacing("_", with: "")), value.isFinite else { return nil }
        return value
    }
}

extension UInt8 {
    var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    /// A letter or an underscore.
    var beginsName: Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20) || self == UInt8(ascii: "_")
    }
}
