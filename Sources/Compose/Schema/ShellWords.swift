/// Splits a command as a shell splits words: blanks, both kinds of quotes, backslashes; nothing is expanded.
enum ShellWords {
    /// - Returns: `nil` where a quote is not closed.
    static func split(_ text: String) -> [String]? {
        var words: [String] = []
        var word = ""
        var isInWord = false
        var quote: Character?
        var rest = text[...]
        while let character = rest.popFirst() {
            if character == "\\", quote != "'" {
                guard let next = rest.popFirst() else { return nil }
                word.append(next)
                isInWord = true
            } else if character == quote {
                quote = nil
            } else if quote != nil {
                word.append(character)
            } else if character == "\"" || character == "'" {
                quote = character
                isInWord = true
            } else if character.isWhitespace {
                if isInWord { words.append(word) }
                (word, isInWord) = ("", false)
            } else {
                word.append(character)
                isInWord = true
            }
        }
        guard quote == nil else { return nil }
        if isInWord { words.append(word) }
        return words
    }
}
