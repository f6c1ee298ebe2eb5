import DockerfileSyntax

extension CheckRule {
    /// `EXPOSE` names an address or a port of the host, which an image cannot have.
    static let exposeInvalidFormat = CheckRule("ExposeInvalidFormat") { (checked: CheckedInstruction) in
        guard case .expose = checked.instruction.kind else { return [] }
        return (checked.resolved?.words ?? []).filter { $0.text.contains(":") }.map {
            Finding(
                "`\($0.text)` names an address or a port of the host",
                in: checked,
                at: $0.range,
                label: "only the port of the container counts"
            )
        }
    }
}
