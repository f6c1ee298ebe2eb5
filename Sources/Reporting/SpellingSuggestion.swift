/// Finds the word that a user probably meant.
public enum SpellingSuggestion {
    /// The candidate closest to a word, compared without case; `nil` when none is close.
    ///
    /// A candidate is close when at most one third of the word, and at least one letter, has to change.
    public static func closest(to word: String, in candidates: some Sequence<String>) -> String? {
        let typed = Array(word.lowercased().unicodeScalars)
        guard !typed.isEmpty, typed.count <= 64 else { return nil }
        let limit = max(1, (typed.count + 1) / 3)
        var best: (distance: Int, candidate: String)?
        for candidate in candidates {
            let known = Array(candidate.lowercased().unicodeScalars)
            guard abs(known.count - typed.count) <= limit else { continue }
            let distance = distance(typed, known)
            if distance <= limit, distance < best?.distance ?? Int.max { best = (distance, candidate) }
        }
        return best?.candidate
    }

    /// The number of insertions, deletions, replacements and swaps of neighbours between two texts, given as letters or
    /// bytes (optimal string alignment).
    ///
    /// Takes time in proportion to the product of the lengths, so callers bound them.
    public static func distance<Letter: Equatable>(_ left: [Letter], _ right: [Letter]) -> Int {
        var beforePrevious: [Int] = []
        var previous = Array(0...right.count)
        for row in 0..<left.count {
            var current = [row + 1]
            for column in 0..<right.count {
                let replaced = previous[column] + (left[row] == right[column] ? 0 : 1)
                var smallest = min(replaced, previous[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    smallest = min(smallest, beforePrevious[column - 1] + 1)
                }
                current.append(smallest)
            }
            beforePrevious = previous
            previous = current
        }
        return previous[right.count]
    }
}
