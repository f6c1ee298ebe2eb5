public import BuildContext
public import BuildPlanning
public import DockerfileSyntax
public import OCI
public import Reporting

/// One place at which a build check fires.
public struct CheckWarning: Sendable {
    /// What the user is told; its `rule` is never `nil`.
    public let diagnostic: Diagnostic
    /// The instruction that it is about.
    public let instruction: Instruction
}

/// What the build checks say of a Dockerfile.
public struct CheckReport: Sendable {
    /// In file order; the first says how to silence it.
    public let warnings: [CheckWarning]
    /// What else is doubtful, in file order; no rule is behind it, and nothing silences it.
    public let otherWarnings: [Diagnostic]
    /// What would fail a build of the stages in question, where the whole file was checked.
    public let errors: [Diagnostic]
    /// Whether `error=true` makes the warnings fail the build, and where it stands if it stands in the file.
    public let failure: Diagnostic?

    private init(
        warnings: [CheckWarning],
        otherWarnings: [Diagnostic] = [],
        errors: [Diagnostic],
        failure: Diagnostic? = nil
    ) {
        self.warnings = warnings
        self.otherWarnings = otherWarnings
        self.errors = errors
        self.failure = failure
    }

    /// Checks the stages of a plan.
    ///
    /// - Parameter baseImage: The configuration of an image that a stage starts from; `nil` when it is not known.
    public init(
        _ plan: BuildPlan,
        ignoring ignoreFile: IgnoreFile = .empty,
        baseImage: (ImageSource) -> ImageConfiguration?
    ) {
        self = withoutActuallyEscaping(baseImage) { baseImage in
            CheckReport(plan.dockerfile, plan.options, plan, planErrors: [], ignoreFile, baseImage)
        }
    }

    /// Checks a file without building: the stages that `options.target` needs, or all of them without one.
    public init(
        _ dockerfile: Dockerfile,
        options: PlanOptions,
        ignoring ignoreFile: IgnoreFile = .empty,
        baseImage: (ImageSource) -> ImageConfiguration?
    ) {
        var plan: BuildPlan?
        var errors: [Diagnostic] = []
        if options.target == nil {
            (plan, errors) = BuildPlan.ofAllStages(dockerfile, options: options)
        } else {
            do {
                plan = try BuildPlan(dockerfile, options: options)
            } catch {
                errors = error.diagnostics
            }
        }
        self = withoutActuallyEscaping(baseImage) { baseImage in
            CheckReport(dockerfile, options, plan, planErrors: errors, ignoreFile, baseImage)
        }
    }

    /// Checks the text of a file without building; of one with errors in its syntax, what stands before the first.
    ///
    /// - Throws: the errors of a file of which nothing can be checked.
    public init(
        _ source: SourceText,
        options: PlanOptions,
        ignoring ignoreFile: IgnoreFile = .empty,
        baseImage: (ImageSource) -> ImageConfiguration?
    ) throws(DiagnosticsError) {
        do {
            self.init(try Dockerfile(parsing: source), options: options, ignoring: ignoreFile, baseImage: baseImage)
        } catch {
            guard let start = Dockerfile(beforeErrors: error) else { throw error }
            // What is wrong with the rest may be the reason for what is wrong here.
            let plan = BuildPlan.ofAllStages(start, options: options).plan
            self = withoutActuallyEscaping(baseImage) { baseImage in
                let report = CheckReport(start, options, plan, planErrors: [], ignoreFile, baseImage)
                return CheckReport(
                    warnings: report.warnings,
                    otherWarnings: report.otherWarnings,
                    errors: error.diagnostics
                )
            }
        }
    }

    private init(
        _ dockerfile: Dockerfile,
        _ options: PlanOptions,
        _ plan: BuildPlan?,
        planErrors: [Diagnostic],
        _ ignoreFile: IgnoreFile,
        _ baseImage: @escaping (ImageSource) -> ImageConfiguration?
    ) {
        let given = options.buildArguments[CheckOptions.buildArgument]
        let place = given == nil ? dockerfile.directives.check?.range : nil
        let checkOptions: CheckOptions
        do throws(CheckOptionsError) {
            if let given {
                checkOptions = try CheckOptions(parsing: given)
            } else if let directive = dockerfile.directives.check {
                checkOptions = try CheckOptions(directive: directive.text)
            } else {
                checkOptions = CheckOptions()
            }
        } catch {
            let source = given == nil ? "" : "\(CheckOptions.buildArgument): "
            self.init(warnings: [], errors: planErrors + [Diagnostic(source + error.message, at: place)])
            return
        }
        let walk = plan.map { StageWalk($0, baseImage: baseImage) }
        let file = CheckedDockerfile(dockerfile, options, plan, walk, ignoreFile)
        // Without a plan everything that needs none is checked.
        let needed = options.target == nil && !planErrors.isEmpty ? nil : plan.map { Set($0.stages.map(\.index)) }
        let warnings = file.warnings(checkOptions, stages: needed)
        let rules = Set(warnings.compactMap(\.diagnostic.rule)).sorted()
        self.init(
            warnings: warnings,
            otherWarnings: walk?.warnings ?? [],
            errors: planErrors + (walk?.errors ?? []),
            failure: checkOptions.isError && !rules.isEmpty
                ? Diagnostic("build checks failed: \(rules.joined(separator: ", "))", at: place) : nil
        )
    }
}

extension CheckedDockerfile {
    fileprivate init(
        _ dockerfile: Dockerfile,
        _ options: PlanOptions,
        _ plan: BuildPlan?,
        _ walk: StageWalk?,
        _ ignoreFile: IgnoreFile
    ) {
        var defaults = options
        defaults.buildArguments = [:]
        var instructions = dockerfile.globalArguments.map { CheckedInstruction(instruction: $0, stage: nil) }
        for stage in dockerfile.stages {
            instructions.append(CheckedInstruction(instruction: stage.instruction, stage: stage.index))
            let resolved = walk?.resolved[stage.index] ?? []
            for (position, instruction) in stage.instructions.enumerated() {
                instructions.append(
                    CheckedInstruction(
                        instruction: instruction,
                        stage: stage.index,
                        resolved: position < resolved.count ? resolved[position] : nil
                    )
                )
            }
        }
        self.init(
            dockerfile: dockerfile,
            scope: GlobalScope(dockerfile, options: options),
            defaultScope: GlobalScope(dockerfile, options: defaults),
            ignoreFile: ignoreFile,
            instructions: instructions,
            bases: walk?.bases ?? [:],
            stages: plan?.allStages ?? [:]
        )
    }

    /// What the rules find in some stages, or in all for `nil`, and before the first.
    fileprivate func warnings(_ options: CheckOptions, stages: Set<Int>?) -> [CheckWarning] {
        var found: [(rule: CheckRule, finding: Finding)] = []
        for rule in CheckRule.all {
            for finding in rule.findings(self) {
                let stage = finding.instruction.stage
                if let stages, let stage, !stages.contains(stage) { continue }
                let comments = (finding.commented ?? finding.instruction).instruction.comments
                if options.reports(rule, with: CheckOptions(comments: comments)) { found.append((rule, finding)) }
            }
        }
        found.sort { $0.finding.range.start < $1.finding.range.start }
        return found.enumerated().map { position, found in
            CheckWarning(
                diagnostic: found.finding.warning(of: found.rule, saysHowToSilence: position == 0),
                instruction: found.finding.instruction.instruction
            )
        }
    }
}
