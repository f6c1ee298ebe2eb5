/// A pattern of `${name#pattern}` and its relatives: `*` and `?`, without bracket classes.
///
/// Matching takes time proportional to pattern times value, whatever the pattern.
struct GlobPattern {
    private enum Token: Equatable {
        case exactly(Unicode.Scalar)
        case any
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

    var isEmpty: Bool { segments.count == 1 && segments[0].isEmpty }

    /// The pattern that matches reversed text.
    var reversed: GlobPattern { GlobPattern(segments: segments.reversed().map { $0.reversed() }) }

    /// The length of the shortest or longest prefix of `value[start...]` that matches.
    func prefixLength(in value: [Unicode.Scalar], from start: Int = 0, longest: Bool) -> Int? {
        guard matches(segments[0], value, at: start) else { return nil }
        var position = start + segments[0].count
        guard segments.count > 1, let last = segments.last else { return position - start }
        for segment in segments[1..<segments.count - 1] {
            guard let found = firstMatch(of: segment, in: value, from: position) else { return nil }
            position = found + segment.count
        }
        let end =
            longest
            ? lastMatch(of: last, in: value, from: position) : firstMatch(of: last, in: value, from: position)
        return end.map { $0 + last.count - start }
    }

    /// The ranges to replace: the first or all, each as long as possible, from left to right.
    func matches(in value: [Unicode.Scalar], all: Bool) -> [Range<Int>] {
        var found: [Range<Int>] = []
        var position = 0
        guard !isEmpty else { return [] }
        while position < value.count {
            // Everything after the first star matches at the first start or, since the rest only shrinks, nowhere later.
            guard let start = firstMatch(of: segments[0], in: value, from: position),
                let length = prefixLength(in: value, from: start, longest: true)
            else { break }
            found.append(start..<start + length)
            guard all else { break }
            position = start + max(length, 1)
        }
        return found
    }

    private func matches(_ segment: [Token], _ value: [Unicode.Scalar], at position: Int) -> Bool {
        guard position + segment.count <= value.count else { return false }
        for (offset, token) in segment.enumerated() {
            if case .exactly(let scalar) = token, scalar != value[position + offset] { return false }
        }
        return true
    }

    private func firstMatch(of segment: [Token], in value: [Unicode.Scalar], from position: Int) -> Int? {
        guard position + segment.count <= value.count else { return nil }
        return (position...value.count - segment.count).first { matches(segment, value, at: $0) }
    }

    private func lastMatch(of segment: [Token], in value: [Unicode.Scalar], from position: Int) -> Int? {
        guard position + segment.count <= value.count else { return nil }
        return (position...value.count - segment.count).last { matches(segment, value, at: $0) }
    }
}
