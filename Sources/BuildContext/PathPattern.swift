/// A wildcard pattern for relative paths, matched in time bounded by the product of the two lengths.
public struct PathPattern: Sendable {
    /// What the stars of a pattern mean.
    public enum Dialect: Sendable {
        /// Go's `filepath.Match`: `*` and `?` stop at `/`, and `**` is the same as `*`.
        case path
        /// Docker's ignore files: `**` stands for any number of components.
        case ignore
    }

    /// - Throws: `BuildContextError.malformedPattern`.
    public init(_ pattern: [UInt8], dialect: Dialect) throws(BuildContextError) { fatalError() }

    /// Whether the whole path matches.
    public func matches(_ path: [UInt8]) -> Bool { fatalError() }

    /// Whether a text has characters that a pattern gives a meaning to, `\` among them.
    public static func hasWildcards(_ text: [UInt8]) -> Bool { fatalError() }
}
