import BuildCache
import BuildContext
import BuildPlanning
import BuildRecords
import DockerfileSyntax
import FileSystem
import Layers
import OCI
import Reporting
import Sandbox
import Synchronization
import SystemPackage

/// Records the outcome of each step of a build.
final class BuildRecorder: Sendable {
    private struct State {
        var record: BuildRecord
        /// Of steps that made one or found one; it may still be in the making.
        var layers: [StepIndex: StageLayer] = [:]
    }

    private let began = WallClock.now
    private let state: Mutex<State>

    init(_ request: BuildRequest, _ plan: BuildPlan) {
        let source = plan.dockerfile.source
        let needed = Dictionary(plan.stages.map { ($0.index, $0) }) { first, _ in first }
        let stages = plan.dockerfile.stages.map { stage in
            let result: BuildRecord.Step.Result = needed[stage.index] == nil ? .skipped : .notRun
            let numbers = needed[stage.index].map { planned in
                [planned.stepNumber] + planned.steps.suffix(stage.instructions.count).map(\.number)
            }
            return BuildRecord.Stage(
                name: stage.name,
                steps: ([stage.instruction] + stage.instructions).enumerated().map { position, instruction in
                    BuildRecord.Step(
                        number: numbers?[position] ?? 0,
                        line: source.line(at: instruction.range.start),
                        text: CredentialMask.masked(instruction.text),
                        result: result
                    )
                }
            )
        }
        var record = BuildRecord(
            id: BuildRecord.ID(nanoseconds: began),
            dockerfile: request.dockerfileName ?? source.name,
            context: request.contextName ?? request.context.map { $0.path.string },
            platform: plan.options.targetPlatform,
            stages: stages
        )
        record.target = plan.options.target
        record.tags = request.tags.map(\.description)
        state = Mutex(State(record: record))
    }

    /// Puts what a stage does before its own instructions behind its `FROM`, the triggers of its base or the copy of a
    /// directory in its place, and makes a stage needed that only they need.
    ///
    /// - Parameter planned: All that the stage does.
    func begin(_ stage: PlannedStage, planned: [PlannedStep], usesCache: Bool) {
        state.withLock { state in
            var steps = state.record.stages[stage.index].steps
            for position in steps.indices { steps[position].result = .notRun }
            let line = steps[0].line
            steps.insert(
                contentsOf: planned.dropLast(steps.count - 1).map {
                    let text = CredentialMask.masked($0.instruction.text)
                    return BuildRecord.Step(number: $0.number, line: line, text: text, result: .notRun)
                },
                at: 1
            )
            state.record.stages[stage.index].steps = steps
            state.record.stages[stage.index].usesCache = usesCache
        }
    }

    /// Records that a step waits until it is started, or started anew.
    ///
    /// - Parameter stages: The names of those that it waits for; none where it waits for its turn.
    func waits(_ index: StepIndex, for stages: [String]) {
        let time = max(WallClock.now - began, 0)
        state.withLock { state in
            let known = state.record.stages[index.stage].steps[index.step].wait
            state.record.stages[index.stage].steps[index.step].wait = BuildRecord.Step.Wait(
                start: known?.start ?? time,
                stages: (known?.stages ?? []) + stages
            )
        }
    }

    /// Records how the processes of the build are separated from the machine.
    func note(_ isolation: SandboxIsolation) { state.withLock { $0.record.isolation = isolation.rawValue } }

    func started(_ index: StepIndex) {
        let time = WallClock.now - began
        state.withLock { $0.record.stages[index.stage].steps[index.step].start = max(time, 0) }
    }

    /// Records that a `FROM` was found.
    func began(_ index: StepIndex, key: Digest, inputs: [NamedInput]) {
        started(index)
        end(index, .base, key, keyAbove: key, inputs)
    }

    /// Records how a step ended.
    ///
    /// - Parameter layer: The one that it put on top of the stage.
    func ended(
        _ index: StepIndex,
        _ outcome: BuildEvent.Outcome,
        _ key: StepKey?,
        keyAbove: Digest,
        layer: StageLayer?
    ) {
        switch outcome {
        case .base, .cached: end(index, .cached, key?.digest, keyAbove: keyAbove, layer: layer)
        case .ran: end(index, .ran, key?.digest, keyAbove: keyAbove, layer: layer)
        // The cache has no record of it.
        case .missed: end(index, .notRun, key?.digest, keyAbove: keyAbove, key?.inputs ?? [])
        case .unknown: break
        }
    }

    func failed(_ index: StepIndex, _ key: StepKey?, _ error: any Error) {
        let isRefused = if case BuildError.notCached = error { true } else { false }
        end(index, isRefused ? .refused : .failed, key?.digest, keyAbove: nil, key?.inputs ?? [])
    }

    private func end(
        _ index: StepIndex,
        _ result: BuildRecord.Step.Result,
        _ key: Digest?,
        keyAbove: Digest?,
        _ inputs: [NamedInput] = [],
        layer: StageLayer? = nil
    ) {
        let time = WallClock.now - began
        state.withLock { state in
            var step = state.record.stages[index.stage].steps[index.step]
            step.result = result
            step.end = max(time, step.start ?? 0)
            (step.key, step.keyAbove, step.inputs) = (key, keyAbove, inputs)
            state.record.stages[index.stage].steps[index.step] = step
            state.layers[index] = layer
        }
    }

    /// The record so far.
    var record: BuildRecord { state.withLock { $0.record } }

    /// The whole record; to be called when no step works any more.
    func finish(_ ending: BuildRecord.Ending, image: Digest?) async -> BuildRecord {
        let (taken, layers) = state.withLock { ($0.record, $0.layers) }
        var record = taken
        record.ending = ending
        record.image = image
        record.duration = max(WallClock.now - began, 0)
        for (index, layer) in layers {
            // One that nothing needed stays where it is.
            let known = layer.isRemote ? layer.promised : try? await layer.layer
            guard let layer = known else { continue }
            record.stages[index.stage].steps[index.step].layer = CacheRecord.LayerResult(
                diffID: layer.diffID,
                tarSize: layer.blob.size
            )
        }
        return record
    }
}
