import BuildCache
import BuildPlanning
import BuildRecords
import DockerfileSyntax
import Reporting

/// Files are needed of a step or an image that is not there, in a run that makes and fetches nothing.
struct MissingDependency: Error {
    /// Where they would come from.
    let reason: StepExplanation.Reason
}

extension MissingDependency {
    init(on stage: PlannedStage) { reason = .filesNotMade(stage: stage.name ?? String(stage.index)) }
}

extension StageLayer {
    /// In place of a layer that is not made; what needs it gets `MissingDependency`.
    static func missing(in stage: PlannedStage) -> StageLayer {
        let layer = StageLayer(of: nil)
        layer.finish(.failure(MissingDependency(on: stage)))
        return layer
    }
}

extension StepProgress {
    /// Tells why there is no earlier result, where that is asked for.
    func explain(_ reason: StepExplanation.Reason) {
        if session.request.explainsMisses { emit(.explained(event, StepExplanation([reason]))) }
    }
}

extension StepContext {
    /// Tells why the step has no earlier result, where that is asked for.
    ///
    /// - Parameter files: Tells what will be in its layer.
    /// - Returns: The outcome of a step that must not be made; `nil` where it must be made now.
    /// - Throws: `BuildError.notCached` where that ends the build.
    func handleMiss(_ files: () async -> PlannedFiles? = { nil }) async throws -> BuildEvent.Outcome? {
        guard let explainer = session.explainer else { return nil }
        await session.considerSharedBuild(in: explainer)
        let (request, index, key) = (session.request, progress.index, progress.key)
        var record = session.recorder.record
        record.stages[index.stage].steps[index.step].key = key?.digest
        let planned = await files()
        let subject = MissExplainer.Subject(record, stage: index.stage, step: index.step, inputs: key?.inputs) {
            planned
        }
        if let shared = builder.shared, let layer = explainer.unknownLayer(for: subject) {
            await shared.bringIndexes(of: [layer.diffID])
        }
        let explanation = explainer.explain(subject)
        if request.explainsMisses { progress.emit(.explained(event, explanation)) }
        switch request.onMiss {
        case .make: return nil
        case .report: return .missed
        case .refuse:
            throw BuildError.notCached(
                BuildError.NotCached(
                    source: step.source,
                    range: step.instruction.range,
                    step: event,
                    explanation: explanation
                )
            )
        }
    }
}
