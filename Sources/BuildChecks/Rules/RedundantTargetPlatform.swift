import BuildPlanning
import DockerfileSyntax

extension CheckRule {
    /// `--platform=$TARGETPLATFORM`, which is the default.
    static let redundantTargetPlatform = CheckRule("RedundantTargetPlatform") { (file: CheckedDockerfile) in
        file.froms.compactMap { instruction, from in
            guard let platform = from.platform, let expansion = try? file.scope.expand(platform),
                expansion.setNames == ["TARGETPLATFORM"], expansion.unsetNames.isEmpty,
                expansion.text == file.scope.values["TARGETPLATFORM"]
            else { return nil }
            return Finding(
                "`\(platform.text)` is already the default of FROM",
                in: instruction,
                at: platform.range,
                label: "leave --platform out"
            )
        }
    }
}
