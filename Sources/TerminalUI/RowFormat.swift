public import Formatting
internal import Glibc
public import OCI
internal import Reporting

/// How a command prints rows: as its table, as one JSON object a line, or by a template, as Docker's commands do.
public enum RowFormat {
    case table
    case json
    case template(FormatTemplate)
    /// `table {{.ID}}\t{{.Size}}`: columns of the user's, with headings.
    case columns(FormatTemplate)

    /// What `--format` says in the help.
    public static let help = "`json`, `table`, or a template, for example '{{.ID}}' or 'table {{.ID}}\\t{{.Size}}'."

    /// What there is to say of each row.
    public struct Field<Row> {
        /// In templates and in JSON.
        let name: String
        let heading: String
        let value: (Row) -> String
        /// What the usual table shows of the value.
        let cell: (Row) -> String

        public init(
            _ name: String,
            _ heading: String,
            cell: ((Row) -> String)? = nil,
            _ value: @escaping (Row) -> String
        ) {
            (self.name, self.heading, self.value, self.cell) = (name, heading, value, cell ?? value)
        }

        /// The same of rows that have such a row in them.
        public func of<Outer>(_ row: @escaping (Outer) -> Row) -> Field<Outer> {
            Field<Outer>(name, heading, cell: { [cell] in cell(row($0)) }) { [value] in value(row($0)) }
        }
    }

    /// - Throws: `UserError` with the status for wrong use.
    public init(parsing text: String?) throws {
        switch text {
        case nil, "table", "text": self = .table
        case "json": self = .json
        case let text?:
            let isTable = text.hasPrefix("table ")
            let template = try FormatTemplate(parsing: String(isTable ? text.dropFirst("table ".count) : text[...]))
            self = isTable ? .columns(template) : .template(template)
        }
    }

    /// Prints rows.
    ///
    /// - Parameter columns: The fields of the table that is printed where nothing else was asked for.
    public func print<Row>(_ rows: [Row], _ fields: [Field<Row>], columns: [String]) throws {
        try print(rows, fields) { RowFormat.table(rows, fields, columns: columns) }
    }

    /// The usual table of some of the fields.
    public static func table<Row>(_ rows: [Row], _ fields: [Field<Row>], columns: [String]) -> TextTable {
        let shown = columns.compactMap { name in fields.first { $0.name == name } }
        var table = TextTable(shown.map(\.heading))
        for row in rows { table.append(shown.map { $0.cell(row) }) }
        return table
    }

    /// Prints rows.
    ///
    /// - Parameter table: Makes the table that is printed where nothing else was asked for.
    public func print<Row>(_ rows: [Row], _ fields: [Field<Row>], table: () -> TextTable) throws {
        func object(_ row: Row) -> JSONValue {
            .object(Dictionary(uniqueKeysWithValues: fields.map { ($0.name, .string($0.value(row))) }))
        }
        switch self {
        case .table: Terminal.print(table())
        case .json:
            for row in rows {
                let line = Terminal.safe(json: try CanonicalJSON.encode(object(row)), for: STDOUT_FILENO)
                Terminal.print(String(decoding: line, as: UTF8.self))
            }
        case .template(let template):
            for row in rows { Terminal.print(try template.text(object(row).safeToPrint)) }
        case .columns(let template):
            func cells(_ value: JSONValue) throws -> [String] {
                try template.text(value).split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            }
            let headings = fields.map { ($0.name, JSONValue.string($0.heading)) }
            var table = TextTable(try cells(.object(Dictionary(uniqueKeysWithValues: headings))))
            for row in rows { table.append(try cells(object(row))) }
            Terminal.print(table)
        }
    }
}

extension JSONValue {
    /// The same with control characters escaped where a terminal would take them for commands.
    public var safeToPrint: JSONValue {
        guard Terminal.isTerminal(STDOUT_FILENO) else { return self }
        return switch self {
        case .string(let text): .string(EscapedText.escaped(text))
        case .list(let values): .list(values.map(\.safeToPrint))
        case .object(let members):
            .object(
                Dictionary(members.map { (EscapedText.escaped($0), $1.safeToPrint) }) { first, _ in first }
            )
        case .null, .boolean, .integer, .duration, .number: self
        }
    }
}
