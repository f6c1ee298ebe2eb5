public import DockerfileSyntax
import OCI
public import Reporting

/// The values that `FROM` lines see: platform arguments and the `ARG`s before the first `FROM`.
public struct GlobalScope: Sendable {
    /// The value of each name that has one.
    public private(set) var values: [String: String] = [:]
    /// The names of the `ARG`s.
    public private(set) var declared: Set<String> = []
    private(set) var errors: [Diagnostic] = []
    /// `SOURCE_DATE_EPOCH` of the command line, or else of a global `ARG`; empty means none.
    private(set) var sourceDateEpoch: Int64?
    /// Where the time is found that it stands for, unless it is a number.
    private(set) var sourceDateEpochSource: SourceDateEpoch.Source?
    /// Where that `ARG` is.
    private var epochRange: SourceRange?

    let options: PlanOptions
    let escape: UInt8

    /// Evaluates the `ARG`s in order; what is wrong with one leaves it without a value.
    public init(_ dockerfile: Dockerfile, options: PlanOptions) {
        self.options = options
        escape = dockerfile.directives.escape
        addPlatform("BUILD", options.buildPlatform)
        addPlatform("TARGET", options.targetPlatform)
        values["TARGETSTAGE"] = options.target ?? dockerfile.stages.last?.name ?? "default"
        for name in Array(values.keys) {
            if let value = options.buildArguments[name] { values[name] = value }
        }
        for instruction in dockerfile.globalArguments {
            guard case .arg(let arguments) = instruction.kind else { continue }
            for declaration in arguments.declarations { declare(declaration) }
        }
        readSourceDateEpoch(dockerfile)
    }

    private mutating func addPlatform(_ prefix: String, _ platform: Platform) {
        values[prefix + "PLATFORM"] = platform.description
        values[prefix + "OS"] = platform.os
        values[prefix + "OSVERSION"] = ""
        values[prefix + "ARCH"] = platform.architecture
        values[prefix + "VARIANT"] = platform.variant ?? ""
    }

    private mutating func declare(_ declaration: ArgInstruction.Declaration) {
        do {
            let name = try expand(declaration.name).text
            declared.insert(name)
            if name == SourceDateEpoch.name { epochRange = declaration.name.range }
            if let value = options.buildArguments[name] {
                values[name] = value
            } else if let value = declaration.defaultValue {
                values[name] = try expand(value).text
            }
        } catch {
            errors.append(error)
        }
    }

    private mutating func readSourceDateEpoch(_ dockerfile: Dockerfile) {
        let name = SourceDateEpoch.name
        guard let text = options.buildArguments[name] ?? values[name], !text.isEmpty else { return }
        let key = NamedContext.key(text)
        if let seconds = SourceDateEpoch.seconds(text) {
            sourceDateEpoch = seconds
        } else if text == "context" {
            sourceDateEpochSource = .context
        } else if options.namedContexts[key] != nil {
            sourceDateEpochSource = .named(key)
        } else if let stage = dockerfile.stages.first(where: { $0.name == text.lowercased() }) {
            sourceDateEpochSource = .stage(stage.index)
        } else {
            errors.append(
                Diagnostic(
                    "\(name): `\(text)` is neither a number of seconds since 1970 nor a source with a timestamp",
                    at: epochRange,
                    hints: ["expected a number, `context`, the name of a --build-context, or the name of a stage"]
                )
            )
        }
    }

    /// The name that is probably meant by one that is not declared.
    public func suggestion(for name: String) -> String? {
        SpellingSuggestion.closest(to: name, in: declared.union(values.keys).sorted())
    }

    /// Expands a word of a `FROM` line.
    public func expand(_ word: Word) throws(Diagnostic) -> WordExpander.Expansion {
        let values = values
        return try WordExpander(escape: escape) { values[$0] }.expand(word)
    }
}
