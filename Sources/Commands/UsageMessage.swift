/// What the argument parser says of a wrong command line, in the form that all other messages have.
enum UsageMessage {
    /// - Parameter text: Lines of which the first begins with `Error: `; others follow it.
    static func rewritten(_ text: String) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard let first = lines.first, first.hasPrefix("Error: ") else { return text }
        var sentence = String(first.dropFirst("Error: ".count))
        sentence = sentence.prefix(1).lowercased() + sentence.dropFirst()
        sentence = sentence.replacing(". Please provide one of ", with: ": it is one of ")
        sentence = sentence.replacing(/'([^']*)'/) { "`\($0.output.1)`" }
        if sentence.hasSuffix(".") { sentence.removeLast() }
        return (["error: \(sentence)"] + lines.dropFirst()).joined(separator: "\n")
    }
}
