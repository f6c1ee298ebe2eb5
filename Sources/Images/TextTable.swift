/// Rows of text in columns, laid out as Docker lays out its tables: three spaces between columns.
public struct TextTable: Sendable {
    private var rows: [[String]]

    /// Starts a table with its heading.
    public init(_ heading: [String]) { rows = [heading] }

    /// Adds a row; control characters in it are escaped, since values come from images of strangers.
    public mutating func append(_ row: [String]) { rows.append(row.map(TextTable.escaped)) }

    /// The table as lines, each ending with a line feed.
    public func render() -> String {
        var widths: [Int] = []
        for row in rows {
            for (column, cell) in row.enumerated() {
                if column == widths.count { widths.append(0) }
                widths[column] = max(widths[column], cell.count)
            }
        }
        var text = ""
        for row in rows {
            for (column, cell) in row.enumerated() {
                text += cell
                if column < row.count - 1 { text += String(repeating: " ", count: widths[column] - cell.count + 3) }
            }
            text += "\n"
        }
        return text
    }

    /// A value with its control characters as `\n`, `\t` or `\u{…}`, so that it can neither move the cursor nor end its line.
    public static func escaped(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case "\r": result += "\\r"
            case _ where isControl(scalar): result += "\\u{" + String(scalar.value, radix: 16) + "}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// C0, C1, DEL, and the marks that reorder or hide text.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x200E...0x200F, 0x2028...0x202E, 0x2066...0x2069: true
        default: false
        }
    }
}
