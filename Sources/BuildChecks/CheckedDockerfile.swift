import BuildContext
import BuildPlanning
import DockerfileSyntax
import OCI
import Reporting

/// What the rules look at: the syntax tree, and what its words mean where that is known.
struct CheckedDockerfile {
    let dockerfile: Dockerfile
    /// What `FROM` lines see.
    let scope: GlobalScope
    /// The same without the build arguments of the command line.
    let defaultScope: GlobalScope
    /// What the build context leaves out.
    let ignoreFile: IgnoreFile
    /// Every instruction of the file, in order.
    let instructions: [CheckedInstruction]
    /// The bases whose configuration is known, by the index of the stage that names them in `FROM`.
    let bases: [Int: ImageConfiguration]
    /// What the stages were resolved to, by index.
    let stages: [Int: PlannedStage]

    /// The stages with their `FROM` lines.
    var froms: [(instruction: CheckedInstruction, from: FromInstruction)] {
        instructions.compactMap {
            if case .from(let from) = $0.instruction.kind { ($0, from) } else { nil }
        }
    }

    /// The instruction that holds a place.
    func instruction(at range: SourceRange) -> CheckedInstruction? {
        instructions.last { $0.instruction.range.start <= range.start }
    }
}

/// One instruction, and what is known of it where its stage could be resolved up to it.
struct CheckedInstruction {
    let instruction: Instruction
    /// The stage's index; `nil` before the first `FROM`.
    let stage: Int?
    /// `nil` where the stage is not part of the check or has an error before.
    var resolved: Resolved?

    /// What an instruction means in its stage.
    struct Resolved {
        /// Expanded, at their places: the path of `WORKDIR`, the names of `ENV` and `ARG`, the ports of `EXPOSE`, and
        /// what `COPY` and `ADD` take from the context.
        let words: [Word]
        let unsetVariables: [UnsetVariable]
        /// Whether a `SHELL` of the file or of the base image says what shell forms run in.
        let hasOwnShell: Bool
        /// Whether the configuration of the image below all stages is known.
        let knowsBase: Bool
    }
}
