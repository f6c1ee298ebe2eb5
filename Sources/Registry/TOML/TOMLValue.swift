/// A value of a TOML document (toml.io, version 1.0).
indirect enum TOMLValue: Equatable {
    case string(String)
    case boolean(Bool)
    case integer(Int64)
    case float(Double)
    /// A date, a time or both, as written: nothing here needs more of them.
    case time(String)
    case array([TOMLValue])
    case table([String: TOMLValue])

    subscript(name: String) -> TOMLValue? {
        if case .table(let members) = self { members[name] } else { nil }
    }

    /// What it is called in a message.
    var kind: String {
        switch self {
        case .string: "a string"
        case .boolean: "true or false"
        case .integer, .float: "a number"
        case .time: "a time"
        case .array: "an array"
        case .table: "a table"
        }
    }
}

/// Why a text is no TOML document.
struct TOMLError: Error, Equatable, CustomStringConvertible {
    let line: Int
    let reason: String

    var description: String { "line \(line): \(reason)" }
}
