import DockerfileSyntax
import OCI
import Reporting

/// Applies one instruction to a copy of a state.
struct StepResolver {
    var state: StageState
    let step: PlannedStep
    var unsetVariables: [UnsetVariable] = []
    var warnings: [Diagnostic] = []

    init(state: StageState, step: PlannedStep) {
        self.state = state
        self.step = step
    }

    mutating func resolve() throws(Diagnostic) -> ResolvedStep {
        switch step.instruction.kind {
        case .from: return metadata(step.instruction.text)
        case .run(let run): return try resolve(run)
        case .cmd(let form): return cmd(form)
        case .entrypoint(let form): return entrypoint(form)
        case .copy(let copy): return try resolve(copy)
        case .env(let instruction): return try env(instruction)
        case .label(let instruction): return try label(instruction)
        case .arg(let instruction): return try arg(instruction)
        case .expose(let ports): return try expose(ports)
        case .volume(let volume): return try self.volume(volume)
        case .user(let word): return try user(word)
        case .workdir(let word): return try workdir(word)
        case .onbuild(let onbuild): return self.onbuild(onbuild)
        case .stopsignal(let word): return try stopsignal(word)
        case .healthcheck(let check): return healthcheck(check)
        case .shell(let words): return shell(words)
        case .maintainer(let word): return maintainer(word)
        }
    }

    func metadata(_ createdBy: String) -> ResolvedStep {
        ResolvedStep(
            action: .metadata,
            createdBy: createdBy,
            emptyLayer: true,
            unsetVariables: unsetVariables,
            warnings: warnings
        )
    }

    mutating func expand(_ word: Word) throws(Diagnostic) -> String { try expansion(of: word).text }

    mutating func expandIfGiven(_ word: Word?) throws(Diagnostic) -> String? {
        guard let word else { return nil }
        return try expand(word)
    }

    /// - Parameter escape: The character that escapes, unless it is the file's.
    mutating func expansion(
        of word: Word,
        quoting: WordExpander.Quoting = .processed,
        escape: UInt8? = nil
    ) throws(Diagnostic) -> WordExpander.Expansion {
        let escape = escape ?? state.escape
        if let plain = WordExpander.Expansion(plain: word, escape: escape) { return plain }
        let state = state
        let expansion = try WordExpander(escape: escape) { state.value(of: $0) }.expand(word, quoting: quoting)
        for name in expansion.unsetNames { noteUnset(name, at: word.range) }
        return expansion
    }

    private mutating func noteUnset(_ name: String, at range: SourceRange) {
        guard !state.arguments.contains(where: { $0.name == name }), step.trigger == nil else { return }
        // Comparing with all would take a file of many such variables the square of its length.
        let suggestion = SpellingSuggestion.closest(to: name, in: state.variables.suffix(200).map(\.name))
        unsetVariables.append(UnsetVariable(name: name, range: use(of: name, in: range), suggestion: suggestion))
    }

    /// Where a word uses a variable, `$name` or `${name`; the whole word where that is not found.
    private func use(of name: String, in range: SourceRange) -> SourceRange {
        let bytes = step.source.bytes[range.start..<range.end]
        for start in bytes.indices where bytes[start] == UInt8(ascii: "$") {
            let isBraced = bytes[(start + 1)...].first == UInt8(ascii: "{")
            let rest = bytes[(start + (isBraced ? 2 : 1))...]
            guard rest.starts(with: name.utf8) else { continue }
            let end = rest.startIndex + name.utf8.count
            if let next = bytes[end...].first, isNamePart(next) { continue }
            return SourceRange(start, isBraced && bytes[end...].first == UInt8(ascii: "}") ? end + 1 : end)
        }
        return range
    }

