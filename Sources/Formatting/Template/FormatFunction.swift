internal import OCI
internal import Reporting

/// The functions of templates, those of Go's and of Docker's that are in use.
enum FormatFunction: String, CaseIterable, Sendable {
    case json, join, split, lower, upper, len, index, print, println, eq, ne, not, and, or, truncate

    func apply(_ arguments: [JSONValue]) throws(UserError) -> JSONValue {
        func argument(_ position: Int) throws(UserError) -> JSONValue {
            guard arguments.indices.contains(position) else {
                throw UserError.format("`\(rawValue)` needs \(position == 0 ? "a value" : "\(position + 1) values")")
            }
            return arguments[position]
        }
        switch self {
        case .json:
            guard let bytes = try? CanonicalJSON.encode(try argument(0)) else { return .string("null") }
            return .string(String(decoding: bytes, as: UTF8.self))
        case .join:
            guard case .list(let values) = try argument(0) else { return .string(try argument(0).goText) }
            return .string(values.map(\.goText).joined(separator: try argument(1).goText))
        case .split:
            let separator = try argument(1).goText
            guard !separator.isEmpty else { return .strings(try argument(0).goText.map { String($0) }) }
            return .strings(
                try argument(0).goText.split(separator: separator, omittingEmptySubsequences: false).map(String.init)
            )
        case .lower: return .string(try argument(0).goText.lowercased())
        case .upper: return .string(try argument(0).goText.uppercased())
        case .len:
            switch try argument(0) {
            case .list(let values): return .integer(Int64(values.count))
            case .object(let members): return .integer(Int64(members.count))
            case .string(let text): return .integer(Int64(text.utf8.count))
            case .null: return .integer(0)
            case let other: throw UserError.format("`len` of `\(other.goText)`: it has no length")
            }
        case .index: return try FormatFunction.index(try argument(0), arguments.dropFirst())
        case .print: return .string(arguments.map(\.goText).joined(separator: " "))
        case .println: return .string(arguments.map(\.goText).joined(separator: " ") + "\n")
        case .eq:
            let first = try argument(0).comparable
            return .boolean(arguments.dropFirst().contains { $0.comparable == first })
        case .ne: return .boolean(try argument(0).comparable != argument(1).comparable)
        case .not: return .boolean(!(try argument(0)).isTrue)
        case .and: return arguments.first { !$0.isTrue } ?? arguments.last ?? .boolean(true)
        case .or: return arguments.first { $0.isTrue } ?? arguments.last ?? .boolean(false)
        case .truncate:
            guard case .integer(let count) = try argument(1), count >= 0 else {
                throw UserError.format("`truncate` needs a text and a number")
            }
            return .string(String(try argument(0).goText.prefix(Int(clamping: count))))
        }
    }

    private static func index(_ start: JSONValue, _ keys: ArraySlice<JSONValue>) throws(UserError)
        -> JSONValue
    {
        var value = start
        for key in keys {
            switch (value, key) {
            case (.list(let values), .integer(let position)):
                guard values.indices.contains(Int(clamping: position)) else {
                    throw UserError.format("`index`: there is no element \(position), only \(values.count)")
                }
                value = values[Int(clamping: position)]
            case (.object(let members), .string(let name)): value = members[name] ?? .null
            case (.null, _): return .null
            default: throw UserError.format("`index`: `\(value.goText)` has no element `\(key.goText)`")
            }
        }
        return value
    }
}

extension UserError {
    /// A name that a value does not have.
    static func unknownField(_ name: String, in known: some Collection<String>) -> UserError {
        let hint =
            SpellingSuggestion.closest(to: name, in: known).map { "did you mean `.\($0)`?" }
            ?? "there are \(known.sorted().map { "`.\($0)`" }.joined(separator: ", "))"
        return .format("there is no field `.\(name)`; \(hint)")
    }
}
