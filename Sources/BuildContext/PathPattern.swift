/// A wildcard pattern for relative paths, matched in time bounded by the product of the two lengths.
///
/// It is run as a nondeterministic automaton whose states are the positions in the pattern, so that a walk can stop
/// at a directory, ask whether anything below can match, and continue from there for each name in it.
public struct PathPattern: Sendable {
    /// What the stars of a pattern mean.
    public enum Dialect: Sendable {
        /// Go's `filepath.Match`: `*` and `?` stop at `/`, and `**` is the same as `*`.
        case path
        /// Docker's ignore files: `**` stands for any number of components.
        case ignore
    }

    /// One step of a pattern.
    enum Token: Sendable, Equatable {
        case scalar(UInt32)
        /// `?`
        case anyScalar
        /// `*`
        case anyInComponent
        /// `**` before something: nothing, or anything that ends with a slash.
        case anyComponents
        /// `**` at the end.
        case anything
        case oneOf(CharacterClass)
    }

    /// The characters between `[` and `]`.
    struct CharacterClass: Sendable, Equatable {
        var isNegated = false
        var ranges: [ClosedRange<UInt32>] = []

        func contains(_ scalar: UInt32) -> Bool {
            // Go takes a byte that is not UTF-8 for the replacement character here.
            let scalar = scalar > 0x10_FFFF ? 0xFFFD : scalar
            return ranges.contains { $0.contains(scalar) } != isNegated
        }
    }

    /// A pattern that only looks at the last component: `**/name`, `**/*.suffix`, `**/prefix*`, `**/a*b`.
    ///
    /// Most lines of real ignore files are of this kind or die at the first character, so they are worth a short cut.
    struct LastComponent: Sendable, Equatable {
        var prefix: [UInt8] = []
        /// What comes after a star; `nil` without one.
        var suffix: [UInt8]?

        func matches(_ name: UnsafeBufferPointer<UInt8>) -> Bool {
            guard let suffix else { return name.elementsEqual(prefix) }
            return name.count >= prefix.count + suffix.count && name.starts(with: prefix)
                && UnsafeBufferPointer(rebasing: name.suffix(suffix.count)).elementsEqual(suffix)
        }
    }

    let tokens: [Token]
    let lastComponent: LastComponent?

    /// Compiles a pattern.
    ///
    /// - Throws: `BuildContextError.malformedPattern`.
    public init(_ pattern: [UInt8], dialect: Dialect = .ignore) throws(BuildContextError) {
        var parser = PathPatternParser(pattern, dialect: dialect)
        tokens = try parser.parse()
        lastComponent = PathPattern.lastComponent(of: tokens)
    }

    /// Whether the whole path matches.
    public func matches(_ path: [UInt8]) -> Bool {
        path.withUnsafeBufferPointer { accepts(advance(start, over: $0)) }
    }

    /// Whether a text is a pattern: has a `*`, `?` or `[` that no `\` takes its meaning from.
    public static func hasWildcards(_ text: ArraySlice<UInt8>) -> Bool {
        var isEscaped = false
        for byte in text {
            if isEscaped {
                isEscaped = false
            } else if byte == UInt8(ascii: "\\") {
                isEscaped = true
            } else if byte == UInt8(ascii: "*") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "[") {
                return true
            }
        }
        return false
    }

    private static func lastComponent(of tokens: [Token]) -> LastComponent? {
        guard tokens.first == .anyComponents, tokens.count > 1 else { return nil }
        var result = LastComponent()
        for token in tokens.dropFirst() {
            switch token {
            case .scalar(let scalar) where scalar < 0x80 && scalar != UInt32(PathText.slash):
                if result.suffix == nil {
                    result.prefix.append(UInt8(truncatingIfNeeded: scalar))
                } else {
                    result.suffix?.append(UInt8(truncatingIfNeeded: scalar))
                }
            case .anyInComponent where result.suffix == nil: result.suffix = []
            default: return nil
            }
        }
        return result
    }
}
