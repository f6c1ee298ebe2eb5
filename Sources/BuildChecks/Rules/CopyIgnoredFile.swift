import BuildContext
import DockerfileSyntax

extension CheckRule {
    /// `COPY` or `ADD` names something that the ignore file leaves out, with everything below it.
    static let copyIgnoredFile = CheckRule("CopyIgnoredFile") { (file: CheckedDockerfile) in
        guard !file.ignoreFile.rules.isEmpty else { return [] }
        return file.instructions.flatMap { checked -> [Finding] in
            guard case .copy = checked.instruction.kind else { return [] }
            return (checked.resolved?.words ?? []).compactMap { source in
                file.ignoreFile.exclusion(ofEverythingAt: Array(source.text.utf8)).map {
                    Finding(
                        "`\(source.text)` is excluded from the build context",
                        in: checked,
                        at: source.range,
                        label: "by \(file.ignoreFile.name):\($0)"
                    )
                }
            }
        }
    }
}
