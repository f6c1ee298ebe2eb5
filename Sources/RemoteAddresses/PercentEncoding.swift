/// The encoding of bytes in addresses as `%` and two hexadecimal digits (RFC 3986, section 2.1).
public enum PercentEncoding {
    /// Encodes everything but letters, digits and `-._~`, for a name or a value of a query.
    public static func component(_ text: String) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                bytes.append(byte)
            case _ where "-._~".utf8.contains(byte): bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), digit(byte >> 4), digit(byte & 0xF)]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Encodes what may not stand in an address, and leaves what is encoded already.
    static func encoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            if byte <= 0x20 || byte >= 0x7F || #""<>\^`{|}"#.utf8.contains(byte) {
                bytes += [UInt8(ascii: "%"), digit(byte >> 4), digit(byte & 0xF)]
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let value = UInt8(Substring(rest.prefix(2)), radix: 16), rest.count >= 2 {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// A path with its `.` and `..` components taken out; what follows `?` stays as it is.
    static func withoutDots(_ text: String) -> String {
        let end = text.firstIndex(of: "?") ?? text.endIndex
        var components: [Substring] = []
        let parts = text[..<end].split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        for (offset, part) in parts.enumerated() {
            let isLast = offset == parts.count - 1
            switch part {
            case ".": if isLast { components.append("") }
            case "..":
                _ = components.popLast()
                if isLast { components.append("") }
            default: components.append(part)
            }
        }
        return "/" + components.joined(separator: "/") + text[end...]
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }
}

/// Base 64 as in RFC 4648, section 4.
public enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    public static func encoded(_ bytes: [UInt8]) -> String {
        var result: [UInt8] = []
        append(bytes, to: &result)
        return String(decoding: result, as: UTF8.self)
    }

    /// Appends the text of bytes to other text.
    public static func append(_ bytes: some Collection<UInt8>, to text: inout [UInt8]) {
        var (bits, count) = (UInt32(0), 0)
        for byte in bytes {
            (bits, count) = (bits << 8 | UInt32(byte), count + 1)
            guard count == 3 else { continue }
            for shift in [18, 12, 6, 0] as [UInt32] { text.append(alphabet[Int(bits >> shift & 63)]) }
            (bits, count) = (0, 0)
        }
        guard count > 0 else { return }
        bits <<= UInt32(8 * (3 - count))
        for position in 0..<4 {
            let index = Int(bits >> UInt32(18 - 6 * position) & 63)
            text.append(position <= count ? alphabet[index] : UInt8(ascii: "="))
        }
    }

    /// The bytes of a text; `nil` for what is not Base64.
    ///
    /// The padding may be missing.
    public static func decoded(_ text: String) -> [UInt8]? {
        var result: [UInt8] = []
        var (value, bits) = (UInt32(0), 0)
        var rest = Array(text.utf8)
        while rest.last == UInt8(ascii: "=") { rest.removeLast() }
        for byte in rest where byte > 0x20 {
            guard let digit = alphabet.firstIndex(of: byte) else { return nil }
            value = value << 6 | UInt32(digit)
            bits += 6
            if bits >= 8 {
                bits -= 8
                result.append(UInt8(truncatingIfNeeded: value >> UInt32(bits)))
            }
        }
        return bits == 6 ? nil : result
    }
}
