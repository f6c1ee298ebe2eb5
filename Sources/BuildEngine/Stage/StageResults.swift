import BuildPlanning
import Synchronization

/// What the stages of a build came to, for those that build on them, and no longer than that.
///
/// A state holds all that its stage and those below it have set: kept for all stages of a long chain they would take the
/// square of its length.
final class StageResults: Sendable {
    private struct Uses {
        /// Stages that start from this one and have not taken its result yet.
        var bases = 0
        /// Stages that need anything of this one and are not complete.
        var dependents = 0
    }

    private let results: [Int: Promise<StageResult>]
    private let files: [Int: Promise<StageFiles>]
    private let uses: Mutex<[Int: Uses]>
    private let dependencies: [Int: Set<Int>]
    private let target: Int

    /// - Parameter triggerDependencies: The stages that the triggers of base images need, by the index of the stage.
    init(_ stages: [PlannedStage], triggerDependencies: [Int: Set<Int>], target: Int) {
        let indices = stages.map(\.index)
        results = Dictionary(uniqueKeysWithValues: indices.map { ($0, Promise()) })
        files = Dictionary(uniqueKeysWithValues: indices.map { ($0, Promise()) })
        dependencies = Dictionary(
            uniqueKeysWithValues: stages.map {
                ($0.index, $0.dependencies.union(triggerDependencies[$0.index] ?? []))
            }
        )
        self.target = target
        var uses: [Int: Uses] = [:]
        for stage in stages {
            if let base = stage.base.stage { uses[base, default: Uses()].bases += 1 }
            for index in dependencies[stage.index] ?? [] { uses[index, default: Uses()].dependents += 1 }
        }
        self.uses = Mutex(uses)
    }

    /// Gives the result of a stage as soon as others can build on it; only the first one counts.
    func fulfil(_ index: Int, _ result: Result<StageResult, any Error>) {
        let uses = uses.withLock { $0[index] ?? Uses() }
        if index == target || uses.bases > 0 { results[index]?.fulfil(result) }
        if uses.dependents > 0 { files[index]?.fulfil(result.map(\.files)) }
    }

    /// Releases what only a stage that is complete now needed.
    func completed(_ index: Int) {
        for dependency in dependencies[index] ?? [] {
            let isLast = uses.withLock { uses in
                uses[dependency]?.dependents -= 1
                return uses[dependency]?.dependents == 0
            }
            if isLast { files[dependency]?.release() }
        }
    }

    /// Whether nothing need be waited for to start from a stage.
    func isBaseReady(_ index: Int) -> Bool { results[index]?.isDone ?? true }

    /// The result of a stage that another one starts from, which asks for it once.
    func base(_ index: Int) async throws -> StageResult {
        let result = try await promise(results, index).value
        let isLast = uses.withLock { uses in
            uses[index]?.bases -= 1
            return uses[index]?.bases == 0
        }
        if isLast, index != target { results[index]?.release() }
        return result
    }

    /// The result of the target.
    var ofTarget: StageResult { get async throws { try await promise(results, target).value } }

    /// What is known of a stage's files so far; `nil` where the stage is not complete.
    func knownFiles(_ index: Int) -> StageFiles? { files[index]?.fulfilled }

    /// The files of a stage, of which the last ones may still be in the making.
    func files(_ index: Int) async throws -> StageFiles { try await promise(files, index).value }

    private func promise<Value>(_ promises: [Int: Promise<Value>], _ index: Int) -> Promise<Value> {
        guard let promise = promises[index] else { preconditionFailure("a plan refers to stages that it has") }
        return promise
    }
}
