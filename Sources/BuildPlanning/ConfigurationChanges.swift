public import DockerfileSyntax
public import OCI
internal import Reporting

/// Instructions that change nothing but the configuration of an image, as `import --change` takes them.
public struct ConfigurationChanges {
    private let plan: BuildPlan

    /// - Parameter dockerfile: One stage `FROM scratch`.
    /// - Throws: `DiagnosticsError` for instructions that make files.
    public init(_ dockerfile: Dockerfile) throws {
        if dockerfile.stages.count > 1 {
            throw ConfigurationChanges.refusal(dockerfile.stages[1].instruction, in: dockerfile.source)
        }
        plan = try BuildPlan(dockerfile, options: PlanOptions())
        for step in plan.target.steps {
            switch step.instruction.kind {
            case .run, .copy, .from, .arg, .shell, .maintainer:
                throw ConfigurationChanges.refusal(step.instruction, in: step.source)
            default: continue
            }
        }
    }

    /// - Throws: `DiagnosticsError`.
    public func applied(to start: ImageConfiguration.Execution) throws -> ImageConfiguration.Execution {
        var configuration = ImageConfiguration(platform: plan.target.platform)
        configuration.config = start
        var state = StageState(stage: plan.target, plan: plan, base: configuration)
        // A search path that was not asked for is left to those that build on the image.
        let search = "PATH=\(ImageConfiguration.defaultPath)"
        for step in plan.target.steps { _ = try state.resolve(step) }
        var result = state.configuration.config
        result.env = result.env?.filter { $0 != search }
        if result.env?.isEmpty == true { result.env = nil }
        return result
    }

    private static func refusal(_ instruction: Instruction, in source: SourceText) -> DiagnosticsError {
        let message = "`\(instruction.text)` does not change the configuration"
        return DiagnosticsError(source: source, diagnostics: [Diagnostic(message, at: instruction.range)])
    }
}
