import DockerfileSyntax

extension CheckRule {
    /// `FROM` and `AS` are not in the same case.
    ///
    /// A `FROM` in mixed case is the business of `ConsistentInstructionCasing`.
    static let fromAsCasing = CheckRule("FromAsCasing") { (file: CheckedDockerfile) in
        file.froms.compactMap { instruction, from in
            guard let word = from.asKeyword else { return nil }
            let keyword = instruction.instruction.keyword.text
            let expected: String
            switch keyword {
            case keyword.lowercased(): expected = "as"
            case keyword.uppercased(): expected = "AS"
            default: return nil
            }
            guard word.text != expected else { return nil }
            return Finding(
                "`\(word.text)` is not in the case of `\(keyword)`",
                in: instruction,
                at: word.range,
                label: "write `\(expected)`"
            )
        }
    }
}
