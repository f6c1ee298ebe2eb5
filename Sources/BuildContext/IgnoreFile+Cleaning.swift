extension IgnoreFile {
    /// The patterns of an ignore file's text as they are matched, with `!` before exceptions; nothing else is checked.
    public static func cleanedPatterns(in bytes: [UInt8]) -> [[UInt8]] {
        lines(bytes).filter { $0.first != UInt8(ascii: "#") }.compactMap(cleaned).map { pattern, isException in
            (isException ? [UInt8(ascii: "!")] : []) + pattern
        }
    }

    /// Whether the last pattern that matches a text or a path above it excludes, as moby/patternmatcher answers for any
    /// text; in a context there are only relative paths of names.
    public func matches(_ text: [UInt8]) -> Bool {
        guard text.allSatisfy({ $0 == PathText.slash }) else { return decision(for: text)?.isIgnored ?? false }
        return rules.last { $0.matcher.matches(text) }.map { !$0.isException } ?? false
    }

    /// The lines of a file without its byte order mark.
    static func lines(_ bytes: [UInt8]) -> [ArraySlice<UInt8>] {
        let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let text = bytes.starts(with: byteOrderMark) ? bytes.dropFirst(byteOrderMark.count) : bytes[...]
        return text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    }

    /// The pattern of a line, empty where it is only `!`, and whether it is an exception; `nil` for a blank line.
    static func cleaned(_ line: ArraySlice<UInt8>) -> (pattern: [UInt8], isException: Bool)? {
        var text = PathText.trimmed(line)
        guard !text.isEmpty else { return nil }
        let isException = text.first == UInt8(ascii: "!")
        if isException { text = PathText.trimmed(text.dropFirst()) }
        guard !text.isEmpty else { return ([], isException) }
        var pattern = PathText.cleaned(text)
        if pattern.count > 1, pattern.first == PathText.slash { pattern.removeFirst() }
        return (pattern, isException)
    }
}
