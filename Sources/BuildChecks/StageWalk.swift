import BuildPlanning
import DockerfileSyntax
import OCI
import Reporting

/// Resolves the instructions of stages as a build does, without doing anything.
struct StageWalk {
    /// By stage index, then by the position in the stage; `nil` for an instruction with an error.
    private(set) var resolved: [Int: [CheckedInstruction.Resolved?]] = [:]
    private(set) var bases: [Int: ImageConfiguration] = [:]
    private(set) var errors: [Diagnostic] = []
    /// What resolving found doubtful.
    private(set) var warnings: [Diagnostic] = []

    private let plan: BuildPlan
    private let baseImage: (ImageSource) -> ImageConfiguration?
    private var ends: [Int: (state: StageState, knowsBase: Bool)] = [:]

    init(_ plan: BuildPlan, baseImage: @escaping (ImageSource) -> ImageConfiguration?) {
        self.plan = plan
        self.baseImage = baseImage
        // Each state holds all that its stages have set: kept for all of a long chain they would take the square of it.
        let lastUses = Dictionary(
            plan.stages.compactMap { stage in stage.base.stage.map { ($0, stage.index) } },
            uniquingKeysWith: max
        )
        for stage in plan.stages {
            walk(stage)
            if let base = stage.base.stage, lastUses[base] == stage.index { ends[base] = nil }
            if lastUses[stage.index] == nil { ends[stage.index] = nil }
        }
    }

    private mutating func walk(_ stage: PlannedStage) {
        var parent: StageState?
        var knowsBase = true
        switch stage.base {
        case .scratch: break
        case .image(let source):
            bases[stage.index] = baseImage(source)
            knowsBase = bases[stage.index] != nil
        case .stage(let index):
            // One with errors has no end; they are reported there.
            guard let end = ends[index] else { return }
            (parent, knowsBase) = (end.state, end.knowsBase)
        }
        let start = StageStart(of: stage, in: plan, image: bases[stage.index], parent: parent)
        var state = start.state
        do {
            for step in try start.triggers.steps { _ = try state.resolve(step) }
        } catch {
            errors += error.diagnostics
        }
        for step in stage.steps {
            var found: CheckedInstruction.Resolved?
            do {
                let resolvedStep = try state.resolve(step)
                warnings += resolvedStep.warnings
                found = CheckedInstruction.Resolved(
                    words: words(step.instruction, resolvedStep, state),
                    unsetVariables: resolvedStep.unsetVariables,
                    hasOwnShell: !(state.configuration.config.shell ?? []).isEmpty,
                    knowsBase: knowsBase
                )
            } catch {
                // The next step may be wrong too, and its user wants to know both.
                errors += error.diagnostics
            }
            // The file does not say what a named context puts in the place of a base.
            if step.trigger == nil { resolved[stage.index, default: []].append(found) }
        }
        ends[stage.index] = (state, knowsBase)
    }

    /// The words that rules need expanded; none of these instructions changes what its own words see.
    private func words(_ instruction: Instruction, _ step: ResolvedStep, _ state: StageState) -> [Word] {
        let expander = WordExpander(escape: state.escape) { state.value(of: $0) }
        func expanded(_ word: Word) -> [Word] {
            ((try? expander.expand(word))?.text).map { [Word($0, at: word.range)] } ?? []
        }
        switch instruction.kind {
        case .workdir(let path): return expanded(path)
        case .env(let env): return env.assignments.flatMap { expanded($0.name) }
        case .arg(let arg): return arg.declarations.flatMap { expanded($0.name) }
        case .expose(let ports):
            return ports.flatMap { port in
                ((try? expander.expand(port))?.words ?? []).map { Word($0, at: port.range) }
            }
        case .copy:
            guard case .copy(let copy) = step.action, copy.from == .context else { return [] }
            return copy.sources.filter { $0.kind == .path }.map { Word($0.text, at: $0.range) }
        default: return []
        }
    }
}
