import Reporting
import Synchronization

/// Collects what the look-ups of a build tell.
final class CacheCheck: Sendable {
    struct Step {
        let step: BuildEvent.Step
        let outcome: BuildEvent.Outcome
        let explanation: StepExplanation?
        let hasOtherStages: Bool

        var isCached: Bool { outcome == .cached || outcome == .base }

        var lines: StepLines {
            StepLines(
                stage: hasOtherStages ? step.stageName : nil,
                number: step.number,
                total: step.total,
                text: step.text,
                state: outcome.rawValue,
                explanation: explanation
            )
        }
    }

    struct Document: Encodable {
        private let steps: [BuildDocument.Step]
        /// Whether all of them are in the cache.
        private let isCached: Bool

        init(_ found: [Step]) {
            isCached = found.allSatisfy(\.isCached)
            steps = found.map {
                BuildDocument.Step(
                    stage: $0.step.stageName,
                    step: $0.step.number,
                    line: nil,
                    instruction: $0.step.text,
                    result: $0.outcome.rawValue,
                    reasons: $0.explanation.map { $0.reasons.map(ReasonDocument.init) }
                )
            }
        }

        private enum CodingKeys: String, CodingKey {
            case steps
            case isCached = "cached"
        }
    }

    private struct State {
        var finished: [(BuildEvent.Step, BuildEvent.Outcome)] = []
        var explanations: [BuildEvent.Step: StepExplanation] = [:]
    }

    private let state = Mutex(State())

    func take(_ event: BuildEvent) {
        state.withLock { state in
            switch event {
            case .finished(let step, let outcome, _, _): state.finished.append((step, outcome))
            case .explained(let step, let explanation): state.explanations[step] = explanation
            default: break
            }
        }
    }

    /// In the order of the file; steps of one stage come in their order.
    var steps: [Step] {
        state.withLock { state in
            let hasOtherStages = Set(state.finished.map(\.0.stage)).count > 1
            return state.finished.enumerated().sorted {
                ($0.element.0.stage, $0.offset) < ($1.element.0.stage, $1.offset)
            }.map {
                let (step, outcome) = $0.element
                return Step(
                    step: step,
                    outcome: outcome,
                    explanation: state.explanations[step],
                    hasOtherStages: hasOtherStages
                )
            }
        }
    }
}
