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
        var context: String?
        do {
            (base, platform, context) = try self.base(of: stage)
        } catch {
            found.append(error)
        }
        let resolver = SourceResolver(
            dockerfile: dockerfile,
            index: stage.index,
            platform: platform,
            namedContexts: scope.options.namedContexts
        )
        if case .stage(let parent) = base {
            sources.stages.insert(parent)
            found += addTriggers(of: dockerfile.stages[parent], to: &sources, resolver: resolver, stage: stage)
        }
        var steps = context.map { copyAll(of: $0, stage) } ?? []
        for instruction in isReplaced(stage) ? [] : stage.instructions {
            do {
                let step = try resolver.step(instruction, in: dockerfile.source)
                sources.insert(step)
                steps.append(step)
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

    /// Whether a named context stands for the whole stage.
    private func isReplaced(_ stage: Dockerfile.Stage) -> Bool {
        stage.name.map { scope.options.namedContexts[$0] != nil } ?? false
    }

    /// The one step of a stage that starts from files other than an image: they become its first layer.
    private func copyAll(of context: String, _ stage: Dockerfile.Stage) -> [PlannedStep] {
        let source = SourceText(name: "context \(context)", text: "COPY --from=\(context) . /")
        return ((try? Dockerfile.parseTrigger(source)) ?? []).map { instruction in
            PlannedStep(
                instruction,
                in: source,
                trigger: TriggerOrigin(source: dockerfile.source, range: stage.from.base.range),
                copySource: .named(context)
            )
        }
    }

    /// What a named context puts in the place of a base or stage; the key of one that holds files.
    private func context(_ name: String, _ platform: Platform) -> (StageBase, Platform, String?)? {
        guard !scope.options.namedContexts.isEmpty else { return nil }
        let key = NamedContext.key(name)
        switch scope.options.namedContexts[key] {
        case .image(let reference)?:
            return (.image(ImageSource(reference: reference, platform: platform)), platform, nil)
        case .files?: return (.scratch, platform, key)
        case nil: return nil
        }
    }

    /// What a stage starts from, for which platform, and the named context whose files are its first layer.
    private func base(of stage: Dockerfile.Stage) throws(Diagnostic) -> (StageBase, Platform, String?) {
        let word = stage.from.base
        let expansion = try scope.expand(word)
        let name = expansion.text
        guard !name.isEmpty else {
            throw Diagnostic(
                "the base of the stage is empty",
                at: word.range,
                label: undeclared(expansion),
                hints: ["give the variable a default with ARG before the first FROM, or a value with --build-arg"]
            )
        }
        var platform: Platform?
        if let flag = stage.from.platform { platform = try self.platform(flag) }
        let target = platform ?? scope.options.targetPlatform
        if isReplaced(stage), let context = context(stage.name ?? "", target) { return context }
        if let parent = dockerfile.stages[..<stage.index].last(where: { $0.name == name }) {
            let inherited = planned[parent.index]?.platform ?? scope.options.targetPlatform
            return (.stage(parent.index), platform ?? inherited, nil)
        }
        if let context = context(name, target) { return context }
        if name == "scratch" { return (.scratch, target, nil) }
        do {
            return (.image(ImageSource(reference: try ImageReference(parsing: name), platform: target)), target, nil)
        } catch {
            throw Diagnostic(
                error.description,
                at: word.range,
                label: undeclared(expansion),
                hints: stageNameHints(name, before: stage.index)
            )
        }
    }

    private func stageNameHints(_ name: String, before index: Int) -> [String] {
        guard let stage = dockerfile.stages[..<index].last(where: { $0.name == name.lowercased() }) else { return [] }
        return ["stage names are lower-case: write `FROM \(stage.name ?? "")`"]
    }

    private func platform(_ flag: Word) throws(Diagnostic) -> Platform {
        let expansion = try scope.expand(flag)
        let label = undeclared(expansion)
        guard !expansion.text.isEmpty else {
            throw Diagnostic("the value of --platform is empty", at: flag.range, label: label)
        }
        do {
            return try Platform(parsing: expansion.text)
        } catch {
            throw Diagnostic(error.description, at: flag.range, label: label)
        }
    }

    /// What is wrong with a word of `FROM` is often that it uses something that is not there.
    private func undeclared(_ expansion: WordExpander.Expansion) -> String? {
        guard let name = expansion.unsetNames.first(where: { !scope.declared.contains($0) }) else { return nil }
        return "`\(name)` is not declared" + (scope.suggestion(for: name).map { ", did you mean `\($0)`?" } ?? "")
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
                sources.insert(try resolver.step(onbuild.trigger, in: dockerfile.source))
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
