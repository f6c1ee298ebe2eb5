import BuildPlanning
import DockerfileSyntax
import Layers
import Synchronization

/// Begins to fetch the base images that are going to be read once a step has no earlier result: those of its own stage and
/// of the stages that take files from it.
final class MissForecast: Sendable {
    private let bases: BaseResolution.Bases
    private let fetches: Fetches
    private let store: LayerStore
    private let stages: [Int: PlannedStage]
    /// The stages that need anything of a stage, by its index.
    private let dependents: [Int: [Int]]
    private let isAnythingElsewhere: Bool
    /// Whether others may tell what is in layers.
    private let mayBringIndexes: Bool
    private let seen = Mutex<Set<Int>>([])

    init(_ bases: BaseResolution.Bases, _ fetches: Fetches, _ store: LayerStore, mayBringIndexes: Bool) {
        self.mayBringIndexes = mayBringIndexes
        self.bases = bases
        self.fetches = fetches
        self.store = store
        isAnythingElsewhere = bases.layers.values.joined().contains(where: \.isRemote)
        guard isAnythingElsewhere else {
            (stages, dependents) = ([:], [:])
            return
        }
        stages = Dictionary(uniqueKeysWithValues: bases.stages.map { ($0.index, $0) })
        var dependents: [Int: [Int]] = [:]
        for stage in bases.stages {
            for needed in stage.dependencies.union(bases.triggerDependencies[stage.index] ?? []) {
                dependents[needed, default: []].append(stage.index)
            }
        }
        self.dependents = dependents
    }

    /// - Parameter below: The files that the step works on.
    func missed(_ step: PlannedStep, of stage: PlannedStage, on below: StageFiles) {
        if stage.steps.contains(where: { $0.number >= step.number && $0.isRun }) { fetches.begin(below.layers) }
        guard isAnythingElsewhere else { return }
        var waiting = [stage.index]
        while let index = waiting.popLast() {
            guard seen.withLock({ $0.insert(index).inserted }) else { continue }
            if index != stage.index, let other = stages[index] { begin(other) }
            waiting += dependents[index] ?? []
        }
    }

    private func begin(_ stage: PlannedStage) {
        guard case .image(let source) = stage.base, let layers = bases.layers[source] else { return }
        // Without a process it is enough to know what is where.
        if !stage.steps.contains(where: \.isRun),
            mayBringIndexes || layers.allSatisfy({ $0.promised.map { store.knownIndex(of: $0) != nil } ?? false })
        {
            return
        }
        fetches.begin(layers)
    }
}

extension PlannedStep {
    fileprivate var isRun: Bool { if case .run = instruction.kind { true } else { false } }
}
