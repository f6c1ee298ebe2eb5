/// One pass over a word.
struct WordExpansion {
    let scalars: [Unicode.Scalar]
    let escape: Unicode.Scalar
    let quoting: WordExpander.Quoting
    let lookup: (String) -> String?
    private(set) var setNames: [String] = []
    private(set) var unsetNames: [String] = []
    /// Where the innermost variable that failed starts.
    private(set) var failureStart: Int?

    private var position = 0
    private var depth = 0
    /// All names of `setNames` and `unsetNames`: a word may have a hundred thousand.
    private var seenNames: Set<String> = []
    private var effort = GlobPattern.Effort()

    init(
        scalars: [Unicode.Scalar],
        escape: Unicode.Scalar,
        quoting: WordExpander.Quoting,
        lookup: @escaping (String) -> String?
    ) {
        self.scalars = scalars
        self.escape = escape
        self.quoting = quoting
        self.lookup = lookup
    }

    /// What was read so far, as one text and split into words.
    struct Output {
        private(set) var scalars: [Unicode.Scalar] = []
        private var finished: [String] = []
        private var current = String.UnicodeScalarView()

        var text: String { String(String.UnicodeScalarView(scalars)) }

        var words: [String] { current.isEmpty ? finished : finished + [String(current)] }

        /// Adds text in which blanks separate words.
        mutating func addSplitting(_ added: some Sequence<Unicode.Scalar>) {
            for scalar in added {
                scalars.append(scalar)
                if scalar.properties.isWhitespace {
                    if !current.isEmpty { finished.append(String(current)) }
                    current = String.UnicodeScalarView()
                } else {
                    current.append(scalar)
                }
            }
        }

        /// Adds text that belongs to the current word as a whole.
        mutating func addWhole(_ added: some Sequence<Unicode.Scalar>) {
            scalars.append(contentsOf: added)
            current.append(contentsOf: added)
        }
    }

    private var current: Unicode.Scalar? { position < scalars.count ? scalars[position] : nil }

    private mutating func next() -> Unicode.Scalar? {
        guard position < scalars.count else { return nil }
        position += 1
        return scalars[position - 1]
    }

    /// Reads up to an unquoted `stop`, which is passed, or to the end when there is none.
    mutating func readUntil(_ stop: Unicode.Scalar?, rawEscapes: Bool) throws(ExpansionFailure) -> Output {
        depth += 1
        defer { depth -= 1 }
        guard depth <= WordExpander.deepestNesting else {
            throw ExpansionFailure("variables are nested more than \(WordExpander.deepestNesting) deep")
        }
        var output = Output()
        while let scalar = current {
            if scalar == stop {
                position += 1
                return output
            }
            switch scalar {
            case "$": output.addSplitting(try dollar())
            case "'" where quoting == .processed: output.addWhole(try singleQuoted())
            case "\"" where quoting == .processed: output.addWhole(try doubleQuoted(rawEscapes: rawEscapes))
            case escape:
                position += 1
                if rawEscapes { output.addWhole([scalar]) }
                if let escaped = next() { output.addWhole([escaped]) }
            default:
                position += 1
                output.addSplitting(CollectionOfOne(scalar))
            }
            guard output.scalars.count <= WordExpander.longestResult else {
                throw ExpansionFailure("the expanded text is longer than 1 MiB")
            }
        }
        if let stop { throw ExpansionFailure("missing `\(stop)`") }
        return output
    }

    private mutating func singleQuoted() throws(ExpansionFailure) -> [Unicode.Scalar] {
        let start = position
        position += 1
        var result: [Unicode.Scalar] = []
        while let scalar = next() {
            if scalar == "'" { return result }
            result.append(scalar)
        }
        failureStart = start
        throw ExpansionFailure("the single quote is not closed")
    }

    private mutating func doubleQuoted(rawEscapes: Bool) throws(ExpansionFailure) -> [Unicode.Scalar] {
        let start = position
        position += 1
        var result: [Unicode.Scalar] = []
        while let scalar = current {
            if scalar == "$" {
                result += try dollar()
                guard result.count <= WordExpander.longestResult else {
                    throw ExpansionFailure("the expanded text is longer than 1 MiB")
                }
                continue
            }
            position += 1
            if scalar == "\"" { return result }
            guard scalar == escape else {
                result.append(scalar)
                continue
            }
            if rawEscapes { result.append(scalar) }
            switch current {
            case nil: break
            case "\"", "$", escape:
                if let escaped = next() { result.append(escaped) }
            default:
                if !rawEscapes { result.append(scalar) }
            }
        }
        failureStart = start
        throw ExpansionFailure("the double quote is not closed")
    }

    /// Reads a variable, at whose `$` we stand.
    private mutating func dollar() throws(ExpansionFailure) -> [Unicode.Scalar] {
        let start = position
        position += 1
        guard current == "{" else {
            let name = readName()
            return name.isEmpty ? ["$"] : Array(value(of: name).unicodeScalars)
        }
        position += 1
        do {
            let result = try braced()
            return result
        } catch {
            if failureStart == nil { failureStart = start }
            throw error
        }
    }

