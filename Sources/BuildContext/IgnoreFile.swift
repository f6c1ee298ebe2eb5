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
    }

    /// What the rules say about one path, and which of them.
    public struct Decision: Sendable, Equatable {
        public let isIgnored: Bool
        /// The 1-based line that decided.
        public let line: Int
    }

    /// The name for messages, as in `.dockerignore:3`.
    public let name: String
    public let rules: [Rule]

    /// Ignores nothing.
    public static var empty: IgnoreFile { fatalError() }

    /// - Throws: `BuildContextError.malformedIgnoreLine` or `.emptyException`.
    public init(parsing bytes: [UInt8], name: String = ".dockerignore") throws(BuildContextError) { fatalError() }

    /// Takes patterns one by one, as `COPY --exclude` gives them; the line of each is its position.
    ///
    /// - Throws: `BuildContextError.malformedIgnoreLine` or `.emptyException`.
    public init(patterns: [[UInt8]], name: String = "--exclude") throws(BuildContextError) { fatalError() }

    /// The line that decides about a path relative to the context; `nil` when no line matches it.
    public func decision(for path: [UInt8]) -> Decision? { fatalError() }
}
