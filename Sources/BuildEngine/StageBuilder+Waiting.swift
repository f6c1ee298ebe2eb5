import BuildPlanning
import DockerfileSyntax
import Reporting

/// Waiting for other steps, which is no work.
extension StageBuilder {
    /// Waits for the stages that a step takes files from, before it begins.
    func waitForSources(of step: PlannedStep) async throws {
        var seen: Set<Int> = []
        let indices = ([step.copySource] + step.mountSources).compactMap(\.stage).filter { seen.insert($0).inserted }
        let missing = indices.filter { !(results.knownFiles($0)?.isSettled ?? false) }
        guard !missing.isEmpty else { return }
        StageBuilder.tellWaiting(event, place, for: missing, run)
        for index in missing { await (try results.files(index)).settle() }
    }

    static func tellWaiting(
        _ event: BuildEvent.Step,
        _ place: BuildRecorder.Place,
        for stages: [Int],
        _ run: BuildRun
    ) {
        let names = stages.map { run.plan.dockerfile.stages[$0].name ?? String($0) }
        run.recorder.waits(place, for: names)
        run.builder.emit(.waiting(event, for: names))
    }

    /// Does the work of a step when not too many others are at work.
    func whenSlotIsFree<Result>(_ body: () async throws -> Result) async throws -> Result {
        try await run.slots.run { isWaiting in
            if isWaiting {
                run.recorder.waits(place, for: [])
                builder.emit(.waiting(event, for: []))
            } else {
                clock.start()
                run.recorder.started(place)
                builder.emit(.resumed(event))
            }
        } _: {
            try await body()
        }
    }
}
