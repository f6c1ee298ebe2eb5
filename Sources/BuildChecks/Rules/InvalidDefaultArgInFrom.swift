import BuildPlanning
import DockerfileSyntax
import OCI

extension CheckRule {
    /// With the defaults of its arguments, `FROM` names no image.
    static let invalidDefaultArgInFrom = CheckRule("InvalidDefaultArgInFrom") { (file: CheckedDockerfile) in
        file.froms.compactMap { instruction, from in
            guard let expansion = try? file.defaultScope.expand(from.base),
                !expansion.setNames.isEmpty || !expansion.unsetNames.isEmpty,
                (try? ImageReference(parsing: expansion.text)) == nil
            else { return nil }
            return Finding(
                "without build arguments `\(from.base.text)` is "
                    + (expansion.text.isEmpty ? "empty" : "`\(expansion.text)`, which is not an image"),
                in: instruction,
                at: from.base.range,
                hints: ["give the ARG before the first FROM a default that works"]
            )
        }
    }
}
