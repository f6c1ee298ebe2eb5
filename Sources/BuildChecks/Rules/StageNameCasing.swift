import DockerfileSyntax

extension CheckRule {
    /// A stage name has upper-case letters.
    static let stageNameCasing = CheckRule("StageNameCasing") { (file: CheckedDockerfile) in
        file.froms.compactMap { instruction, from in
            guard let name = from.name, name.text != name.text.lowercased() else { return nil }
            return Finding(
                "the stage name `\(name.text)` has upper-case letters",
                in: instruction,
                at: name.range,
                label: "write `\(name.text.lowercased())`"
            )
        }
    }
}
