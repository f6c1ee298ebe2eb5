import BuildPlanning
import DockerfileSyntax

extension CheckRule {
    /// The first `WORKDIR` of a stage, and of those that it starts from, is relative.
    ///
    /// What the base image says does not count, since another version of it may say something else.
    static let workdirRelativePath = CheckRule("WorkdirRelativePath") { (file: CheckedDockerfile) in
        var isSet: [Int: Bool] = [:]
        var findings: [Finding] = []
        for checked in file.instructions {
            guard let stage = checked.stage else { continue }
            if case .from = checked.instruction.kind, case .stage(let parent)? = file.stages[stage]?.base {
                isSet[stage] = isSet[parent] ?? false
            }
            guard case .workdir = checked.instruction.kind, let path = checked.resolved?.words.first else { continue }
            if isSet.updateValue(true, forKey: stage) != true, !path.text.hasPrefix("/") {
                findings.append(
                    Finding(
                        "the directory `\(path.text)` is relative to the working directory of the base image",
                        in: checked,
                        at: path.range,
                        label: "write an absolute path"
                    )
                )
            }
        }
        return findings
    }
}
