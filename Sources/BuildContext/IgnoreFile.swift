public import Reporting

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
        /// The 1-based line that decided; 0 for the store, which is ignored without one.
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
    /// - Throws: An error for each line whose pattern is malformed or missing after `!`.
    public init(parsing source: SourceText) throws(DiagnosticsError) {
        var rules: [Rule] = []
        var errors: [Diagnostic] = []
        for (index, line) in IgnoreFile.lines(source.bytes).enumerated() where line.first != UInt8(ascii: "#") {
            do {
                if let rule = try IgnoreFile.rule(line, line: index + 1) { rules.append(rule) }
            } catch {
                let place = PathText.trimmed(line)
                errors.append(Diagnostic(error.description, at: SourceRange(place.startIndex, place.endIndex)))
            }
        }
        guard errors.isEmpty else { throw DiagnosticsError(source: source, diagnostics: errors) }
        self.init(name: source.name, rules: rules)
    }

    /// Takes patterns one by one, as `COPY --exclude` gives them; the line of each is its position.
    ///
    /// - Throws: `BuildContextError.malformedPattern` or `.emptyException`.
    public init(patterns: [[UInt8]]) throws(BuildContextError) {
        var rules: [Rule] = []
        for (index, pattern) in patterns.enumerated() {
            guard let rule = try IgnoreFile.rule(pattern[...], line: index + 1) else { continue }
            rules.append(rule)
        }
        self.init(name: "--exclude", rules: rules)
    }

    /// Ignores everything but what matches a pattern and what is below it; the directories on the way come along.
    ///
    /// - Throws: `BuildContextError.malformedPattern`.
    init(keepingOnly pattern: [UInt8]) throws(BuildContextError) {
        let everything = Array("**".utf8)
        self.init(
            name: "--parents",
            rules: [
                Rule(pattern: everything, line: 1, isException: false, matcher: try PathPattern(everything)),
                Rule(pattern: pattern, line: 2, isException: true, matcher: try PathPattern(pattern)),
            ]
        )
    }

    /// The same, but that a directory is always ignored, whatever the lines say.
    func ignoring(storeAt path: [UInt8]) throws(BuildContextError) -> IgnoreFile {
        let pattern = path.flatMap { "*?[]\\!".utf8.contains($0) ? [UInt8(ascii: "\\"), $0] : [$0] }
        let rule = Rule(
            pattern: pattern,
            line: IgnoreFile.storeLine,
            isException: false,
            matcher: try PathPattern(pattern)
        )
        return IgnoreFile(name: name, rules: rules + [rule])
    }

    /// Stands for the line of a rule that is in no file.
    static let storeLine = 0

    /// The line that decides about a path relative to the context; `nil` when no line matches it.
    public func decision(for path: [UInt8]) -> Decision? {
        var state = start
        for component in path.split(separator: PathText.slash) {
            state = component.withUnsafeBufferPointer { descend(into: $0, from: state) }
        }
        return decision(state.decidingRule)
    }

    /// Whether a path relative to the context does not take part in the build.
    public func ignores(_ path: [UInt8]) -> Bool { decision(for: path)?.isIgnored ?? false }

    func decision(_ rule: Int) -> Decision? {
        rule < 0 ? nil : Decision(isIgnored: !rules[rule].isException, line: rules[rule].line)
    }

    private static func rule(_ line: ArraySlice<UInt8>, line number: Int) throws(BuildContextError) -> Rule? {
        guard let (pattern, isException) = cleaned(line) else { return nil }
        guard !pattern.isEmpty else { throw .emptyException }
        return Rule(pattern: pattern, line: number, isException: isException, matcher: try PathPattern(pattern))
    }
}
