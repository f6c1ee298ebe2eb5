import DockerfileSyntax

extension CheckRule {
    /// A blank line stands inside a continued instruction.
    public static let noEmptyContinuation = CheckRule("NoEmptyContinuation") { (file: CheckedDockerfile) in
        file.dockerfile.blankContinuations.compactMap { range in
            file.instruction(at: range).map {
                Finding(
                    "blank line inside a continued instruction",
                    in: $0,
                    at: range,
                    hints: ["remove the blank line, or make it a comment"]
                )
            }
        }
    }
}
