import BuildPlanning
import DockerfileSyntax
import OCI

extension CheckRule {
    /// The base image is for another platform than the stage.
    static let invalidBaseImagePlatform = CheckRule("InvalidBaseImagePlatform") { (file: CheckedDockerfile) in
        file.froms.compactMap { instruction, from in
            guard let index = instruction.stage, let base = file.bases[index], let stage = file.stages[index] else {
                return nil
            }
            let (found, expected) = (base.platform, stage.platform)
            guard found.os != expected.os || found.architecture != expected.architecture else { return nil }
            return Finding(
                "the base image is for \(found), and \(expected) is asked for",
                in: instruction,
                at: from.base.range
            )
        }
    }
}
