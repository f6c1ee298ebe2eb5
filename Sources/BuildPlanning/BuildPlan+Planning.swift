public import DockerfileSyntax
import OCI
public import Reporting

extension BuildPlan {
    /// Plans the build of a Dockerfile.
    ///
    /// - Throws: the errors of all needed stages together.
    public init(_ dockerfile: Dockerfile, options: PlanOptions = PlanOptions()) throws(DiagnosticsError) {
        let scope = GlobalScope(dockerfile, options: options)
        let planner = StagePlanner(dockerfile, scope: scope)
        var errors = scope.errors
        let targetIndex: Int
        do {
            targetIndex = try Self.target(options.target, in: dockerfile)
        } catch {
            throw DiagnosticsError(source: dockerfile.source, diagnostics: errors + [error])
        }
        let needed = Self.reachable(from: targetIndex, planner.dependencies)
        for index in needed.sorted() { errors += planner.errors[index] ?? [] }
        guard errors.isEmpty else { throw DiagnosticsError(source: dockerfile.source, diagnostics: errors) }
        guard let plan = BuildPlan(planner, target: targetIndex, needed: needed) else {
            throw DiagnosticsError(source: dockerfile.source, diagnostics: [Diagnostic("no stage to build", at: nil)])
        }
        self = plan
    }

    /// Plans all stages that can be planned, to check a file without building it.
    ///
    /// - Returns: no plan where no stage can be planned, and the errors of all stages.
    public static func ofAllStages(
        _ dockerfile: Dockerfile,
        options: PlanOptions = PlanOptions()
    ) -> (plan: BuildPlan?, errors: [Diagnostic]) {
        let scope = GlobalScope(dockerfile, options: options)
        let planner = StagePlanner(dockerfile, scope: scope)
        let needed = Set(planner.planned.keys)
        let plan = needed.max().flatMap { BuildPlan(planner, target: $0, needed: needed) }
        return (plan, scope.errors + planner.errors.values.joined())
    }

    private init?(_ planner: StagePlanner, target: Int, needed: Set<Int>) {
        var all = planner.planned
        var stages: [PlannedStage] = []
        var count = 0
        for index in needed.sorted() {
            guard let stage = all[index] else { continue }
            let numbered = stage.numbered(after: &count)
            all[index] = numbered
            stages.append(numbered)
        }
        guard let target = all[target] else { return nil }
        self.init(
            dockerfile: planner.dockerfile,
            options: planner.scope.options,
            stages: stages,
            allStages: all,
            target: target,
            stepCount: count,
            unusedBuildArguments: Self.unused(planner.scope, stages),
            globalValues: planner.scope.values,
            sourceDateEpoch: planner.scope.sourceDateEpoch,
            sourceDateEpochSource: planner.scope.sourceDateEpochSource
        )
    }

    private static func target(_ name: String?, in dockerfile: Dockerfile) throws(Diagnostic) -> Int {
        guard let name else { return max(0, dockerfile.stages.count - 1) }
        if let stage = dockerfile.stages.last(where: { $0.name == name.lowercased() }) { return stage.index }
        let names = dockerfile.stages.compactMap(\.name)
        let suggestion = SpellingSuggestion.closest(to: name, in: names).map { ", did you mean `\($0)`?" } ?? ""
        throw Diagnostic(
            "there is no stage `\(name)`\(suggestion)",
            at: nil,
            hints: names.isEmpty
                ? ["no stage of the file has a name"]
                : ["the stages are \(names.map { "`\($0)`" }.joined(separator: ", "))"]
        )
    }

    private static func reachable(from target: Int, _ dependencies: [Int: Set<Int>]) -> Set<Int> {
        var reached: Set<Int> = [target]
        var pending = [target]
        while let index = pending.popLast() {
            for next in dependencies[index] ?? [] where reached.insert(next).inserted { pending.append(next) }
        }
        return reached
    }

    /// Arguments that work without being declared.
    private static func isPredefined(_ name: String) -> Bool {
        name.hasPrefix("BUILDKIT_") || name == "SOURCE_DATE_EPOCH" || ProxyVariables.names.contains(name.uppercased())
    }

    private static func unused(_ scope: GlobalScope, _ stages: [PlannedStage]) -> [String] {
        var declared = scope.declared
        for stage in stages {
            for step in stage.steps {
                guard case .arg(let arguments) = step.instruction.kind else { continue }
                declared.formUnion(arguments.declarations.map(\.name.text))
            }
        }
        return scope.options.buildArguments.keys
            .filter { !declared.contains($0) && scope.values[$0] == nil && !isPredefined($0) }.sorted()
    }

    /// Parses the triggers stored in the configuration of a stage's base.
    ///
    /// - Parameter stored: The `onBuild` of the image or of the end state of the stage that it starts from.
    /// - Throws: errors that point at the `FROM` line.
    public func triggers(of stage: PlannedStage, stored: [String]) throws(DiagnosticsError) -> PlannedTriggers {
        var place = stage.from.range
        var baseName = "base"
        if case .from(let from) = stage.from.kind {
            place = from.base.range
            baseName = from.base.text
        }
        let origin = TriggerOrigin(source: dockerfile.source, range: place)
        let resolver = SourceResolver(
            dockerfile: dockerfile,
            index: stage.index,
            platform: stage.platform,
            namedContexts: options.namedContexts
        )
        var steps: [PlannedStep] = []
        var sources = SourceSet()
        for text in stored {
            let source = SourceText(name: "ONBUILD of \(baseName)", text: text)
            do {
                for instruction in try Dockerfile.parseTrigger(source) {
                    let step = try resolver.triggerStep(instruction, in: source, of: origin)
                    sources.insert(step)
                    steps.append(step)
                }
            } catch {
                throw origin.error(error.diagnostics, trigger: text)
            }
        }
        return PlannedTriggers(steps: steps, dependencies: sources.stages, images: sources.images)
    }
}

extension SourceResolver {
    fileprivate func triggerStep(
        _ instruction: Instruction,
        in source: SourceText,
        of origin: TriggerOrigin
    ) throws(DiagnosticsError) -> PlannedStep {
        do {
            return try step(instruction, in: source, trigger: origin)
        } catch {
            // Its notes point into the Dockerfile, its range into the trigger: only the message is right in both.
            throw DiagnosticsError(source: source, diagnostics: [Diagnostic(error.message, at: nil)])
        }
    }
}

extension TriggerOrigin {
    /// Errors in a trigger, shown at the `FROM` line that made it run.
    public func error(_ diagnostics: [Diagnostic], trigger: String) -> DiagnosticsError {
        DiagnosticsError(
            source: source,
            diagnostics: diagnostics.map {
                Diagnostic(
                    $0.message,
                    at: range,
                    label: "in an ONBUILD trigger of this base",
                    hints: ["the trigger is `\(trigger)`"] + $0.hints
                )
            }
        )
    }
}

extension PlannedStage {
    fileprivate func numbered(after count: inout Int) -> PlannedStage {
        var stage = self
        stage.stepNumber = count + 1
        stage.steps = steps.enumerated().map { offset, step in step.numbered(stage.stepNumber + 1 + offset) }
        count += 1 + steps.count
        return stage
    }
}
