/// The text of one Dockerfile with the name a user knows it by.
///
/// Offsets everywhere are UTF-8 byte offsets into `bytes`; lines and columns are 1-based.
public struct SourceText: Sendable {
    /// What the user typed for it, as shown in diagnostics (`Dockerfile`, `-`).
    public let name: String
    /// The text as it was read, unchanged: invalid UTF-8 stays as it is.
    public let bytes: [UInt8]
    /// Byte offset of the first byte of each line, ascending; the first is 0.
    private let lineStarts: [Int]

    /// Creates a source of bytes that may be anything.
    public init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
        var starts = [0]
        for (offset, byte) in bytes.enumerated() where byte == UInt8(ascii: "\n") {
            starts.append(offset + 1)
        }
        lineStarts = starts
    }

    /// Creates a source of text.
    public init(name: String, text: String) {
        self.init(name: name, bytes: Array(text.utf8))
    }

    /// The 1-based line that holds the byte at `offset`; an offset past the end is on the last line.
    public func line(at offset: Int) -> Int {
        var low = 0
        var high = lineStarts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if lineStarts[middle] <= offset { low = middle } else { high = middle }
        }
        return low + 1
    }

    /// The 1-based column of the byte at `offset`, counted in Unicode scalars from the line's start.
    public func column(at offset: Int) -> Int {
        let start = lineStarts[line(at: offset) - 1]
        let end = min(max(offset, start), bytes.count)
        return 1 + bytes[start..<end].count { $0 & 0xC0 != 0x80 }
    }

    /// The bytes of a 1-based line without its line end (LF or CRLF); empty for a line that does not exist.
    public func lineBytes(_ line: Int) -> ArraySlice<UInt8> {
        guard line >= 1, line <= lineStarts.count else { return [] }
        let start = lineStarts[line - 1]
        var end = line < lineStarts.count ? lineStarts[line] - 1 : bytes.count
        if end > start, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        return bytes[start..<max(start, end)]
    }

    /// The text of a range, invalid UTF-8 repaired.
    public subscript(range: SourceRange) -> String {
        String(decoding: bytes[range.start..<range.end], as: UTF8.self)
    }
}
