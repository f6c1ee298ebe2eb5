import DockerfileSyntax

extension CheckRule {
    /// `ENV` or `LABEL` has a blank instead of `=`.
    static let legacyKeyValueFormat = CheckRule("LegacyKeyValueFormat") { (checked: CheckedInstruction) in
        switch checked.instruction.kind {
        case .env(let pairs) where pairs.isLegacy, .label(let pairs) where pairs.isLegacy:
            return pairs.assignments.map { pair in
                Finding(
                    "\(checked.instruction.name) with a blank instead of `=`",
                    in: checked,
                    at: pair.name.range,
                    label: "write `\(pair.name.text)=…`"
                )
            }
        default: return []
        }
    }
}
