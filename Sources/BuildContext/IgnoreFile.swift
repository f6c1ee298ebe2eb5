/// The patterns of a `.dockerignore` file: what of a context does not take part in a build.
///
/// The last line that matches a path or one of its parents decides.
public struct IgnoreFile: Sendable {
    /// A line that is neither empty nor a comment.
    public struct Rule: Sendable {
        /// The cleaned pattern, without `!`.
        public let pattern: [UInt8]
        /// 1-based.
        public let line: Int
        /// Whether it brings back what an earlier line excludes.
        public let isException: Bool

        let matcher: PathPattern
    }

    /// What the rules say about one path, and which of them.
    public struct Decision: Sendable, Equatable {
        /// Whether the path does not take part in the build.
        public let isIgnored: Bool
        /// The 1-based line that decided.
        public let line: Int
    }

    /// The name for messages, as in `.dockerignore:3`.
    public let name: String
    /// In the order of the lines.
    public let rules: [Rule]
    let quickTests: [QuickTest]

    /// Ignores nothing.
    public static let empty = IgnoreFile(name: "", rules: [])

    private init(name: String, rules: [Rule]) {
        self.name = name
        self.rules = rules
        quickTests = rules.map { QuickTest($0.matcher) }
    }

    /// Reads the text of an ignore file.
    ///
    /// - Throws: `BuildContextError.malformedIgnoreLine` or `.emptyException`.
    public init(parsing bytes: [UInt8], name: String = ".dockerignore") throws(BuildContextError) {
        var rules: [Rule] = []
        for (index, line) in IgnoreFile.lines(bytes).enumerated() where line.first != UInt8(ascii: "#") {
            guard let rule = try IgnoreFile.rule(line, line: index + 1, file: name) else { continue }
            rules.append(rule)
        }
        self.init(name: name, rules: rules)
    }

    /// Takes patterns one by one, as `COPY --exclude` gives them; the line of each is its position.
    ///
    /// - Throws: `BuildContextError.malformedIgnoreLine` or `.emptyException`.
    public init(patterns: [[UInt8]], name: String = "--exclude") throws(BuildContextError) {
        var rules: [Rule] = []
        for (index, pattern) in patterns.enumerated() {
            guard let rule = try IgnoreFile.rule(pattern[...], line: index + 1, file: name) else { continue }
            rules.append(rule)
        }
        self.init(name: name, rules: rules)
    }

    /// The line that decides about a path relative to the context; `nil` when no line matches it.
    public func decision(for path: [UInt8]) -> Decision? {
        var state = start
        for component in path.split(separator: PathText.slash) {
            state = component.withUnsafeBufferPointer { descend(into: $0, from: state) }
        }
        return decision(state.decidingRule)
    }

    func decision(_ rule: Int) -> Decision? {
        rule < 0 ? nil : Decision(isIgnored: !rules[rule].isException, line: rules[rule].line)
    }

    private static func rule(_ line: ArraySlice<UInt8>, line number: Int, file: String) throws(BuildContextError)
        -> Rule?
    {
        guard let (pattern, isException) = cleaned(line) else { return nil }
        guard !pattern.isEmpty else { throw .emptyException(file: file, line: number) }
        do {
            let matcher = try PathPattern(pattern, dialect: .ignore)
            return Rule(pattern: pattern, line: number, isException: isException, matcher: matcher)
        } catch {
            throw .malformedIgnoreLine(file: file, line: number, pattern: pattern)
        }
    }
}
