import DockerfileSyntax
import Reporting

extension CheckRule {
    /// A stage has several `CMD`, `ENTRYPOINT` or `HEALTHCHECK`, of which only the last one counts.
    static let multipleInstructionsDisallowed = CheckRule("MultipleInstructionsDisallowed") {
        (file: CheckedDockerfile) in
        var earlier: [String: CheckedInstruction] = [:]
        return file.instructions.compactMap { checked in
            let instruction = checked.instruction
            switch instruction.kind {
            case .from: earlier = [:]
            case .cmd, .entrypoint, .healthcheck:
                return earlier.updateValue(checked, forKey: instruction.name).map { first in
                    Finding(
                        "this \(instruction.name) has no effect: the stage has a later one",
                        in: first,
                        // The later one is where it is found out (BuildKit).
                        commentedAt: checked,
                        at: first.instruction.keyword.range,
                        notes: [.init("the later one", at: instruction.keyword.range)]
                    )
                }
            default: break
            }
            return nil
        }
    }
}
