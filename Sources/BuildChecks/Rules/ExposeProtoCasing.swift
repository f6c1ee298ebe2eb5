import DockerfileSyntax

extension CheckRule {
    /// The protocol of a port has upper-case letters.
    static let exposeProtoCasing = CheckRule("ExposeProtoCasing") { (checked: CheckedInstruction) in
        guard case .expose = checked.instruction.kind else { return [] }
        return (checked.resolved?.words ?? []).filter { port in
            port.text.split(separator: "/", maxSplits: 1).dropFirst().contains { $0 != $0.lowercased() }
        }.map {
            Finding(
                "the protocol of `\($0.text)` has upper-case letters",
                in: checked,
                at: $0.range,
                label: "write `\($0.text.lowercased())`"
            )
        }
    }
}
