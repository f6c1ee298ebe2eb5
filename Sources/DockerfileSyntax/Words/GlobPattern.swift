/// A pattern of `${name#pattern}` and its relatives: `*` and `?`, without bracket classes.
struct GlobPattern {
    private enum Token: Equatable {
        case exactly(Unicode.Scalar)
        case any
    }

    /// What is left of the comparisons that one word may take, so that no pattern takes longer than a moment.
    ///
    /// Comparing takes time in proportion to pattern times value, and either may have a megabyte.
    struct Effort {
        private var comparisons = 10_000_000

        mutating func take(_ count: Int) throws(ExpansionFailure) {
            comparisons -= count
            guard comparisons >= 0 else { throw ExpansionFailure("the pattern takes too long to match") }
        }
    }

    /// The runs of tokens between stars; always one more than there are stars.
    private var segments: [[Token]]

    private init(segments: [[Token]]) { self.segments = segments }

    /// Reads a pattern; `\` makes `*`, `?`, `\`, `/` and `}` literal.
    init(_ text: [Unicode.Scalar]) throws(ExpansionFailure) {
        segments = [[]]
        var position = 0
        while position < text.count {
            let scalar = text[position]
            position += 1
            switch scalar {
            case "*": segments.append([])
            case "?": segments[segments.count - 1].append(.any)
            case "\\":
                guard position < text.count, ["*", "?", "\\", "/", "}"].contains(text[position]) else {
                    throw ExpansionFailure("invalid backslash in a pattern: it may escape `*`, `?`, `\\`, `/` and `}`")
                }
                segments[segments.count - 1].append(.exactly(text[position]))
                position += 1
            default: segments[segments.count - 1].append(.exactly(scalar))
            }
        }
    }

    /// The pattern that matches reversed text.
    var reversed: GlobPattern { GlobPattern(segments: segments.reversed().map { $0.reversed() }) }

    /// The length of the shortest or longest prefix of `value[start...]` that matches.
    func prefixLength(
        in value: [Unicode.Scalar],
        from start: Int = 0,
        longest: Bool,
        _ effort: inout Effort
    ) throws(ExpansionFailure) -> Int? {
        guard try matches(segments[0], value, at: start, &effort) else { return nil }
        var position = start + segments[0].count
        guard segments.count > 1, let last = segments.last else { return position - start }
        for segment in segments[1..<segments.count - 1] {
            guard let found = try firstMatch(of: segment, in: value, from: position, &effort) else { return nil }
            position = found + segment.count
        }
        let end =
            longest
            ? try lastMatch(of: last, in: value, from: position, &effort)
            : try firstMatch(of: last, in: value, from: position, &effort)
        return end.map { $0 + last.count - start }
    }

    /// The ranges to replace: the first or all, each as long as possible, from left to right.
    ///
    /// As Go's regular expressions have it, a pattern may match the empty text, but not right behind another match.
    func matches(
        in value: [Unicode.Scalar],
        all: Bool,
        _ effort: inout Effort
    ) throws(ExpansionFailure) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var position = 0
        while position <= value.count {
            // Everything after the first star matches at the first start or, since the rest only shrinks, nowhere later.
            guard let start = try firstMatch(of: segments[0], in: value, from: position, &effort),
                let length = try prefixLength(in: value, from: start, longest: true, &effort)
            else { break }
            if length > 0 || found.last?.upperBound != start { found.append(start..<start + length) }
            guard all else { break }
            position = start + max(length, 1)
        }
        return found
    }

    private func matches(
        _ segment: [Token],
        _ value: [Unicode.Scalar],
        at position: Int,
        _ effort: inout Effort
    ) throws(ExpansionFailure) -> Bool {
        guard position + segment.count <= value.count else { return false }
        try effort.take(1)
        for (offset, token) in segment.enumerated() {
            if case .exactly(let scalar) = token, scalar != value[position + offset] {
                try effort.take(offset)
                return false
            }
        }
        try effort.take(segment.count)
        return true
    }

    private func firstMatch(
        of segment: [Token],
        in value: [Unicode.Scalar],
        from position: Int,
        _ effort: inout Effort
    ) throws(ExpansionFailure) -> Int? {
        var start = position
        while start + segment.count <= value.count {
            if try matches(segment, value, at: start, &effort) { return start }
            start += 1
        }
        return nil
    }

    private func lastMatch(
        of segment: [Token],
        in value: [Unicode.Scalar],
        from position: Int,
        _ effort: inout Effort
    ) throws(ExpansionFailure) -> Int? {
        var start = value.count - segment.count
        while start >= position {
            if try matches(segment, value, at: start, &effort) { return start }
            start -= 1
        }
        return nil
    }
}