    private mutating func braced() throws(ExpansionFailure) -> [Unicode.Scalar] {
        guard let first = current else { throw ExpansionFailure("missing `}`") }
        guard first != "{", first != "}", first != ":" else {
            throw ExpansionFailure("bad substitution: no variable name")
        }
        let name = readName()
        guard !name.isEmpty else { throw ExpansionFailure("bad substitution: no variable name") }
        guard let modifier = next() else { throw ExpansionFailure("missing `}`") }
        switch modifier {
        case "}": return Array(value(of: name).unicodeScalars)
        case ":":
            guard let kind = next() else { throw ExpansionFailure("missing `}`") }
            switch kind {
            case "-", "+", "?": return try fallback(name, kind, emptyIsUnset: true)
            // BuildKit reads the colon and drops it.
            case "#", "%": return try trimmed(name, atEnd: kind == "%")
            default: throw ExpansionFailure("unsupported modifier `:\(kind)` in a substitution")
            }
        case "-", "+", "?": return try fallback(name, modifier, emptyIsUnset: false)
        case "#", "%": return try trimmed(name, atEnd: modifier == "%")
        case "/": return try replaced(name)
        default: throw ExpansionFailure("unsupported modifier `\(modifier)` in a substitution")
        }
    }

    private mutating func fallback(
        _ name: String,
        _ kind: Unicode.Scalar,
        emptyIsUnset: Bool
    ) throws(ExpansionFailure) -> [Unicode.Scalar] {
        let word = try readUntil("}", rawEscapes: false).scalars
        let found = find(name)
        let isSet = found.map { !(emptyIsUnset && $0.isEmpty) } ?? false
        switch kind {
        case "-": return isSet ? Array((found ?? "").unicodeScalars) : word
        case "+": return isSet ? word : []
        default:
            if isSet { return Array((found ?? "").unicodeScalars) }
            let standard = found == nil ? "it is not set" : "it is empty"
            let message = word.isEmpty ? standard : String(String.UnicodeScalarView(word))
            throw ExpansionFailure("\(name): \(message)")
        }
    }

    private mutating func trimmed(_ name: String, atEnd: Bool) throws(ExpansionFailure) -> [Unicode.Scalar] {
        var text = try readUntil("}", rawEscapes: true).scalars
        let longest = text.first == (atEnd ? "%" : "#")
        if longest { text.removeFirst() }
        let pattern = try GlobPattern(text)
        let value = Array(value(of: name).unicodeScalars)
        if atEnd {
            let length = try pattern.reversed.prefixLength(in: value.reversed(), longest: longest, &effort) ?? 0
            return Array(value.dropLast(length))
        }
        return Array(value.dropFirst(try pattern.prefixLength(in: value, longest: longest, &effort) ?? 0))
    }

    private mutating func replaced(_ name: String) throws(ExpansionFailure) -> [Unicode.Scalar] {
        var all = false
        if current == "/" {
            all = true
            position += 1
        }
        let pattern = try GlobPattern(try readUntil("/", rawEscapes: true).scalars)
        // BuildKit keeps the escape character of `\/` here, which only a pattern needs.
        let replacement = try readUntil("}", rawEscapes: true).scalars
        let value = Array(value(of: name).unicodeScalars)
        var result: [Unicode.Scalar] = []
        var copied = 0
        for match in try pattern.matches(in: value, all: all, &effort) {
            result += value[copied..<match.lowerBound]
            result += replacement
            copied = match.upperBound
            guard result.count <= WordExpander.longestResult else {
                throw ExpansionFailure("the expanded text is longer than 1 MiB")
            }
        }
        return result + value[copied...]
    }

    private mutating func value(of name: String) -> String { find(name) ?? "" }

    private mutating func find(_ name: String) -> String? {
        let value = lookup(name)
        if seenNames.insert(name).inserted {
            if value == nil { unsetNames.append(name) } else { setNames.append(name) }
        }
        return value
    }

    private mutating func readName() -> String {
        guard let first = current else { return "" }
        var name = String.UnicodeScalarView()
        if Self.isDecimal(first) {
            while let scalar = current, Self.isDecimal(scalar) {
                name.append(scalar)
                position += 1
            }
            return String(name)
        }
        if ["@", "*", "#", "?", "-", "$", "!"].contains(first) {
            position += 1
            return String(first)
        }
        while let scalar = current, scalar == "_" || Self.isLetter(scalar) || Self.isDecimal(scalar) {
            name.append(scalar)
            position += 1
        }
        return String(name)
    }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return UInt8(truncatingIfNeeded: scalar.value).isLetter }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: return true
        default: return false
        }
    }

    private static func isDecimal(_ scalar: Unicode.Scalar) -> Bool {
        scalar.isASCII
            ? UInt8(truncatingIfNeeded: scalar.value).isDigit : scalar.properties.generalCategory == .decimalNumber
    }
}
