/// Makes text of strangers safe to show: it can neither move the cursor, nor end its line, nor hide or reorder anything.
public enum EscapedText {
    /// Control characters as `\n`, `\t`, `\r` or `\u{…}`; everything else stays.
    public static func escaped(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        var result = ""
        for scalar in text.unicodeScalars { append(scalar, to: &result) }
        return result
    }

    /// The same for bytes that should be UTF-8; those that are not become `\x` and two hexadecimal digits.
    public static func escaped(_ bytes: some Sequence<UInt8>) -> String {
        var result = ""
        var (rest, position) = (Array(bytes), 0)
        rest.append(0)
        while position < rest.count - 1 {
            if let (scalar, count) = scalar(rest, at: position) {
                append(scalar, to: &result)
                position += count
            } else {
                let digits = String(rest[position], radix: 16)
                result += "\\x" + (digits.count < 2 ? "0" : "") + digits
                position += 1
            }
        }
        return result
    }

    /// One U+FFFD in place of each such character, where columns have to stay as they are.
    public static func replaced(_ scalar: Unicode.Scalar) -> Unicode.Scalar { isControl(scalar) ? "\u{FFFD}" : scalar }

    /// The same JSON with such characters in its strings as `\u` and four hexadecimal digits.
    public static func escaped(json bytes: [UInt8]) -> [UInt8] {
        let text = String(decoding: bytes, as: UTF8.self)
        // The line feeds between its values are no part of them.
        func isInString(_ scalar: Unicode.Scalar) -> Bool { scalar.value >= 0x20 && isControl(scalar) }
        guard text.unicodeScalars.contains(where: isInString) else { return bytes }
        var result = ""
        for scalar in text.unicodeScalars {
            guard isInString(scalar) else {
                result.unicodeScalars.append(scalar)
                continue
            }
            for unit in String(scalar).utf16 {
                let digits = String(unit, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
            }
        }
        return Array(result.utf8)
    }

    private static func scalar(_ bytes: [UInt8], at position: Int) -> (Unicode.Scalar, Int)? {
        let first = bytes[position]
        if first < 0x80 { return (Unicode.Scalar(first), 1) }
        let length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2
        guard position + length <= bytes.count,
            let text = String(validating: bytes[position..<position + length], as: UTF8.self),
            text.unicodeScalars.count == 1, let scalar = text.unicodeScalars.first
        else { return nil }
        return (scalar, length)
    }

    private static func append(_ scalar: Unicode.Scalar, to text: inout String) {
        switch scalar {
        case "\n": text += "\\n"
        case "\t": text += "\\t"
        case "\r": text += "\\r"
        case _ where isControl(scalar): text += "\\u{" + String(scalar.value, radix: 16) + "}"
        default: text.unicodeScalars.append(scalar)
        }
    }

    /// C0, C1, DEL, and the marks that reorder or hide text.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x061C, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x2069, 0xFEFF,
            0xE0000...0xE007F:
            true
        default: false
        }
    }
}
