/// Puts the tables and keys of a TOML document together, with the rules about what may be defined where.
struct TOMLDocument {
    /// How a table came to be, which decides what may be added to it.
    private enum Origin {
        /// A part of a header or of a dotted key before a table of its own.
        case implied
        case header
        /// By a dotted key in a table: open to further dotted keys, closed to headers.
        case dotted
        /// `{…}`: complete as it stands.
        case inline
    }

    private final class Table {
        var origin: Origin
        var members: [String: Member] = [:]

        init(_ origin: Origin) { self.origin = origin }
    }

    private enum Member {
        case value(TOMLValue)
        case table(Table)
        case tables([Table])
    }

    private let root = Table(.header)
    private var current: Table

    init() { current = root }

    /// `[a.b]`.
    mutating func open(_ keys: [String]) throws(TOMLParser.Problem) {
        guard let last = keys.last else { return }
        let parent = try descend(from: root, keys.dropLast(), as: .implied)
        switch parent.members[last] {
        case nil:
            let table = Table(.header)
            parent.members[last] = .table(table)
            current = table
        case .table(let table) where table.origin == .implied:
            table.origin = .header
            current = table
        default:
            throw .init("`\(last)` is defined twice")
        }
    }

    /// `[[a.b]]`.
    mutating func append(_ keys: [String]) throws(TOMLParser.Problem) {
        guard let last = keys.last else { return }
        let parent = try descend(from: root, keys.dropLast(), as: .implied)
        let table = Table(.header)
        switch parent.members[last] {
        case nil: parent.members[last] = .tables([table])
        case .tables(let tables): parent.members[last] = .tables(tables + [table])
        default: throw .init("`\(last)` is already defined as something else")
        }
        current = table
    }

    /// `a.b = value`.
    func set(_ keys: [String], _ value: TOMLValue) throws(TOMLParser.Problem) {
        guard let last = keys.last else { return }
        let table = try descend(from: current, keys.dropLast(), as: .dotted)
        guard table.members.updateValue(.value(value), forKey: last) == nil else {
            throw .init("`\(last)` is defined twice")
        }
    }

    private func descend(from start: Table, _ keys: ArraySlice<String>, as origin: Origin)
        throws(TOMLParser.Problem) -> Table
    {
        var table = start
        for key in keys {
            switch table.members[key] {
            case nil:
                let next = Table(origin)
                table.members[key] = .table(next)
                table = next
            case .table(let next) where origin == .implied || next.origin != .header:
                guard origin == .implied || next.origin == .dotted else {
                    throw .init("`\(key)` is a separate table and cannot be extended by a dotted key")
                }
                table = next
            case .tables(let tables) where origin == .implied:
                guard let next = tables.last else { throw .init("`\(key)` is empty") }
                table = next
            default: throw .init("`\(key)` is not a table that can be added to")
            }
        }
        return table
    }

    /// The whole document.
    var value: TOMLValue { TOMLDocument.value(root) }

    private static func value(_ table: Table) -> TOMLValue {
        .table(
            table.members.mapValues { member in
                switch member {
                case .value(let value): value
                case .table(let table): value(table)
                case .tables(let tables): .array(tables.map(value))
                }
            }
        )
    }
}
