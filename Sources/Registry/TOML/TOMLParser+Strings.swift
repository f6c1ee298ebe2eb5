extension TOMLParser {
    /// A string in any of the four forms.
    mutating func string() throws(Problem) -> String {
        if starts(with: "\"\"\"") { return try multilineString("\"\"\"") }
        if starts(with: "'''") { return try multilineString("'''") }
        return try starts(with: "'") ? literalString() : basicString()
    }

    /// `"…"`.
    mutating func basicString() throws(Problem) -> String {
        _ = take("\"")
        var bytes: [UInt8] = []
        while let byte = rest.first, byte != UInt8(ascii: "\"") {
            if byte == UInt8(ascii: "\\") { try escape(into: &bytes) } else { try plain(into: &bytes) }
        }
        guard take("\"") else { throw Problem("a string is not closed") }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `'…'`.
    mutating func literalString() throws(Problem) -> String {
        _ = take("'")
        var bytes: [UInt8] = []
        while let byte = rest.first, byte != UInt8(ascii: "'") { try plain(into: &bytes) }
        guard take("'") else { throw Problem("a string is not closed") }
        return String(decoding: bytes, as: UTF8.self)
    }

    private mutating func multilineString(_ mark: String) throws(Problem) -> String {
        _ = take(mark)
        // A line end at once is not part of it.
        _ = take("\n") || take("\r\n")
        var bytes: [UInt8] = []
        while !rest.isEmpty {
            if starts(with: mark) {
                // Up to two quotes may stand before the mark.
                let count = rest.prefix { $0 == mark.utf8.first }.count
                guard count <= 5 else { throw Problem("a string has too many quotes at its end") }
                bytes += repeatElement(mark.utf8.first ?? 0, count: count - 3)
                rest.removeFirst(count)
                return String(decoding: bytes, as: UTF8.self)
            }
            if rest.first == UInt8(ascii: "\\"), mark == "\"\"\"" {
                if !skipFoldedLines() { try escape(into: &bytes) }
            } else if take("\n") || take("\r\n") {
                bytes.append(UInt8(ascii: "\n"))
            } else {
                try plain(into: &bytes)
            }
        }
        throw Problem("a string is not closed")
    }

    /// Skips `\` at the end of a line with all blanks and line ends that follow; takes nothing where there is none.
    private mutating func skipFoldedLines() -> Bool {
        let before = rest
        _ = take("\\")
        skipBlanks()
        guard take("\n") || take("\r\n") else {
            rest = before
            return false
        }
        repeat { skipBlanks() } while take("\n") || take("\r\n")
        return true
    }

    private mutating func plain(into bytes: inout [UInt8]) throws(Problem) {
        guard let byte = rest.popFirst() else { return }
        guard byte >= 0x20 && byte != 0x7F || byte == 0x09 else {
            throw Problem("a string has a control character, or is not closed on its line")
        }
        bytes.append(byte)
    }

    private mutating func escape(into bytes: inout [UInt8]) throws(Problem) {
        _ = take("\\")
        guard let byte = rest.popFirst() else { throw Problem("a string is not closed") }
        switch byte {
        case UInt8(ascii: "b"): bytes.append(0x08)
        case UInt8(ascii: "t"): bytes.append(0x09)
        case UInt8(ascii: "n"): bytes.append(0x0A)
        case UInt8(ascii: "f"): bytes.append(0x0C)
        case UInt8(ascii: "r"): bytes.append(0x0D)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
        case UInt8(ascii: "u"): bytes += try codePoint(4)
        case UInt8(ascii: "U"): bytes += try codePoint(8)
        default: throw Problem("a string has an unknown escape")
        }
    }

    private mutating func codePoint(_ count: Int) throws(Problem) -> [UInt8] {
        let digits = Substring(rest.prefix(count))
        guard digits.utf8.count == count, digits.allSatisfy({ $0.isHexDigit && $0.isASCII }),
            let scalar = UInt32(digits, radix: 16).flatMap(Unicode.Scalar.init)
        else { throw Problem("a string has an escape that is not a character") }
        rest.removeFirst(count)
        return Array(String(Character(scalar)).utf8)
    }
}
