import DockerfileSyntax

extension CheckRule {
    /// The comment above an `ARG` or a named `FROM` does not begin with its name.
    static let invalidDefinitionDescription = CheckRule("InvalidDefinitionDescription", isExperimental: true) {
        (checked: CheckedInstruction) in
        let names: [String]
        switch checked.instruction.kind {
        case .from(let from): names = from.name.map { [$0.text] } ?? []
        case .arg(let arg): names = arg.declarations.map(\.name.text)
        default: return []
        }
        guard let example = names.first, let comment = checked.instruction.comments.last,
            !CheckOptions.isDirective(comment), !names.contains(String(comment.text.prefix { $0 != " " }))
        else { return [] }
        return [
            Finding(
                "the comment above \(checked.instruction.name) does not describe `\(example)`",
                in: checked,
                at: comment.range,
                hints: ["write `# \(example) …`, or an empty comment `#` below it"]
            )
        ]
    }
}
