public import Reporting

/// Expands variables and removes quotes in words, as section "Environment replacement" of the Dockerfile reference says.
public struct WordExpander {
    /// What quotes and backslashes mean.
    public enum Quoting: Sendable {
        /// Quotes and escapes are processed and removed.
        case processed
        /// Here-document bodies: quotes are literal, and a backslash vanishes before any character.
        case literalQuotes
    }

    /// The text that came of a word.
    public struct Expansion: Sendable {
        /// The word as one text.
        public let text: String
        /// The text split at blanks that came of neither quotes nor escapes; only `EXPOSE` wants this.
        public let words: [String]
        /// The names that were looked up and are set, each once, in order of use.
        public let setNames: [String]
        /// The names that were looked up and are not set, each once, in order of use; a fallback does not matter.
        public let unsetNames: [String]

        /// A word that is its own expansion, whatever the variables are; `nil` for any other.
        public init?(plain word: Word, escape: UInt8) {
            let isSpecial = word.text.utf8.contains {
                $0 == UInt8(ascii: "$") || $0 == UInt8(ascii: "'") || $0 == UInt8(ascii: "\"") || $0.isBlank
                    || $0 == escape
            }
            if isSpecial { return nil }
            self.init(text: word.text, words: word.text.isEmpty ? [] : [word.text], setNames: [], unsetNames: [])
        }

        init(text: String, words: [String], setNames: [String], unsetNames: [String]) {
            self.text = text
            self.words = words
            self.setNames = setNames
            self.unsetNames = unsetNames
        }
    }

    /// Longer results are an error, since `ENV A=$A$A` doubles with each line.
    public static let longestResult = 1 << 20
    static let deepestNesting = 64

    private let escape: UInt8
    private let lookup: (String) -> String?

    /// Creates an expander for an escape character and a source of values; `nil` means that a name is not set.
    public init(escape: UInt8 = UInt8(ascii: "\\"), lookup: @escaping (String) -> String?) {
        self.escape = escape
        self.lookup = lookup
    }

    /// Expands one word.
    ///
    /// - Throws: a diagnostic at the word, or at the variable in it.
    public func expand(_ word: Word, quoting: Quoting = .processed) throws(Diagnostic) -> Expansion {
        if let plain = Expansion(plain: word, escape: escape) { return plain }
        var expansion = WordExpansion(
            scalars: Array(word.text.unicodeScalars),
            escape: Unicode.Scalar(escape),
            quoting: quoting,
            lookup: lookup
        )
        do {
            let output = try expansion.readUntil(nil, rawEscapes: false)
            return Expansion(
                text: output.text,
                words: output.words,
                setNames: expansion.setNames,
                unsetNames: expansion.unsetNames
            )
        } catch {
            throw Diagnostic(
                error.message,
                at: Self.range(of: expansion.failureStart, in: word, scalars: expansion.scalars)
            )
        }
    }

    /// The place of a failure, if the word stands in the file as it is; else the whole word.
    private static func range(of start: Int?, in word: Word, scalars: [Unicode.Scalar]) -> SourceRange {
        guard let start, word.text.utf8.count == word.range.end - word.range.start else { return word.range }
        let offset = scalars.prefix(start).reduce(0) { $0 + UTF8.width($1) }
        return SourceRange(word.range.start + offset, word.range.end)
    }
}

/// Why a word cannot be expanded.
struct ExpansionFailure: Error {
    let message: String

    init(_ message: String) { self.message = message }
}
