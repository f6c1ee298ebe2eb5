internal import Reporting

/// A file of variables, `.env` or one of `env_file`: `NAME=value` a line, with comments, quotes and variables.
///
/// The syntax is Docker Compose's: `export` before a name, `:` for `=`, single quotes without and double quotes with
/// escapes and variables, values over several lines in quotes, ` #` before a comment, and a name alone for the variable
/// of the machine.
struct EnvironmentFile {
    /// In the order of the file; later ones count.
    private(set) var variables: [(name: String, value: String)] = []
    private(set) var values: [String: String] = [:]

    private let source: SourceText
    private let outer: (String) -> String?
    private var position = 0

    private var bytes: [UInt8] { source.bytes }

    /// - Parameter outer: The variables that those of the file may use and that win over those.
    init(parsing source: SourceText, outer: @escaping (String) -> String?) throws(DiagnosticsError) {
        self.source = source
        self.outer = outer
        if source.bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
        while skipToStatement() { try readStatement() }
    }

    /// `NAME=value` a line and nothing else: `format: raw`.
    init(raw source: SourceText) {
        self.source = source
        outer = { _ in nil }
        for line in String(decoding: source.bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
            let line = line.drop { $0 == " " }
            guard !line.hasPrefix("#"), let sign = line.firstIndex(of: "=") else { continue }
            set(String(line[..<sign]), String(line[line.index(after: sign)...]))
        }
    }

    private mutating func set(_ name: String, _ value: String) {
        variables.append((name, value))
        values[name] = value
    }

    private mutating func skipToStatement() -> Bool {
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "#"):
                while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { position += 1 }
            case UInt8(ascii: " "), 0x09...0x0D: position += 1
            default: return true
            }
        }
        return false
    }

    private var isAtBlank: Bool {
        position < bytes.count && [UInt8(ascii: " "), 0x09, 0x0B, 0x0C, 0x0D].contains(bytes[position])
    }

    private mutating func skipBlanks() { while isAtBlank { position += 1 } }

    private mutating func readStatement() throws(DiagnosticsError) {
        if bytes[position...].starts(with: "export ".utf8) {
            position += 7
            skipBlanks()
        }
        let start = position
        while position < bytes.count, ![0x3D, 0x3A, 0x0A, 0x0D, 0x20, 0x09].contains(bytes[position]) {
            let byte = bytes[position]
            guard byte.beginsName || byte.isDigit || byte >= 0x80 || ".-[]".utf8.contains(byte) else {
                throw failure("unexpected character in the name of a variable", position, position + 1)
            }
            position += 1
        }
        let name = source[SourceRange(start, position)]
        skipBlanks()
        guard position < bytes.count, bytes[position] != UInt8(ascii: "\n") else {
            if let value = outer(name) { set(name, value) }
            return
        }
        guard !name.isEmpty, [0x3D, 0x3A].contains(bytes[position]) else {
            throw failure("expected `=` behind the name of a variable", position, position + 1)
        }
        position += 1
        skipBlanks()
        let value = try readValue()
        // Docker ignores names that begin with a digit.
        if name.utf8.first.map({ !$0.isDigit }) ?? false { set(name, value) }
    }

    private mutating func readValue() throws(DiagnosticsError) -> String {
        let start = position
        guard position < bytes.count, [0x22, 0x27].contains(bytes[position]) else {
            while position < bytes.count, bytes[position] != UInt8(ascii: "\n") { position += 1 }
            var text = source[SourceRange(start, position)][...]
            if let comment = text.firstRange(of: " #") { text = text[..<comment.lowerBound] }
            while text.last?.isWhitespace ?? false { text.removeLast() }
            return try expand(String(text), start)
        }
        let quote = bytes[position]
        var value: [UInt8] = []
        position += 1
        while position < bytes.count, bytes[position] != quote {
            if bytes[position] == UInt8(ascii: "\\"), position + 1 < bytes.count {
                if bytes[position + 1] != quote { value.append(bytes[position]) }
                position += 1
            }
            value.append(bytes[position])
            position += 1
        }
        guard position < bytes.count else { throw failure("a quote is not closed", start, start + 1) }
        position += 1
        let text = String(decoding: value, as: UTF8.self)
        return quote == UInt8(ascii: "'") ? text : try expand(Self.unescaped(text), start)
    }

    private func expand(_ text: String, _ start: Int) throws(DiagnosticsError) -> String {
        do throws(Template.Failure) {
            return try Template { outer($0) ?? values[$0] }.substitute(text)
        } catch {
            throw failure(error.message, start, position)
        }
    }

    /// `\n` and the like; `\$` becomes `$$`, which stands for a dollar in what is then expanded.
    private static func unescaped(_ text: String) -> String {
        let escapes: [Character: String] = [
            "a": "\u{07}", "b": "\u{08}", "c": "", "f": "\u{0C}", "n": "\n", "r": "\r", "t": "\t", "v": "\u{0B}",
            "$": "$$", "\"": "\"", "\\": "\\",
        ]
        var result = ""
        var rest = text[...]
        while let character = rest.popFirst() {
            if character == "\\", let next = rest.first, let escape = escapes[next] {
                rest.removeFirst()
                result += escape
            } else {
                result.append(character)
            }
        }
        return result
    }

    private func failure(_ message: String, _ start: Int, _ end: Int) -> DiagnosticsError {
        DiagnosticsError(source: source, diagnostics: [Diagnostic(message, at: SourceRange(start, end))])
    }
}

extension Template.Failure {
    /// For the user.
    var message: String {
        switch self {
        case .invalid(let text): "invalid variable `\(text)`: expected, for example, ${NAME} or ${NAME:-default}"
        case .missing(let name, ""): "the variable `\(name)` is required and not set"
        case .missing(let name, let message): "the variable `\(name)` is required and not set: \(message)"
        case .tooDeep: "variables are nested too deeply"
        }
    }
}
