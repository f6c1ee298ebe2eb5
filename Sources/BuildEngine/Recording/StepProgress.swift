import BuildCache
import BuildPlanning
import DockerfileSyntax
import FileSystem
import Reporting
import Synchronization

/// A step by the positions of its stage and in it.
struct StepIndex: Hashable {
    let stage: Int
    /// 0 for `FROM`.
    let step: Int
}

/// One step while it is executed: tells the user and the record what becomes of it.
final class StepProgress: Sendable {
    let session: BuildSession
    let index: StepIndex
    let event: BuildEvent.Step
    /// Since when the step works, which is not when it began to wait, and what it was looked up by.
    private let state = Mutex<(began: Int64, key: StepKey?)>((WallClock.now, nil))

    init(
        _ instruction: Instruction,
        number: Int,
        at position: Int,
        of stage: PlannedStage,
        _ session: BuildSession
    ) {
        self.session = session
        index = StepIndex(stage: stage.index, step: position)
        event = BuildEvent.Step(
            stage: stage.index,
            stageName: stage.name ?? String(stage.index),
            number: number,
            total: session.plan.stepCount,
            text: instruction.text
        )
    }

    /// What the step was looked up by, once that is known.
    var key: StepKey? {
        get { state.withLock { $0.key } }
        set { state.withLock { $0.key = newValue } }
    }

    /// How long it has worked.
    var seconds: Double { WallClock.seconds(since: state.withLock { $0.began }) }

    func emit(_ event: BuildEvent) { session.builder.emit(event) }

    /// Tells that the step works from now on.
    func begins() {
        state.withLock { $0.began = WallClock.now }
        session.recorder.started(index)
    }

    /// Tells that the step waits for stages; for none, that it waits for its turn.
    func waits(for stages: [Int] = []) {
        let names = stages.map { session.plan.dockerfile.stages[$0].name ?? String($0) }
        session.recorder.waits(index, for: names)
        emit(.waiting(event, for: names))
    }

    /// Does the work of the step when not too many others are at work.
    func whenSlotIsFree<Result>(_ body: () async throws -> Result) async throws -> Result {
        try await session.slots.run { isWaiting in
            if isWaiting {
                waits()
            } else {
                begins()
                emit(.resumed(event))
            }
        } _: {
            try await body()
        }
    }
}
