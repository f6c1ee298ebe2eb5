import BuildCache
import BuildPlanning
import BuildRecords
import ContentStore
import DockerfileSyntax
import FileSystem
import Glibc
import Layers
import OCI
import Reporting

/// Executes the steps of one stage in order.
struct StageBuilder {
    let run: BuildRun
    let stage: PlannedStage
    let bases: BaseResolution.Bases
    /// What the stages come to, this one among them.
    let results: StageResults
    /// The triggers of the base, then the stage's own steps.
    private let steps: [PlannedStep]
    /// Whether results of earlier builds are taken.
    let usesCache: Bool
    var result: StageResult
    /// The step that goes on.
    var place: BuildRecorder.Place
    var event: BuildEvent.Step
    /// What it was looked up by, once that is known.
    var key: StepKey?
    /// Whether it is no step of its own that goes on, but the files of a mount are put into a layer.
    var isMount = false
    /// Since when the step works.
    let clock = StepClock()

    var builder: Builder { run.builder }

    init(
        _ run: BuildRun,
        _ stage: PlannedStage,
        _ bases: BaseResolution.Bases,
        _ results: StageResults
    ) async throws {
        self.run = run
        self.stage = stage
        self.bases = bases
        self.results = results
        let declared = run.plan.dockerfile.stages[stage.index]
        usesCache = run.request.usesCache && !run.request.uncachedStages.contains(where: declared.isCalled)
        var triggers: [PlannedStep] = []
        event = StageBuilder.event(stage.from, number: stage.stepNumber, stage, run)
        place = BuildRecorder.Place(stage: stage.index, step: 0)
        var parent: StageResult?
        if let index = stage.base.stage {
            if !results.isBaseReady(index) { StageBuilder.tellWaiting(event, place, for: [index], run) }
            parent = try await results.base(index)
        }
        run.builder.emit(.started(event))
        var inputs: [NamedInput] = []
        switch stage.base {
        case .scratch:
            let key = StepKey([NamedInput("base", "scratch")])
            inputs = key.inputs
            result = StageResult(state: StageState(stage: stage, plan: run.plan, base: nil), key: key.digest)
            result.created = run.epoch
        case .image(let reference, let platform):
            let source = ImageSource(reference: reference, platform: platform)
            if bases.missing.contains(source) {
                let nothing = StepKey([NamedInput("base", "scratch")])
                result = StageResult(state: StageState(stage: stage, plan: run.plan, base: nil), key: nothing.digest)
                result.isUnknown = true
                let reason = StepExplanation.Reason.imageMissing(reference.familiar)
                run.builder.emit(.explained(event, StepExplanation([reason])))
                break
            }
            guard let image = bases.images[source], let layers = bases.layers[source] else {
                preconditionFailure("every base was resolved before")
            }
            let key = StageBuilder.baseKey(image)
            result = StageResult(
                state: StageState(stage: stage, plan: run.plan, base: image.configuration),
                key: key.digest
            )
            inputs = key.inputs + [NamedInput("image", "\(image.id)")]
            result.history = image.configuration.historyOfLayers
            result.layers = layers
            result.created = run.epoch ?? image.configuration.created
            result.shownID = image.id.short
            triggers = bases.triggers[stage.index]?.steps ?? []
        case .stage(let index):
            guard let parent else { preconditionFailure("it was waited for") }
            inputs = [NamedInput("stage", String(index))]
            result = parent
            result.state = StageState(stage: stage, plan: run.plan, parent: parent.state)
            triggers = try StageBuilder.triggers(
                of: stage,
                stored: parent.state.configuration.config.onBuild ?? [],
                run.plan
            )
        }
        steps = triggers + stage.steps
        // A stage of nothing but FROM is complete with it.
        result.unfinished = nil
        run.recorder.begin(stage, planned: steps, usesCache: usesCache)
        if !result.isUnknown { run.recorder.began(place, key: result.key, inputs: inputs) }
        run.builder.emit(.finished(event, result.isUnknown ? .unknown : .base, id: result.shownID, seconds: 0))
    }

    /// Two images with the same files are the same base: what else counts of one is in the keys of the steps.
    static func baseKey(_ image: BaseImage) -> StepKey {
        let chain = ChainID(image.configuration.rootfs.diffIDs, sha256: { SHA256Hasher.digest(of: $0) })
        return StepKey([NamedInput("base", chain.map { $0.digest.description } ?? "scratch")])
    }

    /// Executes everything, gives the result as soon as later stages can use it, and then waits for its layers.
    mutating func build() async throws {
        var builder = self
        try await withThrowingTaskGroup(of: Void.self) { captures in
            for (position, step) in builder.steps.enumerated() {
                try Task.checkCancellation()
                try await builder.execute(step, at: position, isLast: position == builder.steps.count - 1, &captures)
            }
            results.fulfil(stage.index, .success(builder.result))
            try await captures.waitForAll()
        }
    }

    /// The triggers that an earlier stage of the file has stored with `ONBUILD`.
    private static func triggers(of stage: PlannedStage, stored: [String], _ plan: BuildPlan) throws -> [PlannedStep] {
        guard !stored.isEmpty else { return [] }
        return try BuildError.inDockerfile { () throws(DiagnosticsError) in
            try plan.triggers(of: stage, stored: stored).steps
        }
    }

    static func event(_ instruction: Instruction, number: Int, _ stage: PlannedStage, _ run: BuildRun)
        -> BuildEvent.Step
    {
        BuildEvent.Step(
            stage: stage.index,
            stageName: stage.name ?? String(stage.index),
            number: number,
            total: run.plan.stepCount,
            text: instruction.text
        )
    }
}
