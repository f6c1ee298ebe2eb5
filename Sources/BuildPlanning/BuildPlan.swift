public import DockerfileSyntax

/// What is built, and in which order: the stages of a Dockerfile that a target needs.
public struct BuildPlan: Sendable {
    /// What is planned.
    public let dockerfile: Dockerfile
    /// How it was asked for.
    public let options: PlanOptions
    /// The needed stages in file order, so that each comes after those it depends on.
    public let stages: [PlannedStage]
    /// Every stage of the file that could be planned, by file index; needed by triggers of base images only.
    public let allStages: [Int: PlannedStage]
    /// The stage whose result is the image.
    public let target: PlannedStage
    /// The N of `Step 1/N`.
    public let stepCount: Int
    /// The names of `--build-arg` that no `ARG` of a needed stage or before the first `FROM` declares, sorted.
    public let unusedBuildArguments: [String]
    /// The values that `ARG NAME` without default takes up in a stage: global arguments and platform arguments.
    public let globalValues: [String: String]
    /// `SOURCE_DATE_EPOCH`, seconds since 1970: the latest time that anything carries which is built.
    public let sourceDateEpoch: Int64?
    /// Where that time is found, unless `SOURCE_DATE_EPOCH` is a number: a build finds it and plans again.
    public let sourceDateEpochSource: SourceDateEpoch.Source?
}
