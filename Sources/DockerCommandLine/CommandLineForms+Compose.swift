internal import Reporting

extension CommandLineForms {
    /// The command of `compose` with the flags that stand before it behind it, since only there their short forms exist.
    ///
    /// - Parameter rest: What follows `compose`.
    static func compose(_ rest: ArraySlice<String>) throws(UserError) -> (command: String?, flags: [String]) {
        var rest = rest
        var flags: [String] = []
        while let word = rest.first, word.hasPrefix("-"), word != "-", word != "--help", word != "-h" {
            rest.removeFirst()
            if let (name, attached) = letter(word) {
                guard let value = attached ?? rest.popFirst() else { throw composeFlagWithoutValue(word) }
                flags.append("--\(name)=\(value)")
                continue
            }
            flags.append(word)
            let known = KnownCommand.composeFlags.first { "--" + $0.name == word }
            guard known?.value == .required else { continue }
            guard let value = rest.popFirst() else { throw composeFlagWithoutValue(word) }
            flags[flags.count - 1] += "=" + value
        }
        guard let command = rest.popFirst() else { return (nil, flags) }
        return (command, flags + rest)
    }

    /// The name that `-f` and `-p` stand for, with the value that is attached to the letter.
    private static func letter(_ word: String) -> (name: String, value: String?)? {
        guard !word.hasPrefix("--"), let name = ["f": "file", "p": "project-name"][word.dropFirst().prefix(1)] else {
            return nil
        }
        let value = word.dropFirst(2)
        return (name, value.isEmpty ? nil : String(value.hasPrefix("=") ? value.dropFirst() : value))
    }

    private static func composeFlagWithoutValue(_ flag: String) -> UserError {
        UserError("`\(flag)` needs a value", status: .usage)
    }
}
