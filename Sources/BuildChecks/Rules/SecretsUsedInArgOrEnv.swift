import DockerfileSyntax

extension CheckRule {
    /// The name of an `ARG` or `ENV` sounds like a secret, which the image's configuration or history would tell.
    static let secretsUsedInArgOrEnv = CheckRule("SecretsUsedInArgOrEnv") { (checked: CheckedInstruction) in
        switch checked.instruction.kind {
        case .arg, .env: break
        default: return []
        }
        return (checked.resolved?.words ?? []).filter { isSecret($0.text) }.map { name in
            Finding(
                "`\(name.text)` looks like a secret, and \(checked.instruction.name) leaves its value in the image",
                in: checked,
                at: name.range,
                hints: ["RUN --mount=type=secret gives a command a secret that stays out of the image"]
            )
        }
    }

    private static func isSecret(_ name: String) -> Bool {
        let parts = name.lowercased().split(separator: "_")
        return parts.contains(where: secretParts.contains) && !parts.contains(where: publicParts.contains)
    }

    private static let secretParts: Set<Substring> = [
        "apikey", "auth", "credential", "credentials", "key", "password", "pword", "passwd", "secret", "token",
    ]
    private static let publicParts: Set<Substring> = ["public", "file", "version"]
}
