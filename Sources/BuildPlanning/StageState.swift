import DockerfileSyntax
public import OCI
public import Reporting

/// What a stage is at one point: the configuration that its image would have, and the arguments in scope.
public struct StageState: Sendable {
    /// The configuration so far; `history` and `rootfs` are the engine's business.
    public var configuration: ImageConfiguration
    /// The `ARG`s in scope in order of declaration; `nil` for one that has no value.
    public internal(set) var arguments: [ScopedArgument] = []
    /// The character that escapes in words.
    public let escape: UInt8
    /// Whether this stage had a `CMD`, which an `ENTRYPOINT` then keeps.
    var hasOwnCommand = false
    let buildArguments: [String: String]
    let globalValues: [String: String]

    /// The state right after `FROM` an image, or `FROM scratch` when `base` is `nil`.
    ///
    /// The base's triggers are not in the state; take them from `base` and give them to `BuildPlan.triggers`.
    public init(stage: PlannedStage, plan: BuildPlan, base: ImageConfiguration?) {
        configuration = base ?? ImageConfiguration(platform: stage.platform)
        escape = plan.dockerfile.directives.escape
        buildArguments = plan.options.buildArguments
        globalValues = plan.globalValues
    }

    /// The state right after `FROM` an earlier stage, whose end state is `parent`.
    public init(stage: PlannedStage, plan: BuildPlan, parent: StageState) {
        self = parent
    }

    /// Applies one instruction: expands its words, updates the state, and says what is left to do.
    ///
    /// - Throws: the errors of the instruction; the state is unchanged then.
    public mutating func resolve(_ step: PlannedStep) throws(DiagnosticsError) -> ResolvedStep {
        ResolvedStep(action: .metadata, createdBy: step.instruction.text, emptyLayer: true, warnings: [])
    }
}
