import DockerfileSyntax
public import OCI
public import Reporting

/// What a stage is at one point: the configuration that its image would have, and the variables in scope.
public struct StageState: Sendable {
    /// The configuration so far; `history` and `rootfs` are the engine's business.
    public var configuration: ImageConfiguration
    /// The `ARG`s in scope in order of declaration, those of the stage's base included.
    public internal(set) var arguments: [ScopedArgument] = []
    /// The image's variables and the values of `ARG`s, the last assignment winning: what words and `RUN` see.
    public internal(set) var variables: [EnvironmentVariable] = []
    /// The character that escapes in words.
    public let escape: UInt8
    /// Whether this stage had a `CMD`, which an `ENTRYPOINT` then keeps.
    var hasOwnCommand = false
    let buildArguments: [String: String]
    let globalValues: [String: String]
    /// Where each name stands in `variables`, and in the image's environment: a file may set thousands.
    private var variablePlaces: [String: Int] = [:]
    private var environmentPlaces: [String: Int] = [:]
    /// The names of the image's variables for which an `ARG` of this stage gives another value.
    private var shadowedVariables: Set<String> = []

    /// The state right after `FROM` an image, or `FROM scratch` when `base` is `nil`.
    ///
    /// The base's triggers are not in the state: `StageStart` has them.
    public init(stage: PlannedStage, plan: BuildPlan, base: ImageConfiguration?) {
        configuration = base ?? ImageConfiguration(platform: stage.platform)
        if base == nil { configuration.config.workingDir = "/" }
        escape = plan.dockerfile.directives.escape
        buildArguments = plan.options.buildArguments
        globalValues = plan.globalValues
        configuration.config.onBuild = nil
        for (place, assignment) in (configuration.config.env ?? []).enumerated() {
            let parts = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            // Of several with one name the first is the one that `ENV` replaces.
            if environmentPlaces[name] == nil { environmentPlaces[name] = place }
            setVariable(name, parts.count > 1 ? String(parts[1]) : "")
        }
        if value(of: "PATH") == nil { setEnvironment("PATH", ImageConfiguration.defaultPath) }
    }

    /// The state right after `FROM` an earlier stage, whose end state is `parent`.
    public init(stage: PlannedStage, plan: BuildPlan, parent: StageState) {
        self = parent
        configuration.config.onBuild = nil
        hasOwnCommand = false
        // The values of `ARG`s are inherited, but what the image sets is set anew (BuildKit).
        for name in shadowedVariables {
            guard let assignment = environmentPlaces[name].flatMap({ configuration.config.env?[$0] }) else { continue }
            setVariable(name, String(assignment.dropFirst(name.count + 1)))
        }
        shadowedVariables = []
    }

    /// The words before the text of a shell form.
    public var shell: [String] { configuration.config.shell ?? ["/bin/sh", "-c"] }

    /// Absolute; `/` when the image sets none.
    public var workingDirectory: String {
        let directory = configuration.config.workingDir ?? ""
        return directory.isEmpty ? "/" : directory
    }

    /// As `USER` wrote it; empty means root.
    public var user: String { configuration.config.user ?? "" }

    /// The value that `$name` has in this state.
    public func value(of name: String) -> String? { variablePlaces[name].map { variables[$0].value } }

    /// Sets a variable for words and `RUN`, in place when it exists.
    mutating func setVariable(_ name: String, _ value: String) {
        if let place = variablePlaces[name] {
            variables[place] = EnvironmentVariable(name, value)
        } else {
            variablePlaces[name] = variables.count
            variables.append(EnvironmentVariable(name, value))
        }
    }

    /// Sets a variable for the rest of the stage, whatever the image sets.
    mutating func setArgument(_ name: String, _ value: String) {
        setVariable(name, value)
        if environmentPlaces[name] != nil { shadowedVariables.insert(name) }
    }

    /// Sets a variable in the image too.
    mutating func setEnvironment(_ name: String, _ value: String) {
        setVariable(name, value)
        shadowedVariables.remove(name)
        if configuration.config.env == nil { configuration.config.env = [] }
        let assignment = "\(name)=\(value)"
        if let place = environmentPlaces[name] {
            configuration.config.env?[place] = assignment
        } else {
            environmentPlaces[name] = configuration.config.env?.count
            configuration.config.env?.append(assignment)
        }
    }

    /// Applies one instruction: expands its words, updates the state, and says what is left to do.
    ///
    /// - Throws: the errors of the instruction, at the `FROM` line for a trigger. Nothing can be built from the state
    ///   then; further instructions may be resolved to find what is wrong with them.
    public mutating func resolve(_ step: PlannedStep) throws(DiagnosticsError) -> ResolvedStep {
        // Moved there and back: a copy would cost what all instructions before have set, for each instruction.
        var resolver = StepResolver(state: consume self, step: step)
        let result = Result { () throws(Diagnostic) in try resolver.resolve() }
        self = resolver.state
        switch result {
        case .success(let resolved): return resolved
        case .failure(let error):
            if let trigger = step.trigger { throw trigger.error([error], trigger: step.instruction.text) }
            throw DiagnosticsError(source: step.source, diagnostics: [error])
        }
    }
}
