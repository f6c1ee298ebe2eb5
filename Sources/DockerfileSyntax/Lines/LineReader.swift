import Reporting

/// One physical line: its bytes without line end, and where the next line starts.
struct PhysicalLine {
    let start: Int
    /// Without LF or CRLF.
    let end: Int
    /// With the line end.
    let next: Int
}

/// Reads the physical and logical lines of a source, one after the other.
struct LineReader {
    static let longestLine = 65_535

    let bytes: [UInt8]
    private(set) var position = 0
    var escape = UInt8(ascii: "\\")
    /// The lines that are too long.
    private(set) var errors: [Diagnostic] = []
    /// Of each continued line the first blank line inside.
    private(set) var blankContinuations: [SourceRange] = []

    init(_ source: SourceText) {
        bytes = source.bytes
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    }

    var isAtEnd: Bool { position >= bytes.count }

    /// The next physical line, or `nil` at the end.
    mutating func nextLine() -> PhysicalLine? {
        guard let line = peekLine() else { return nil }
        position = line.next
        if line.end - line.start > Self.longestLine {
            errors.append(
                Diagnostic("the line is longer than 65535 bytes", at: SourceRange(line.start, line.start + 1))
            )
        }
        return line
    }

    /// The next physical line without moving on.
    func peekLine() -> PhysicalLine? {
        guard position < bytes.count else { return nil }
        let newline = bytes[position...].firstIndex(of: UInt8(ascii: "\n"))
        var end = newline ?? bytes.count
        while end > position, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        return PhysicalLine(start: position, end: end, next: newline.map { $0 + 1 } ?? bytes.count)
    }

    /// The first byte of a line that is no blank, or its end.
    func firstNonBlank(_ line: PhysicalLine) -> Int {
        var index = line.start
        while index < line.end, bytes[index].isBlank { index += 1 }
        return index
    }

    func isComment(_ line: PhysicalLine) -> Bool {
        let index = firstNonBlank(line)
        return index < line.end && bytes[index] == UInt8(ascii: "#")
    }

    /// The logical line that starts with a physical line: continuations joined, comment and blank lines between dropped.
    mutating func logicalLine(from first: PhysicalLine) -> LogicalLine {
        var logical = LogicalLine()
        var start = firstNonBlank(first)
        var current = first
        var blankLine: SourceRange?
        while true {
            let (end, continues) = contentEnd(start, current.end)
            logical.append(bytes[start..<end], from: start)
            guard continues else { break }
            var following = nextLine()
            while let line = following, isComment(line) || firstNonBlank(line) == line.end {
                if !isComment(line), blankLine == nil { blankLine = SourceRange(line.start, line.end) }
                following = nextLine()
            }
            guard let line = following else { break }
            current = line
            start = line.start
        }
        if let blankLine { blankContinuations.append(blankLine) }
        return logical
    }

    /// Where the content of a line ends, and whether the escape character continues it.
    private func contentEnd(_ start: Int, _ end: Int) -> (end: Int, continues: Bool) {
        var last = end
        while last > start, bytes[last - 1] == 0x20 || bytes[last - 1] == 0x09 { last -= 1 }
        guard last > start, bytes[last - 1] == escape else { return (end, false) }
        if last - 2 >= start, bytes[last - 2] == escape { return (end, false) }
        return (last - 1, true)
    }
}
