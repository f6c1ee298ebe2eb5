import Reporting

/// Finds the `<<EOF` words of an instruction and reads the bodies that follow it.
enum HeredocParser {
    /// A word `[fd]<<[-]NAME`.
    struct Marker {
        let name: String
        let expands: Bool
        let stripsTabs: Bool
        let fileDescriptor: Int
        let slice: LineSlice
    }

    /// The markers of a line, quotes respected; none when its quotes are not balanced.
    static func markers(in slice: LineSlice) -> [Marker] {
        let bytes = slice.line.bytes[slice.start..<slice.end]
        guard zip(bytes, bytes.dropFirst()).contains(where: { $0 == 0x3C && $1 == 0x3C }) else { return [] }
        let (words, isBalanced) = slice.shellWords(escape: UInt8(ascii: "\\"))
        return isBalanced ? words.compactMap(marker) : []
    }

    static func marker(_ slice: LineSlice) -> Marker? {
        let bytes = slice.line.bytes
        var position = slice.start
        while position < slice.end, bytes[position].isDigit { position += 1 }
        let digits = String(decoding: bytes[slice.start..<position], as: UTF8.self)
        guard let descriptor = digits.isEmpty ? 0 : Int(digits) else { return nil }
        guard position + 2 < slice.end, bytes[position] == 0x3C, bytes[position + 1] == 0x3C else { return nil }
        position += 2
        let stripsTabs = bytes[position] == UInt8(ascii: "-")
        if stripsTabs { position += 1 }
        while position < slice.end, bytes[position].isBlank { position += 1 }
        guard !bytes[position..<slice.end].contains(0x3C) else { return nil }
        let (name, isQuoted) = unquoted(bytes[position..<slice.end])
        guard !name.isEmpty else { return nil }
        return Marker(
            name: String(decoding: name, as: UTF8.self),
            expands: !isQuoted,
            stripsTabs: stripsTabs,
            fileDescriptor: descriptor,
            slice: slice
        )
    }

    private static func unquoted(_ bytes: ArraySlice<UInt8>) -> (name: [UInt8], isQuoted: Bool) {
        var name: [UInt8] = []
        var quote: UInt8?
        var isQuoted = false
        var position = bytes.startIndex
        while position < bytes.endIndex {
            let byte = bytes[position]
            position += 1
            if byte == UInt8(ascii: "\\"), quote != UInt8(ascii: "'") {
                isQuoted = true
                if position < bytes.endIndex { name.append(bytes[position]) }
                position += 1
            } else if byte == quote {
                quote = nil
            } else if quote == nil, byte == UInt8(ascii: "'") || byte == UInt8(ascii: "\"") {
                quote = byte
                isQuoted = true
            } else {
                name.append(byte)
            }
        }
        return (name, isQuoted)
    }

    /// Reads the body of a marker up to its terminator.
    static func body(of marker: Marker, from reader: inout LineReader) throws(Diagnostic) -> Heredoc {
        let terminator = Array(marker.name.utf8)
        let start = reader.position
        var stripped: [UInt8] = []
        while let line = reader.nextLine() {
            var first = line.start
            if marker.stripsTabs {
                while first < line.end, reader.bytes[first] == 0x09 { first += 1 }
            }
            if reader.bytes[first..<line.end].elementsEqual(terminator) {
                let raw = reader.bytes[start..<line.start]
                return Heredoc(
                    name: marker.name,
                    content: String(decoding: marker.stripsTabs ? stripped[...] : raw, as: UTF8.self),
                    rawContent: String(decoding: raw, as: UTF8.self),
                    expands: marker.expands,
                    stripsTabs: marker.stripsTabs,
                    fileDescriptor: marker.fileDescriptor,
                    range: marker.slice.range,
                    contentRange: SourceRange(start, line.start)
                )
            }
            if marker.stripsTabs { stripped.append(contentsOf: reader.bytes[first..<line.next]) }
        }
        throw Diagnostic(
            "unterminated here-document",
            at: marker.slice.range,
            label: "no line is exactly `\(marker.name)`"
        )
    }
}
