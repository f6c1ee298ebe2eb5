import BuildCache
import BuildPlanning
import BuildRecords
import DockerfileSyntax
import Reporting

/// Files are needed of a step or an image that is not there, in a run that makes and fetches nothing.
struct FilesNotMade: Error {
    /// Where they would come from.
    let reason: StepExplanation.Reason
}

extension StageLayer {
    /// In place of a layer that is not made; whoever needs it gets `FilesNotMade`.
    static func missing(in stage: PlannedStage) -> StageLayer {
        let layer = StageLayer(of: nil)
        let name = stage.name ?? String(stage.index)
        layer.finish(.failure(FilesNotMade(reason: .filesNotMade(stage: name))))
        return layer
    }
}

extension StageBuilder {
    /// Tells why the step that goes on has no earlier result, where somebody wants to know.
    ///
    /// - Parameter files: Tells what will be in its layer.
    /// - Returns: The outcome of a step that is not to be made; `nil` where it is to be made now.
    /// - Throws: `BuildError.notCached` where that ends the build.
    func missed(_ step: PlannedStep, _ files: () async -> PlannedFiles? = { nil }) async throws
        -> BuildEvent.Outcome?
    {
        guard let explainer = run.explainer else { return nil }
        let request = run.request
        guard !isMount else { return request.onMiss == .make ? nil : .missed }
        var record = run.recorder.record
        record.stages[place.stage].steps[place.step].key = key?.digest
        let planned = await files()
        let explanation = explainer.explain(
            MissExplainer.Subject(record, stage: place.stage, step: place.step, inputs: key?.inputs) { planned }
        )
        if request.explainsMisses { builder.emit(.explained(event, explanation)) }
        switch request.onMiss {
        case .make: return nil
        case .pass: return .missed
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

    /// Does the work of a step, unless it needs files of one that was not made.
    mutating func passing(
        _ step: PlannedStep,
        _ body: (inout StageBuilder) async throws -> BuildEvent.Outcome
    ) async throws -> BuildEvent.Outcome {
        var needed: FilesNotMade?
        if !result.isUnknown {
            do {
                return try await body(&self)
            } catch let error as FilesNotMade {
                needed = error
            }
        }
        result.isUnknown = true
        if run.request.explainsMisses {
            let own = StepExplanation.Reason.filesNotMade(stage: stage.name ?? String(stage.index))
            let reason = needed.flatMap { $0.reason == own ? nil : $0.reason } ?? .filesNotMade(stage: nil)
            builder.emit(.explained(event, StepExplanation([reason])))
        }
        return .unknown
    }
}
