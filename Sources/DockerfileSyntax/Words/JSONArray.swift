import Reporting

/// Reads the JSON form of an instruction's arguments.
public struct JSONArray {
    enum Outcome {
        case strings([Word])
        /// Not JSON at all, so that the shell form is meant.
        case notJSON
        /// JSON, but with an element that is not a string.
        case otherElement(SourceRange)
    }

    private let line: LogicalLine
    private var position: Int
    private let end: Int

    private static let deepest = 100

    static func parse(_ slice: LineSlice) -> Outcome {
        guard slice.first == UInt8(ascii: "[") else { return .notJSON }
        var parser = JSONArray(line: slice.line, position: slice.start, end: slice.end)
        return parser.array()
    }

    /// The strings of a text that is a JSON array of strings and nothing else; `nil` for any other text.
    public static func strings(in text: String) -> [String]? {
        var line = LogicalLine()
        line.append(Array(text.utf8)[...], from: 0)
        guard case .strings(let words) = parse(line.slice) else { return nil }
        return words.map(\.text)
    }

    private init(line: LogicalLine, position: Int, end: Int) {
        self.line = line
        self.position = position
        self.end = end
    }

    private var current: UInt8? { position < end ? line.bytes[position] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard current == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipBlanks() {
        while let byte = current, byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D { position += 1 }
    }

    private mutating func array() -> Outcome {
        var words: [Word] = []
        var other: SourceRange?
        position += 1
        skipBlanks()
        if !take(UInt8(ascii: "]")) {
            while true {
                skipBlanks()
                let start = position
                if current == UInt8(ascii: "\"") {
                    guard let text = string() else { return .notJSON }
                    words.append(Word(text, at: line.range(start, position)))
                } else {
                    guard skipValue(depth: 1) else { return .notJSON }
                    if other == nil { other = line.range(start, position) }
                }
                skipBlanks()
                if take(UInt8(ascii: ",")) { continue }
                guard take(UInt8(ascii: "]")) else { return .notJSON }
                break
            }
        }
        skipBlanks()
        guard position == end else { return .notJSON }
        return other.map { .otherElement($0) } ?? .strings(words)
    }

    /// Passes any valid JSON value.
    private mutating func skipValue(depth: Int) -> Bool {
        guard depth < Self.deepest, let byte = current else { return false }
        switch byte {
        case UInt8(ascii: "\""): return string() != nil
        case UInt8(ascii: "["): return skipMembers(close: UInt8(ascii: "]"), isObject: false, depth: depth)
        case UInt8(ascii: "{"): return skipMembers(close: UInt8(ascii: "}"), isObject: true, depth: depth)
        case UInt8(ascii: "t"): return skipKeyword("true")
        case UInt8(ascii: "f"): return skipKeyword("false")
        case UInt8(ascii: "n"): return skipKeyword("null")
        default: return skipNumber()
        }
    }

    private mutating func skipMembers(close: UInt8, isObject: Bool, depth: Int) -> Bool {
        position += 1
        skipBlanks()
        if take(close) { return true }
        while true {
            skipBlanks()
            if isObject {
                guard current == UInt8(ascii: "\""), string() != nil else { return false }
                skipBlanks()
                guard take(UInt8(ascii: ":")) else { return false }
                skipBlanks()
            }
            guard skipValue(depth: depth + 1) else { return false }
            skipBlanks()
            if take(UInt8(ascii: ",")) { continue }
            return take(close)
        }
    }

    private mutating func skipKeyword(_ keyword: String) -> Bool {
        for byte in keyword.utf8 where !take(byte) { return false }
        return true
    }

    private mutating func skipDigits() -> Bool {
        let start = position
        while let byte = current, byte.isDigit { position += 1 }
        return position > start
    }

    private mutating func skipNumber() -> Bool {
        _ = take(UInt8(ascii: "-"))
        if !take(UInt8(ascii: "0")) { guard skipDigits() else { return false } }
        if take(UInt8(ascii: ".")) { guard skipDigits() else { return false } }
        if current.map({ $0 | 0x20 }) == UInt8(ascii: "e") {
            position += 1
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            return skipDigits()
        }
        return true
    }

    /// The value of the string that starts here; `nil` when it is malformed.
    private mutating func string() -> String? {
        position += 1
        var text: [UInt8] = []
        while let byte = current {
            position += 1
            switch byte {
            case UInt8(ascii: "\""): return String(decoding: text, as: UTF8.self)
            case UInt8(ascii: "\\"): guard escapeSequence(into: &text) else { return nil }
            case 0..<0x20: return nil
            default: text.append(byte)
            }
        }
        return nil
    }

    private mutating func escapeSequence(into text: inout [UInt8]) -> Bool {
        guard let byte = current else { return false }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
        case UInt8(ascii: "b"): text.append(0x08)
        case UInt8(ascii: "f"): text.append(0x0C)
        case UInt8(ascii: "n"): text.append(0x0A)
        case UInt8(ascii: "r"): text.append(0x0D)
        case UInt8(ascii: "t"): text.append(0x09)
        case UInt8(ascii: "u"):
            guard let unit = hexadecimalUnit() else { return false }
            text.append(contentsOf: String(scalar(startingWith: unit)).utf8)
        default: return false
        }
        return true
    }

    private mutating func scalar(startingWith unit: UInt32) -> Unicode.Scalar {
        if (0xD800...0xDBFF).contains(unit), position + 1 < end, line.bytes[position] == UInt8(ascii: "\\"),
            line.bytes[position + 1] == UInt8(ascii: "u")
        {
            let saved = position
            position += 2
            if let low = hexadecimalUnit(), (0xDC00...0xDFFF).contains(low) {
                return Unicode.Scalar(0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)) ?? "\u{FFFD}"
            }
            position = saved
        }
        return Unicode.Scalar(unit) ?? "\u{FFFD}"
    }

    private mutating func hexadecimalUnit() -> UInt32? {
        guard position + 4 <= end else { return nil }
        var value: UInt32 = 0
        for byte in line.bytes[position..<position + 4] {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt32(byte - 0x30)
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt32(byte - 0x57)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): value = value << 4 | UInt32(byte - 0x37)
            default: return nil
            }
        }
        position += 4
        return value
    }
}
