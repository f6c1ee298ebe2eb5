import DockerfileSyntax
import OCI
import Reporting

/// Resolves the stages of a file one after the other.
struct StagePlanner {
    let dockerfile: Dockerfile
    let scope: GlobalScope
    private(set) var planned: [Int: PlannedStage] = [:]
    private(set) var errors: [Int: [Diagnostic]] = [:]
    /// What each stage needs, also where it has errors.
    private(set) var dependencies: [Int: Set<Int>] = [:]

    init(_ dockerfile: Dockerfile, scope: GlobalScope) {
        self.dockerfile = dockerfile
        self.scope = scope
        for stage in dockerfile.stages { plan(stage) }
    }

    private mutating func plan(_ stage: Dockerfile.Stage) {
        var found: [Diagnostic] = []
        var sources = SourceSet()
        var base = StageBase.scratch
        var platform = scope.options.targetPlatform
        do {
            (base, platform) = try self.base(of: stage)
        } catch {
            found.append(error)
        }
        let resolver = SourceResolver(dockerfile: dockerfile, index: stage.index, platform: platform)
        if case .stage(let parent) = base {
            sources.stages.insert(parent)
            found += addTriggers(of: dockerfile.stages[parent], to: &sources, resolver: resolver, stage: stage)
        }
        var steps: [PlannedStep] = []
        for instruction in stage.instructions {
            do {
                let (copy, mounts) = try resolver.sources(of: instruction)
                sources.insert(copy)
                for mount in mounts { sources.insert(mount) }
                steps.append(
                    PlannedStep(
                        instruction: instruction,
                        number: 0,
                        source: dockerfile.source,
                        trigger: nil,
                        copySource: copy,
                        mountSources: mounts
                    )
                )
            } catch {
                found.append(error)
            }
        }
        dependencies[stage.index] = sources.stages
        guard found.isEmpty else {
            errors[stage.index] = found
            return
        }
        planned[stage.index] = PlannedStage(
            index: stage.index,
            name: stage.name,
            from: stage.instruction,
            stepNumber: 0,
            base: base,
            platform: platform,
            steps: steps,
            dependencies: sources.stages,
            images: sources.images
        )
    }

    private func base(of stage: Dockerfile.Stage) throws(Diagnostic) -> (StageBase, Platform) {
        let word = stage.from.base
        let name = try scope.expand(word).text
        guard !name.isEmpty else {
            throw Diagnostic(
                "the base of the stage is empty",
                at: word.range,
                hints: ["give the variable a default with ARG before the first FROM, or a value with --build-arg"]
            )
        }
        var platform: Platform?
        if let flag = stage.from.platform { platform = try self.platform(flag) }
        if let parent = dockerfile.stages[..<stage.index].last(where: { $0.name == name }) {
            let inherited = planned[parent.index]?.platform ?? scope.options.targetPlatform
            return (.stage(parent.index), platform ?? inherited)
        }
        let target = platform ?? scope.options.targetPlatform
        if name == "scratch" { return (.scratch, target) }
        do {
            return (.image(try ImageReference(parsing: name), target), target)
        } catch {
            throw Diagnostic(error.description, at: word.range, hints: stageNameHints(name, before: stage.index))
        }
    }

    private func stageNameHints(_ name: String, before index: Int) -> [String] {
        guard let stage = dockerfile.stages[..<index].last(where: { $0.name == name.lowercased() }) else { return [] }
        return ["stage names are lower-case: write `FROM \(stage.name ?? "")`"]
    }

    private func platform(_ flag: Word) throws(Diagnostic) -> Platform {
        let text = try scope.expand(flag).text
        guard !text.isEmpty else { throw Diagnostic("the value of --platform is empty", at: flag.range) }
        do {
            return try Platform(parsing: text)
        } catch {
            throw Diagnostic(error.description, at: flag.range)
        }
    }

    /// Adds what the `ONBUILD` triggers of a stage of this file copy from.
    private func addTriggers(
        of parent: Dockerfile.Stage,
        to sources: inout SourceSet,
        resolver: SourceResolver,
        stage: Dockerfile.Stage
    ) -> [Diagnostic] {
        var found: [Diagnostic] = []
        for instruction in parent.instructions {
            guard case .onbuild(let onbuild) = instruction.kind else { continue }
            do {
                let (copy, mounts) = try resolver.sources(of: onbuild.trigger)
                sources.insert(copy)
                for mount in mounts { sources.insert(mount) }
            } catch {
                found.append(
                    Diagnostic(
                        error.message,
                        at: stage.from.base.range,
                        label: "in a trigger of this base",
                        notes: [.init("the trigger is here", at: onbuild.trigger.range)]
                    )
                )
            }
        }
        return found
    }
}
