internal import Reporting

/// Rows of text in columns, laid out as Docker lays out its tables: three spaces between columns.
public struct TextTable: Sendable {
    private var rows: [[String]]

    /// Starts a table with its heading.
    public init(_ heading: [String]) { rows = [heading] }

    /// Adds a row; control characters in it are escaped, since values come from images of strangers.
    public mutating func append(_ row: [String]) { rows.append(row.map { EscapedText.escaped($0) }) }

    /// The table as lines, each ending with a line feed.
    ///
    /// - Parameter width: The columns that there are, if it is for a terminal. A table that a narrow one would break into
    ///   pieces is written as a block of `HEADING: value` lines for each row.
    public func render(width: Int? = nil) -> String {
        var widths: [Int] = []
        for row in rows {
            for (column, cell) in row.enumerated() {
                if column == widths.count { widths.append(0) }
                widths[column] = max(widths[column], cell.count)
            }
        }
        if let width, width < TextTable.narrow, widths.reduce(0, +) + 3 * (widths.count - 1) > width { return blocks() }
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

    /// Terminals with fewer columns cannot show a table of ours whose rows fit on a wider one.
    private static let narrow = 60

    private func blocks() -> String {
        rows.dropFirst().map { row in
            zip(rows[0], row).map { $1.isEmpty ? "" : "\($0): \($1)\n" }.joined()
        }
        .joined(separator: "\n")
    }
}
