import BuildPlanning
import DockerfileSyntax
import OCI

extension CheckRule {
    /// `--platform` is a constant, unless the stage's name says so.
    static let fromPlatformFlagConstDisallowed = CheckRule("FromPlatformFlagConstDisallowed") {
        (file: CheckedDockerfile) in
        file.froms.compactMap { instruction, from in
            guard let flag = from.platform, let expansion = try? file.scope.expand(flag),
                expansion.setNames.isEmpty, expansion.unsetNames.isEmpty,
                let platform = try? Platform(parsing: expansion.text)
            else { return nil }
            let name = from.name?.text.lowercased() ?? ""
            guard !name.contains(platform.os), !name.contains(platform.architecture) else { return nil }
            return Finding(
                "the platform is always `\(expansion.text)`, regardless of what the image is built for",
                in: instruction,
                at: flag.range,
                hints: ["use $BUILDPLATFORM or $TARGETPLATFORM, or name the stage after the platform"]
            )
        }
    }
}
