public import OCI
import Reporting

/// Where a stage begins: the state right after its `FROM`, and what its base adds to its steps.
public struct StageStart: Sendable {
    /// The state right after `FROM`.
    public let state: StageState
    private let stage: PlannedStage
    private let plan: BuildPlan
    /// What the base keeps with `ONBUILD`.
    private let stored: [String]

    /// Starts a stage from its base.
    ///
    /// - Parameters:
    ///   - image: The configuration of the image that the stage starts from; `nil` also where it is not known.
    ///   - parent: The end state of the earlier stage that it starts from.
    public init(
        of stage: PlannedStage,
        in plan: BuildPlan,
        image: ImageConfiguration? = nil,
        parent: StageState? = nil
    ) {
        self.stage = stage
        self.plan = plan
        state =
            parent.map { StageState(stage: stage, plan: plan, parent: $0) }
            ?? StageState(stage: stage, plan: plan, base: image)
        stored = (parent?.configuration ?? image)?.config.onBuild ?? []
    }

    /// The triggers of the base, to be executed before the stage's own steps.
    ///
    /// - Throws: errors that point at the `FROM` line.
    public var triggers: PlannedTriggers {
        get throws(DiagnosticsError) { try plan.triggers(of: stage, stored: stored) }
    }
}
