/// Reads TOML (toml.io, version 1.0).
///
/// Our own, since the configuration is what anybody may have written: whatever the bytes are, there is a value or an error.
struct TOMLParser {
    /// What is wrong, without the place.
    struct Problem: Error {
        let reason: String

        init(_ reason: String) { self.reason = reason }
    }

    /// How deep values may be nested, and how many parts a dotted key may have.
    static let depthLimit = 64

    var rest: Substring.UTF8View
    private let text: Substring.UTF8View

    /// Reads a whole document.
    ///
    /// - Throws: `TOMLError`.
    static func parse(_ bytes: [UInt8]) throws(TOMLError) -> TOMLValue {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw TOMLError(line: 1, reason: "it is not UTF-8")
        }
        var parser = TOMLParser(Substring(text).utf8)
        do throws(Problem) {
            return try parser.document()
        } catch {
            throw TOMLError(line: parser.line, reason: error.reason)
        }
    }

    private init(_ text: Substring.UTF8View) {
        self.text = text
        rest = text
    }

    private var line: Int {
        1 + text[text.startIndex..<rest.startIndex].reduce(0) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
    }

    private mutating func document() throws(Problem) -> TOMLValue {
        var document = TOMLDocument()
        while true {
            try skipLines()
            guard let next = rest.first else { return document.value }
            if next == UInt8(ascii: "[") {
                try header(&document)
            } else {
                let keys = try dottedKey()
                skipBlanks()
                guard take("=") else { throw Problem("`=` is missing after the key") }
                skipBlanks()
                let value = try value(depth: 0)
                try document.set(keys, value)
            }
            try endLine()
        }
    }

    private mutating func header(_ document: inout TOMLDocument) throws(Problem) {
        _ = take("[")
        let isArray = take("[")
        skipBlanks()
        let keys = try dottedKey()
        skipBlanks()
        guard take("]"), !isArray || take("]") else {
            throw Problem(isArray ? "`]]` is missing" : "`]` is missing")
        }
        if isArray { try document.append(keys) } else { try document.open(keys) }
    }

    // MARK: Keys

    mutating func dottedKey() throws(Problem) -> [String] {
        var keys = [try key()]
        while true {
            let before = rest
            skipBlanks()
            guard take(".") else {
                rest = before
                return keys
            }
            skipBlanks()
            keys.append(try key())
            guard keys.count <= TOMLParser.depthLimit else { throw Problem("a key has too many parts") }
        }
    }

    private mutating func key() throws(Problem) -> String {
        if rest.first == UInt8(ascii: "\"") { return try basicString() }
        if rest.first == UInt8(ascii: "'") { return try literalString() }
        let word = rest.prefix { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "_")
                || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "-")
        }
        guard !word.isEmpty else { throw Problem("a key is expected") }
        rest = rest[word.endIndex...]
        return String(Substring(word))
    }

    // MARK: Blanks and comments

    mutating func skipBlanks() {
        while let byte = rest.first, byte == 0x20 || byte == 0x09 { rest.removeFirst() }
    }

    /// Skips blanks, line ends and comments.
    mutating func skipLines() throws(Problem) {
        while true {
            skipBlanks()
            if try comment() || lineEnd() { continue }
            return
        }
    }

    private mutating func endLine() throws(Problem) {
        skipBlanks()
        _ = try comment()
        guard lineEnd() || rest.isEmpty else { throw Problem("something follows the end of the value") }
    }

    private mutating func comment() throws(Problem) -> Bool {
        guard take("#") else { return false }
        while let byte = rest.first, byte != UInt8(ascii: "\n"), !starts(with: "\r\n") {
            guard byte >= 0x20 && byte != 0x7F || byte == 0x09 else {
                throw Problem("a comment has a control character")
            }
            rest.removeFirst()
        }
        return true
    }

    private mutating func lineEnd() -> Bool { take("\n") || take("\r\n") }

    mutating func take(_ word: String) -> Bool {
        guard starts(with: word) else { return false }
        rest.removeFirst(word.utf8.count)
        return true
    }

    func starts(with word: String) -> Bool { rest.starts(with: word.utf8) }
}
