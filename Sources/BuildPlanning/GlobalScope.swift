import DockerfileSyntax
import OCI
import Reporting

/// The values that `FROM` lines see: platform arguments and the `ARG`s before the first `FROM`.
struct GlobalScope {
    private(set) var values: [String: String] = [:]
    /// The names of the `ARG`s.
    private(set) var declared: Set<String> = []
    private(set) var errors: [Diagnostic] = []
    /// Where `SOURCE_DATE_EPOCH` is declared.
    private var epochRange: SourceRange?

    let options: PlanOptions
    let escape: UInt8

    init(_ dockerfile: Dockerfile, options: PlanOptions) {
        self.options = options
        escape = dockerfile.directives.escape
        addPlatform("BUILD", options.buildPlatform)
        addPlatform("TARGET", options.targetPlatform)
        values["TARGETSTAGE"] = options.target ?? "default"
        for name in Array(values.keys) {
            if let value = options.buildArguments[name] { values[name] = value }
        }
        for instruction in dockerfile.globalArguments {
            guard case .arg(let arguments) = instruction.kind else { continue }
            for declaration in arguments.declarations { declare(declaration) }
        }
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

    /// `SOURCE_DATE_EPOCH` of the command line, or else of a global `ARG`; empty means none.
    func sourceDateEpoch() throws(Diagnostic) -> Int64? {
        let name = SourceDateEpoch.name
        guard let text = options.buildArguments[name] ?? values[name], !text.isEmpty else { return nil }
        if let seconds = SourceDateEpoch.seconds(text) { return seconds }
        throw Diagnostic("\(name): `\(text)` is no number of seconds since 1970", at: epochRange)
    }

    func expand(_ word: Word) throws(Diagnostic) -> WordExpander.Expansion {
        let values = values
        return try WordExpander(escape: escape) { values[$0] }.expand(word)
    }
}
