internal import Formatting
public import OCI
public import Reporting
internal import Synchronization

/// Collects what the look-ups of a build tell.
public final class CacheCheck: Sendable {
    public struct Step: Sendable {
        public let step: BuildEvent.Step
        public let outcome: BuildEvent.Outcome
        public let explanation: StepExplanation?
        /// Whether steps of other stages were looked up too.
        public let hasOtherStages: Bool

        public var isCached: Bool { outcome == .cached || outcome == .base }
    }

    /// The steps as JSON, and whether all of them are in the cache.
    public static func document(_ found: [Step]) -> JSONValue {
        let steps = found.map { found -> JSONValue in
            .members([
                "stage": .string(found.step.stageName), "step": .number(of: found.step.number),
                "instruction": .string(found.step.text), "result": .string(found.outcome.rawValue),
                "reasons": found.explanation.map { .list($0.documents) },
            ])
        }
        return .object(["steps": .list(steps), "cached": .boolean(found.allSatisfy(\.isCached))])
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
