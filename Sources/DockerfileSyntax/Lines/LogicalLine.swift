import Reporting

/// The text of one instruction with its continuations joined, which knows where each byte came from.
struct LogicalLine {
    private(set) var bytes: [UInt8] = []
    /// Where the bytes from a position on come from, ascending.
    private var segments: [(position: Int, source: Int)] = []

    /// Adds bytes that stand at an offset of the source.
    mutating func append(_ slice: ArraySlice<UInt8>, from source: Int) {
        guard !slice.isEmpty else { return }
        segments.append((bytes.count, source))
        bytes.append(contentsOf: slice)
    }

    /// The source offset of a byte.
    func sourceOffset(_ position: Int) -> Int {
        var low = 0
        var high = segments.count
        guard high > 0 else { return 0 }
        while high - low > 1 {
            let middle = (low + high) / 2
            if segments[middle].position <= position { low = middle } else { high = middle }
        }
        return segments[low].source + position - segments[low].position
    }

    /// The source range of the bytes from `start` up to `end`.
    func range(_ start: Int, _ end: Int) -> SourceRange {
        let first = sourceOffset(start)
        return SourceRange(first, end > start ? sourceOffset(end - 1) + 1 : first)
    }

    /// The text of the bytes from `start` up to `end`, unchanged.
    func word(_ start: Int, _ end: Int) -> Word {
        Word(String(decoding: bytes[start..<end], as: UTF8.self), at: range(start, end))
    }

    var slice: LineSlice { LineSlice(line: self, start: 0, end: bytes.count).trimmed }
}

/// A part of a logical line.
struct LineSlice {
    let line: LogicalLine
    var start: Int
    var end: Int

    var isEmpty: Bool { start >= end }
    var word: Word { line.word(start, end) }
    var range: SourceRange { line.range(start, end) }
    var first: UInt8? { isEmpty ? nil : line.bytes[start] }

    /// Without blanks at both ends.
    var trimmed: LineSlice {
        var result = self
        while result.start < result.end, line.bytes[result.start].isBlank { result.start += 1 }
        while result.end > result.start, line.bytes[result.end - 1].isBlank { result.end -= 1 }
        return result
    }

    /// The part before the first blank, and the trimmed rest.
    var splitAtBlank: (first: LineSlice, rest: LineSlice) {
        var position = start
        while position < end, !line.bytes[position].isBlank { position += 1 }
        return (
            LineSlice(line: line, start: start, end: position),
            LineSlice(line: line, start: position, end: end).trimmed
        )
    }

    /// The words between blanks, quotes ignored.
    var blankSeparatedWords: [Word] {
        var words: [Word] = []
        var position = start
        while position < end {
            while position < end, line.bytes[position].isBlank { position += 1 }
            let first = position
            while position < end, !line.bytes[position].isBlank { position += 1 }
            if position > first { words.append(line.word(first, position)) }
        }
        return words
    }

    /// The words between blanks that are neither quoted nor escaped, quotes and escapes kept.
    ///
    /// A quote that is not closed runs to the end; `isBalanced` is false then.
    func shellWords(escape: UInt8) -> (words: [LineSlice], isBalanced: Bool) {
        var words: [LineSlice] = []
        var quote: UInt8?
        var first: Int?
        var position = start
        while position < end {
            let byte = line.bytes[position]
            if quote == nil, byte.isBlank {
                if let begin = first { words.append(LineSlice(line: line, start: begin, end: position)) }
                first = nil
            } else {
                if first == nil { first = position }
                if byte == escape, quote != UInt8(ascii: "'") {
                    position += 1
                } else if let open = quote {
                    if byte == open { quote = nil }
                } else if byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
                    quote = byte
                }
            }
            position += 1
        }
        if let begin = first { words.append(LineSlice(line: line, start: begin, end: end)) }
        return (words, quote == nil)
    }
}

extension UInt8 {
    /// Space, tab, LF, VT, FF and CR.
    var isBlank: Bool { self == 0x20 || (0x09...0x0D).contains(self) }
    var isDigit: Bool { (0x30...0x39).contains(self) }
    var isLetter: Bool { (0x61...0x7A).contains(self | 0x20) }
}
