internal import OCI
internal import Reporting

/// Turns the text of a template into its nodes.
struct FormatParser {
    private typealias Node = FormatTemplate.Node
    private typealias Expression = FormatTemplate.Expression

    private enum Part {
        case text(String)
        case action([Token])
    }

    private enum Token: Equatable {
        /// Without the dot; empty for the dot alone.
        case field([String])
        case rootField([String])
        case text(String)
        case integer(Int64)
        case word(String)
        case pipe, open, close
    }

    /// Deeper ones are no template that somebody wrote.
    private static let depthLimit = 100

    private var parts: ArraySlice<Part>

    init(_ text: String) throws(UserError) {
        var parts: [Part] = []
        var rest = text[...]
        while let start = rest.firstRange(of: "{{") {
            var before = rest[..<start.lowerBound]
            rest = rest[start.upperBound...]
            guard let end = FormatParser.end(of: rest) else {
                throw UserError.format("`{{` without a closing `}}`")
            }
            var action = rest[..<end]
            rest = rest[end...].dropFirst(2)
            if action.hasPrefix("- ") {
                action = action.dropFirst(2)
                while before.last?.isWhitespace ?? false { before.removeLast() }
            }
            if action.hasSuffix(" -") {
                action = action.dropLast(2)
                rest = rest.drop(while: \.isWhitespace)
            }
            if !before.isEmpty { parts.append(.text(String(before))) }
            if !action.hasPrefix("/*") { parts.append(.action(try FormatParser.tokens(action))) }
        }
        if !rest.isEmpty { parts.append(.text(String(rest))) }
        self.parts = parts[...]
    }

    /// Where `}}` is that is in no string.
    private static func end(of text: Substring) -> Substring.Index? {
        var quote: Character?
        var position = text.startIndex
        while position < text.endIndex {
            let character = text[position]
            if let open = quote {
                if character == "\\", open == "\"" {
                    position = text.index(after: position)
                    guard position < text.endIndex else { return nil }
                } else if character == open {
                    quote = nil
                }
            } else if character == "\"" || character == "`" {
                quote = character
            } else if text[position...].hasPrefix("}}") {
                return position
            }
            position = text.index(after: position)
        }
        return nil
    }

