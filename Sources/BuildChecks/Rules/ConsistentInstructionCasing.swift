import DockerfileSyntax

extension CheckRule {
    /// An instruction is in mixed case, or not in the case of most others.
    static let consistentInstructionCasing = CheckRule("ConsistentInstructionCasing") { (file: CheckedDockerfile) in
        // BuildKit does not look at what stands before the first FROM.
        let instructions = file.instructions.filter { $0.stage != nil }
        let keywords = instructions.map(\.instruction.keyword.text)
        let lower = keywords.count { $0 == $0.lowercased() }
        let upper = keywords.count { $0 == $0.uppercased() }
        return instructions.compactMap { instruction in
            let keyword = instruction.instruction.keyword
            let expected = lower > upper ? keyword.text.lowercased() : keyword.text.uppercased()
            guard keyword.text != expected else { return nil }
            return Finding(
                "`\(keyword.text)` is not in the case of most instructions",
                in: instruction,
                at: keyword.range,
                label: "write `\(expected)`"
            )
        }
    }
}
