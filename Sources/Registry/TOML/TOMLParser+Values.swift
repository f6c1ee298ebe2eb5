extension TOMLParser {
    mutating func value(depth: Int) throws(Problem) -> TOMLValue {
        guard depth < TOMLParser.depthLimit else { throw Problem("a value is nested too deeply") }
        switch rest.first {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return .string(try string())
        case UInt8(ascii: "["): return try array(depth)
        case UInt8(ascii: "{"): return try inlineTable(depth)
        default: return try scalar()
        }
    }

    private mutating func array(_ depth: Int) throws(Problem) -> TOMLValue {
        _ = take("[")
        var values: [TOMLValue] = []
        while true {
            try skipLines()
            if take("]") { return .array(values) }
            values.append(try value(depth: depth + 1))
            try skipLines()
            if take(",") { continue }
            guard take("]") else { throw Problem("an array is not closed") }
            return .array(values)
        }
    }

    private mutating func inlineTable(_ depth: Int) throws(Problem) -> TOMLValue {
        _ = take("{")
        let table = TOMLDocument()
        skipBlanks()
        if take("}") { return table.value }
        while true {
            skipBlanks()
            let keys = try dottedKey()
            skipBlanks()
            guard take("=") else { throw Problem("`=` is missing after the key") }
            skipBlanks()
            try table.set(keys, try value(depth: depth + keys.count))
            skipBlanks()
            if take(",") { continue }
            guard take("}") else { throw Problem("an inline table is not closed on its line") }
            return table.value
        }
    }

    /// `true`, `false`, a number or a time.
    private mutating func scalar() throws(Problem) -> TOMLValue {
        var word = Substring(rest.prefix { !",]}#".utf8.contains($0) && $0 > 0x20 })
        // A date and a time may have a blank between them.
        if TOMLParser.isDate(word), rest.dropFirst(word.utf8.count).first == 0x20 {
            let longer = Substring(
                rest.dropFirst(word.utf8.count + 1).prefix { !",]}#".utf8.contains($0) && $0 > 0x20 }
            )
            if longer.utf8.first.map({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) ?? false {
                word = Substring(rest.prefix(word.utf8.count + 1 + longer.utf8.count))
            }
        }
        guard !word.isEmpty else { throw Problem("a value is missing") }
        guard let value = TOMLParser.scalar(word) else { throw Problem("`\(word.prefix(40))` is not a value") }
        rest.removeFirst(word.utf8.count)
        return value
    }

    private static func scalar(_ word: Substring) -> TOMLValue? {
        switch word {
        case "true": .boolean(true)
        case "false": .boolean(false)
        case "inf", "+inf": .float(.infinity)
        case "-inf": .float(-.infinity)
        case "nan", "+nan", "-nan": .float(.nan)
        default: integer(word) ?? float(word) ?? (isTime(word) ? .time(String(word)) : nil)
        }
    }

    private static func integer(_ word: Substring) -> TOMLValue? {
        for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] where word.hasPrefix(prefix) {
            let digits = word.dropFirst(2)
            // The standard library would take a sign.
            guard digits.first?.isHexDigit ?? false else { return nil }
            return withoutUnderscores(digits).flatMap { Int64($0, radix: radix) }.map { .integer($0) }
        }
        guard let text = withoutUnderscores(word), hasNoLeadingZero(text) else { return nil }
        return Int64(text).map { .integer($0) }
    }

    private static func float(_ word: Substring) -> TOMLValue? {
        guard let text = withoutUnderscores(word) else { return nil }
        let exponent = text.firstIndex { $0 == "e" || $0 == "E" } ?? text.endIndex
        let parts = text[..<exponent].split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 || exponent < text.endIndex else { return nil }
        guard hasNoLeadingZero(String(parts[0])), isNumber(parts[0].drop { "+-".contains($0) }) else { return nil }
        if parts.count == 2, !isNumber(parts[1]) { return nil }
        if exponent < text.endIndex {
            let digits = text[text.index(after: exponent)...]
            let sign = digits.prefix(1).allSatisfy { "+-".contains($0) } ? 1 : 0
            guard isNumber(digits.dropFirst(sign)) else { return nil }
        }
        return Double(text).map { .float($0) }
    }

    /// A number without its underscores, each of which has to stand between two digits.
    private static func withoutUnderscores(_ word: Substring) -> String? {
        let bytes = Array(word.utf8)
        func isDigit(_ index: Int) -> Bool {
            bytes.indices.contains(index) && UInt8(ascii: "_") != bytes[index]
                && Character(Unicode.Scalar(bytes[index])).isHexDigit
        }
        for index in bytes.indices where bytes[index] == UInt8(ascii: "_") {
            guard isDigit(index - 1), isDigit(index + 1) else { return nil }
        }
        return String(decoding: bytes.filter { $0 != UInt8(ascii: "_") }, as: UTF8.self)
    }

    private static func hasNoLeadingZero(_ text: String) -> Bool {
        let digits = text.drop { "+-".contains($0) }
        return text.count - digits.count <= 1 && (digits.count <= 1 || digits.first != "0")
    }

    private static func isNumber(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    // MARK: Times

    private static func isTime(_ word: Substring) -> Bool {
        if isDate(word) || isClock(word) { return true }
        guard word.utf8.count > 11, isDate(word.prefix(10)), "Tt ".contains(word.dropFirst(10).prefix(1)) else {
            return false
        }
        var clock = word.dropFirst(11)
        if let last = clock.last, "Zz".contains(last) {
            clock = clock.dropLast()
        } else if let sign = clock.lastIndex(where: { "+-".contains($0) }) {
            guard matches(clock[clock.index(after: sign)...], "##:##", [23, 59]) else { return false }
            clock = clock[..<sign]
        }
        return isClock(clock)
    }

    private static func isDate(_ word: Substring) -> Bool {
        guard matches(word, "####-##-##", [9999, 12, 31]) else { return false }
        let parts = word.split(separator: "-").compactMap { Int($0) }
        guard parts.count == 3, parts[1] > 0, parts[2] > 0 else { return false }
        let isLeap = parts[0] % 4 == 0 && (parts[0] % 100 != 0 || parts[0] % 400 == 0)
        return parts[2] <= [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][parts[1] - 1]
    }

    private static func isClock(_ word: Substring) -> Bool {
        let parts = word.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, matches(first, "##:##:##", [23, 59, 60]) else { return false }
        return parts.count == 1 || isNumber(parts[1])
    }

    /// Whether a text has digits and marks in these places, and numbers of no more than these values.
    private static func matches(_ word: Substring, _ pattern: String, _ limits: [Int]) -> Bool {
        guard word.utf8.count == pattern.utf8.count else { return false }
        let fits = zip(word.utf8, pattern.utf8).allSatisfy { byte, mark in
            mark == UInt8(ascii: "#") ? (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) : byte == mark
        }
        guard fits else { return false }
        let numbers = word.split { !$0.isNumber }.compactMap { Int($0) }
        return numbers.count == limits.count && zip(numbers, limits).allSatisfy { $0 <= $1 }
    }
}