    private func isNamePart(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "_") || byte >= 0x80 || (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20)
    }

    private mutating func env(_ instruction: AssignmentInstruction) throws(Diagnostic) -> ResolvedStep {
        var createdBy = "ENV"
        for (name, value) in try pairs(instruction) {
            state.setEnvironment(name, value)
            createdBy += " \(name)=\(value)"
        }
        return metadata(createdBy)
    }

    private mutating func label(_ instruction: AssignmentInstruction) throws(Diagnostic) -> ResolvedStep {
        var createdBy = "LABEL"
        for (name, value) in try pairs(instruction) {
            if state.configuration.config.labels == nil { state.configuration.config.labels = [:] }
            state.configuration.config.labels?[name] = value
            createdBy += " \(name)=\(value)"
        }
        return metadata(createdBy)
    }

    /// The expanded pairs; all see the variables as they were before the instruction.
    private mutating func pairs(_ instruction: AssignmentInstruction) throws(Diagnostic) -> [(String, String)] {
        var pairs: [(String, String)] = []
        for assignment in instruction.assignments {
            let name = try expand(assignment.name)
            guard !name.isEmpty else {
                throw Diagnostic("the name is empty", at: assignment.name.range)
            }
            pairs.append((name, try expand(assignment.value)))
        }
        return pairs
    }

    /// Unlike in `ENV`, each declaration sees those before it.
    private mutating func arg(_ instruction: ArgInstruction) throws(Diagnostic) -> ResolvedStep {
        var createdBy = "ARG"
        for declaration in instruction.declarations {
            let name = try expand(declaration.name)
            guard !name.isEmpty else { throw Diagnostic("the name is empty", at: declaration.name.range) }
            let value: String?
            if let given = state.buildArguments[name] {
                value = given
            } else if let word = declaration.defaultValue {
                value = try expand(word)
            } else {
                value = state.globalValues[name]
            }
            declare(name, value)
            createdBy += " \(name)" + (value.map { "=\($0)" } ?? "")
        }
        return metadata(createdBy)
    }

    private mutating func declare(_ name: String, _ value: String?) {
        if let index = state.arguments.firstIndex(where: { $0.name == name }) {
            state.arguments[index] = ScopedArgument(name: name, value: value ?? state.arguments[index].value)
        } else {
            state.arguments.append(ScopedArgument(name: name, value: value))
        }
        if let value { state.setArgument(name, value) }
    }

    private mutating func user(_ word: Word) throws(Diagnostic) -> ResolvedStep {
        let user = try expand(word)
        state.configuration.config.user = user
        return metadata("USER \(user)")
    }

    private mutating func workdir(_ word: Word) throws(Diagnostic) -> ResolvedStep {
        let written = try expand(word)
        let path = ImagePath.join(state.workingDirectory, written)
        // Joining cleans; only an absolute path is stored with its final slash (BuildKit).
        let keepsSlash = written.hasPrefix("/") && written.hasSuffix("/") && path != "/"
        state.configuration.config.workingDir = path + (keepsSlash ? "/" : "")
        let createdBy = "WORKDIR \(state.workingDirectory)"
        guard path != "/" else { return metadata(createdBy) }
        return ResolvedStep(
            action: .workdir(ResolvedWorkdir(path: path, user: state.user)),
            createdBy: createdBy,
            emptyLayer: false,
            unsetVariables: unsetVariables,
            warnings: warnings
        )
    }

    private mutating func volume(_ volume: VolumeInstruction) throws(Diagnostic) -> ResolvedStep {
        var paths: [String] = []
        for word in volume.paths {
            let path = try expand(word)
            guard !path.isEmpty else { throw Diagnostic("a VOLUME path must not be empty", at: word.range) }
            paths.append(path)
        }
        if state.configuration.config.volumes == nil { state.configuration.config.volumes = [:] }
        for path in paths { state.configuration.config.volumes?[path] = .init() }
        return metadata("VOLUME [\(paths.joined(separator: " "))]")
    }

    private mutating func stopsignal(_ word: Word) throws(Diagnostic) -> ResolvedStep {
        let signal = try expand(word)
        guard StopSignal.isValid(signal) else {
            throw Diagnostic(
                "unknown signal `\(signal)`",
                at: word.range,
                label: StopSignal.suggestion(for: signal).map { "did you mean `\($0)`?" }
            )
        }
        state.configuration.config.stopSignal = signal
        return metadata("STOPSIGNAL \(signal)")
    }

    private mutating func expose(_ words: [Word]) throws(Diagnostic) -> ResolvedStep {
        var ports: Set<String> = []
        for word in words {
            for text in try expansion(of: word).words {
                ports.formUnion(try PortSpecification.ports(text, at: word.range))
            }
        }
        if state.configuration.config.exposedPorts == nil { state.configuration.config.exposedPorts = [:] }
        for port in ports { state.configuration.config.exposedPorts?[port] = .init() }
        return metadata("EXPOSE map[\(ports.sorted().map { $0 + ":{}" }.joined(separator: " "))]")
    }
}
