import BuildPlanning
import DockerfileSyntax
import Reporting

/// What the language has and this version cannot execute: named before anything runs, never silently ignored.
enum UnsupportedFeatures {
    private static let flags: [String: Set<String>] = [
        "ADD": ["checksum", "keep-git-dir"]
    ]

    /// The errors for the stages that a plan builds.
    static func errors(in stages: [PlannedStage]) -> [Diagnostic] {
        stages.flatMap(\.steps).flatMap { step in
            step.instruction.flags.compactMap { flag in
                let name = flag.name.text
                guard flags[step.instruction.name]?.contains(name) ?? false, flag.value?.text != "false" else {
                    return nil
                }
                return Diagnostic("\(step.instruction.name) --\(name) is not supported yet", at: flag.range)
            }
        }
    }

    /// The error for a source that is not a path.
    static func error(for source: CopySource) -> Diagnostic? {
        switch source.kind {
        case .path: nil
        case .url: Diagnostic("ADD of a URL is not supported yet", at: source.range)
        case .git: Diagnostic("ADD of a Git repository is not supported yet", at: source.range)
        }
    }
}
