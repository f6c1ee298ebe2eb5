/// Turns the text of a pattern into tokens, with the errors of Go's `filepath.Match`.
struct PathPatternParser {
    private let pattern: [UInt8]
    private let dialect: PathPattern.Dialect
    private var position = 0

    init(_ pattern: [UInt8], dialect: PathPattern.Dialect) {
        self.pattern = pattern
        self.dialect = dialect
    }

    mutating func parse() throws(BuildContextError) -> [PathPattern.Token] {
        var tokens: [PathPattern.Token] = []
        while let byte = next {
            switch byte {
            case UInt8(ascii: "*"):
                position += 1
                let star = next == UInt8(ascii: "*") && dialect == .ignore ? doubleStar() : .anyInComponent
                // Any directories, and then any directories, are any directories.
                if star != .anyComponents || tokens.last != star { tokens.append(star) }
                // Stars in a row are one star.
                if tokens.last == .anyInComponent {
                    while next == UInt8(ascii: "*"), dialect == .path { position += 1 }
                }
            case UInt8(ascii: "?"):
                position += 1
                tokens.append(.anyScalar)
            case UInt8(ascii: "["):
                position += 1
                tokens.append(.oneOf(try characterClass()))
            case UInt8(ascii: "\\"):
                position += 1
                guard next != nil else { throw malformed }
                tokens.append(.scalar(scalar()))
            default:
                tokens.append(.scalar(scalar()))
            }
        }
        return needsMoreThanAPath(tokens) ? [.oneOf(PathPattern.CharacterClass())] : tokens
    }

    /// Whether no path is long enough, so that matching need not be tried with a pattern of any length (`PATH_MAX`).
    private func needsMoreThanAPath(_ tokens: [PathPattern.Token]) -> Bool {
        let least = tokens.count { $0 != .anyInComponent && $0 != .anyComponents && $0 != .anything }
        return least > 4096
    }

    private var next: UInt8? { position < pattern.count ? pattern[position] : nil }

    private var malformed: BuildContextError { .malformedPattern(pattern) }

    /// Reads what follows the first star of `**`, and the slash after it, which belongs to it.
    private mutating func doubleStar() -> PathPattern.Token {
        let isFirst = position == 1
        position += 1
        let hasSlash = next == PathText.slash
        if hasSlash { position += 1 }
        if next == nil { return .anything }
        // moby/patternmatcher: `**name` with nothing special in `name` is a test of the path's end, so that it
        // matches `myname`; in every other place `**` ends at a slash.
        let isSuffixTest = isFirst && !hasSlash && !pattern[position...].contains { "*?[]\\".utf8.contains($0) }
        return isSuffixTest ? .anything : .anyComponents
    }

    private mutating func characterClass() throws(BuildContextError) -> PathPattern.CharacterClass {
        var result = PathPattern.CharacterClass()
        if next == UInt8(ascii: "^") {
            result.isNegated = true
            position += 1
        }
        while true {
            if next == UInt8(ascii: "]"), !result.ranges.isEmpty {
                position += 1
                return result
            }
            let low = try classMember()
            var high = low
            if next == UInt8(ascii: "-") {
                position += 1
                high = try classMember()
            }
            // A range the wrong way round is empty, not an error; 0x12_0000 is no character.
            result.ranges.append(low <= high ? low...high : 0x12_0000...0x12_0000)
        }
    }

    private mutating func classMember() throws(BuildContextError) -> UInt32 {
        guard let first = next, first != UInt8(ascii: "-"), first != UInt8(ascii: "]") else { throw malformed }
        if first == UInt8(ascii: "\\") { position += 1 }
        guard next != nil else { throw malformed }
        let member = scalar()
        guard member <= 0x10_FFFF, next != nil else { throw malformed }
        return member
    }

    /// The character at the position, which is not the end.
    private mutating func scalar() -> UInt32 {
        let (value, length) = pattern.withUnsafeBufferPointer { PathText.scalar($0, at: position) }
        position += length
        return value
    }
}