    private static func tokens(_ action: Substring) throws(UserError) -> [Token] {
        var result: [Token] = []
        var rest = action.drop(while: \.isWhitespace)
        while let first = rest.first {
            switch first {
            case "|", "(", ")":
                result.append(first == "|" ? .pipe : first == "(" ? .open : .close)
                rest.removeFirst()
            case "\"", "`":
                result.append(.text(try string(&rest, quote: first)))
            case ".", "$":
                let text = rest.prefix { $0.isLetter || $0.isNumber || "._$-".contains($0) }
                rest = rest.dropFirst(text.count)
                let names = text.split(separator: ".").map(String.init)
                result.append(first == "$" ? .rootField(Array(names.dropFirst())) : .field(names))
            default:
                let text = rest.prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "-" }
                guard !text.isEmpty else { throw UserError.format("`\(first)` is not understood in `{{\(action)}}`") }
                rest = rest.dropFirst(text.count)
                result.append(Int64(text).map { .integer($0) } ?? .word(String(text)))
            }
            rest = rest.drop(while: \.isWhitespace)
        }
        return result
    }

    private static func string(_ rest: inout Substring, quote: Character) throws(UserError) -> String {
        var text = ""
        rest.removeFirst()
        while let character = rest.popFirst() {
            if character == quote { return text }
            guard character == "\\", quote == "\"", let escaped = rest.popFirst() else {
                text.append(character)
                continue
            }
            text.append(escaped == "n" ? "\n" : escaped == "t" ? "\t" : escaped)
        }
        throw UserError.format("a string is not closed")
    }

    mutating func parse() throws(UserError) -> [FormatTemplate.Node] {
        let (nodes, end) = try block(depth: 0)
        if let end { throw UserError.format("`{{\(end)}}` without a beginning") }
        return nodes
    }

    /// Nodes up to `else` or `end`, which is taken too.
    private mutating func block(depth: Int) throws(UserError) -> ([FormatTemplate.Node], end: String?) {
        guard depth < FormatParser.depthLimit else { throw UserError.format("blocks are nested too deeply") }
        var nodes: [Node] = []
        while let part = parts.popFirst() {
            guard case .action(let tokens) = part else {
                if case .text(let text) = part { nodes.append(.text(text)) }
                continue
            }
            guard case .word(let word)? = tokens.first else {
                nodes.append(.output(try FormatParser.pipeline(tokens[...])))
                continue
            }
            switch word {
            case "end", "else": return (nodes, tokens == [.word(word)] ? word : "else if")
            case "if", "with", "range":
                let expression = try FormatParser.pipeline(tokens.dropFirst())
                let (then, end) = try block(depth: depth + 1)
                var otherwise: [Node] = []
                var last = end
                if end == "else" { (otherwise, last) = try block(depth: depth + 1) }
                guard last == "end" else {
                    let found = last.map { "`{{\($0)}}` in its place is not understood" } ?? "there is none"
                    throw UserError.format("`{{\(word)}}` needs `{{end}}`: \(found)")
                }
                switch word {
                case "if": nodes.append(.condition(expression, then: then, otherwise: otherwise))
                case "with": nodes.append(.with(expression, then: then, otherwise: otherwise))
                default: nodes.append(.range(expression, each: then, otherwise: otherwise))
                }
            default: nodes.append(.output(try FormatParser.pipeline(tokens[...])))
            }
        }
        return (nodes, nil)
    }

    private static func pipeline(_ tokens: ArraySlice<Token>) throws(UserError)
        -> FormatTemplate.Expression
    {
        var rest = tokens
        let result = try pipeline(&rest, depth: 0)
        guard rest.isEmpty else { throw UserError.format("`)` without `(`") }
        return result
    }

    /// Commands up to the end or a `)`, each with the result of the one before as its last argument.
    private static func pipeline(_ rest: inout ArraySlice<Token>, depth: Int) throws(UserError)
        -> FormatTemplate.Expression
    {
        guard depth < depthLimit else { throw UserError.format("parentheses are nested too deeply") }
        var result: Expression?
        while true {
            result = try command(&rest, piped: result, depth: depth)
            guard rest.first == .pipe else { break }
            rest.removeFirst()
        }
        guard let result else { throw UserError.format("`{{}}` is empty") }
        return result
    }

    private static func command(
        _ rest: inout ArraySlice<Token>,
        piped: FormatTemplate.Expression?,
        depth: Int
    ) throws(UserError) -> FormatTemplate.Expression {
        var function: FormatFunction?
        if case .word(let word)? = rest.first, FormatParser.constant(word) == nil {
            guard let known = FormatFunction(rawValue: word) else {
                let names = FormatFunction.allCases.map(\.rawValue)
                let hint = SpellingSuggestion.closest(to: word, in: names) ?? names.joined(separator: "`, `")
                throw UserError.format(
                    "there is no function `\(word)`; fields begin with a dot, functions are `\(hint)`"
                )
            }
            function = known
            rest.removeFirst()
        }
        var operands: [Expression] = []
        operands: while let token = rest.first, token != .pipe, token != .close {
            rest.removeFirst()
            switch token {
            case .field(let path): operands.append(.field(path))
            case .rootField(let path): operands.append(.rootField(path))
            case .text(let text): operands.append(.literal(.string(text)))
            case .integer(let value): operands.append(.literal(.integer(value)))
            case .word(let word):
                guard let value = FormatParser.constant(word) else {
                    throw UserError.format("`\(word)` is not understood here: fields begin with a dot")
                }
                operands.append(.literal(value))
            case .open:
                let inner = try pipeline(&rest, depth: depth + 1)
                guard rest.popFirst() == .close else { throw UserError.format("`(` without `)`") }
                if case .field(let path)? = rest.first, !path.isEmpty {
                    rest.removeFirst()
                    operands.append(.member(inner, path))
                } else {
                    operands.append(inner)
                }
            case .pipe, .close: break operands
            }
        }
        if let piped { operands.append(piped) }
        if let function { return .call(function, operands) }
        guard operands.count == 1, piped == nil else {
            throw UserError.format(operands.isEmpty ? "`{{}}` is empty" : "there is no function before a value")
        }
        return operands[0]
    }

    private static func constant(_ word: String) -> JSONValue? {
        switch word {
        case "true": .boolean(true)
        case "false": .boolean(false)
        case "nil": .null
        default: nil
        }
    }
}
