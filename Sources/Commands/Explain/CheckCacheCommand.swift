import ArgumentParser
import Glibc
import OCI
import Reporting
import Synchronization

/// `swiftbuild check-cache`: what a build would find in the cache, without building.
struct CheckCacheCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check-cache",
        abstract: "Tell which steps of a build are in the cache, and make nothing.",
        discussion: """
            Takes the options of `build`. No step is made, no image is pulled, and nothing is written to the store but what
            has to be fetched to be looked up: contexts and sources of ADD from elsewhere, and with --cache-from what a base
            image is. What a stage would copy out of
            another one that has to be made is not known, and neither are the steps above it.

            With --expect-cached the exit code is 4 when a step is not in the cache.
            """
    )

    @OptionGroup var build: BuildCommand

    @Option(name: .customLong("format"), help: "How it is printed.")
    var format = ExplanationFormat.text

    func run() async throws {
        let options = build.options
        let found = CacheCheck()
        do {
            try await Signals.cancelling {
                // What others say of a step or a base has to be put somewhere.
                let images =
                    try options.cacheSources.isEmpty
                    ? GlobalOptions.images(lookingAt: options.root) : GlobalOptions.images(root: options.root)
                try await PreparedBuild(options, images).look { found.take($0) }
            }
        } catch {
            throw CommandFailure(registry: error)
        }
        let steps = found.steps
        switch format {
        case .json:
            try Terminal.print(json: CacheCheck.Document(steps))
        case .text:
            for line in steps.flatMap(\.lines.lines) { Terminal.print(line) }
        }
        if options.expectsCached, !steps.allSatisfy(\.isCached) { throw CommandFailure(exitCode: ExitStatus.notCached) }
    }
}

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
