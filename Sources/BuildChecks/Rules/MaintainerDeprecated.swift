import DockerfileSyntax

extension CheckRule {
    /// `MAINTAINER` is used.
    static let maintainerDeprecated = CheckRule("MaintainerDeprecated") { (checked: CheckedInstruction) in
        guard case .maintainer(let author) = checked.instruction.kind else { return [] }
        return [
            Finding(
                "MAINTAINER is deprecated",
                in: checked,
                at: checked.instruction.keyword.range,
                hints: ["write LABEL org.opencontainers.image.authors=\"\(author.text)\""]
            )
        ]
    }
}
