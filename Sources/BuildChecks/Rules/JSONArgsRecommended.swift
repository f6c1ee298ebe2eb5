import DockerfileSyntax

extension CheckRule {
    /// `CMD` or `ENTRYPOINT` is in shell form, and no `SHELL` says that it is meant to be.
    static let jsonArgsRecommended = CheckRule("JSONArgsRecommended") { (checked: CheckedInstruction) in
        guard let resolved = checked.resolved, !resolved.hasOwnShell else { return [] }
        switch checked.instruction.kind {
        case .cmd(.shell(let text)), .entrypoint(.shell(let text)):
            return [
                Finding(
                    "\(checked.instruction.name) runs in a shell, which does not forward signals",
                    in: checked,
                    at: text.range,
                    hints: ["write a JSON array, such as \(checked.instruction.name) [\"program\", \"argument\"]"]
                )
            ]
        default: return []
        }
    }
}
