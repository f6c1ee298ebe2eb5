public import OCI
public import Reporting

/// What `--format` takes beside words: the part of Go's text/template that Docker's users write.
///
/// Actions `{{ }}` with fields (`.Config.Env`), pipes, `if`, `range`, `with`, `else`, `end`, and the functions of
/// `FormatFunction`. Trim markers and comments are understood.
public struct FormatTemplate: Sendable {
    indirect enum Node: Sendable {
        case text(String)
        case output(Expression)
        case condition(Expression, then: [Node], otherwise: [Node])
        /// Like a condition, with the value as the dot.
        case with(Expression, then: [Node], otherwise: [Node])
        case range(Expression, each: [Node], otherwise: [Node])
    }

    indirect enum Expression: Sendable {
        /// The dot and the members that are followed from it.
        case field([String])
        /// The same from the value that was given at first: `$`.
        case rootField([String])
        case literal(JSONValue)
        case call(FormatFunction, [Expression])
        /// A member of what is in parentheses.
        case member(Expression, [String])
    }

    let nodes: [Node]

    /// Parses a template; `\t` and `\n` stand for a tab and a line feed, as with Docker.
    ///
    /// - Throws: `UserError` of `--format`, as `text` does.
    public init(parsing text: String) throws(UserError) {
        let text = text.replacing("\\t", with: "\t").replacing("\\n", with: "\n")
        var parser = try FormatParser(text)
        nodes = try parser.parse()
    }

    /// The text for one value.
    public func text(_ value: JSONValue) throws(UserError) -> String {
        var output = ""
        try FormatTemplate.render(nodes, value, root: value, into: &output)
        return output
    }

    private static func render(_ nodes: [Node], _ dot: JSONValue, root: JSONValue, into output: inout String)
        throws(UserError)
    {
        for node in nodes {
            switch node {
            case .text(let text): output += text
            case .output(let expression): output += try evaluate(expression, dot, root).goText
            case .condition(let expression, let then, let otherwise):
                try render(
                    try evaluate(expression, dot, root).isTrue ? then : otherwise,
                    dot,
                    root: root,
                    into: &output
                )
            case .with(let expression, let then, let otherwise):
                let value = try evaluate(expression, dot, root)
                try render(value.isTrue ? then : otherwise, value.isTrue ? value : dot, root: root, into: &output)
            case .range(let expression, let each, let otherwise):
                let values = try elements(try evaluate(expression, dot, root))
                if values.isEmpty { try render(otherwise, dot, root: root, into: &output) }
                for value in values { try render(each, value, root: root, into: &output) }
            }
        }
    }

    private static func elements(_ value: JSONValue) throws(UserError) -> [JSONValue] {
        switch value {
        case .list(let values): return values
        case .object(let members): return members.sorted { $0.key < $1.key }.map(\.value)
        case .null: return []
        default: throw UserError.format("`range` takes a list, not `\(value.goText)`")
        }
    }

    private static func evaluate(_ expression: Expression, _ dot: JSONValue, _ root: JSONValue) throws(UserError)
        -> JSONValue
    {
        switch expression {
        case .literal(let value): return value
        case .field(let path): return try follow(path, dot)
        case .rootField(let path): return try follow(path, root)
        case .member(let inner, let path): return try follow(path, try evaluate(inner, dot, root))
        case .call(let function, let arguments):
            var values: [JSONValue] = []
            for argument in arguments { values.append(try evaluate(argument, dot, root)) }
            return try function.apply(values)
        }
    }

    private static func follow(_ path: [String], _ start: JSONValue) throws(UserError) -> JSONValue {
        var value = start
        for (position, name) in path.enumerated() {
            guard case .object(let members) = value else {
                if value == .null { return .null }
                let place = "." + path[..<position].joined(separator: ".")
                throw UserError.format("`\(place)` has no field `\(name)`: it is `\(value.goText)`")
            }
            guard let next = members[name] else {
                throw UserError.unknownField(name, in: members.keys)
            }
            value = next
        }
        return value
    }
}

extension JSONValue {
    /// Whether `if` takes it for true: not empty, and not zero.
    var isTrue: Bool {
        switch self {
        case .null: false
        case .boolean(let value): value
        case .integer(let value), .duration(let value): value != 0
        case .number(let value): value != 0
        case .string(let value): !value.isEmpty
        case .list(let value): !value.isEmpty
        case .object(let value): !value.isEmpty
        }
    }

    /// A duration as the number that templates compare it with.
    var comparable: JSONValue { if case .duration(let value) = self { .integer(value) } else { self } }

    /// The value as Go prints it: `[a b]`, `map[k:v]`.
    var goText: String {
        switch self {
        case .null: "<no value>"
        case .boolean(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .duration(let value): GoDuration.text(value)
        case .number(let value): "\(value)"
        case .string(let value): value
        case .list(let values): "[" + values.map(\.goText).joined(separator: " ") + "]"
        case .object(let members):
            "map[" + members.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value.goText)" }.joined(separator: " ")
                + "]"
        }
    }
}

extension UserError {
    /// What is wrong with a template or with the values that it was given.
    static func format(_ message: String) -> UserError { UserError("--format: \(message)", status: .usage) }
}
