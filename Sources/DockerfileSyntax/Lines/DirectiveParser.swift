import Reporting

/// Reads the `# key = value` lines at the top of a Dockerfile.
struct DirectiveParser {
    private(set) var directives = ParserDirectives()
    private(set) var isFinished = false
    private var seen: [String: SourceRange] = [:]
    private var isFirstLine = true

    /// Takes a line if it is a directive; the first line that is none ends directives for good.
    mutating func accept(_ line: PhysicalLine, in reader: LineReader) throws(Diagnostic) {
        guard !isFinished else { return }
        let bytes = reader.bytes
        if isFirstLine, bytes[line.start..<line.end].starts(with: [0x23, 0x21]) {
            isFirstLine = false
            return
        }
        isFirstLine = false
        guard let (key, value) = Self.keyAndValue(line, in: reader), let known = Self.known(key.text) else {
            isFinished = true
            return
        }
        if let earlier = seen[known] {
            throw Diagnostic(
                "the parser directive `\(known)` is given twice",
                at: key.range,
                notes: [.init("it is given here first", at: earlier)]
            )
        }
        seen[known] = key.range
        switch known {
        case "escape":
            guard value.text == "\\" || value.text == "`", let escape = value.text.utf8.first else {
                throw Diagnostic("invalid escape character `\(value.text)`", at: value.range, label: "expected \\ or `")
            }
            directives.escape = escape
        case "syntax": directives.syntax = value
        default: directives.check = value
        }
    }

    private static func known(_ key: String) -> String? {
        ["escape", "syntax", "check"].first { $0 == key.lowercased() }
    }

    private static func keyAndValue(_ line: PhysicalLine, in reader: LineReader) -> (Word, Word)? {
        let bytes = reader.bytes
        var position = reader.firstNonBlank(line)
        guard position < line.end, bytes[position] == UInt8(ascii: "#") else { return nil }
        func skipBlanks() { while position < line.end, bytes[position].isBlank { position += 1 } }
        position += 1
        skipBlanks()
        let keyStart = position
        while position < line.end, bytes[position].isLetter || bytes[position].isDigit { position += 1 }
        let keyEnd = position
        skipBlanks()
        guard keyEnd > keyStart, position < line.end, bytes[position] == UInt8(ascii: "=") else { return nil }
        position += 1
        skipBlanks()
        var end = line.end
        while end > position, bytes[end - 1].isBlank { end -= 1 }
        guard end > position else { return nil }
        func word(_ start: Int, _ end: Int) -> Word {
            Word(String(decoding: bytes[start..<end], as: UTF8.self), at: SourceRange(start, end))
        }
        return (word(keyStart, keyEnd), word(position, end))
    }
}
