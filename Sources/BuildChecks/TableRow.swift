internal import BuildContext
internal import BuildPlanning
internal import DockerfileSyntax
internal import OCI
internal import Reporting

/// One request of `swiftbuild debug tables` and what it is answered.
public struct TableRow {
    private let members: [String: JSONValue]

    /// Why a row has no result.
    struct Failure: Error {
        let message: String
        /// 1-based, of the Dockerfile.
        var line: Int?
        /// What was found out all the same.
        var result: JSONValue?
    }

    /// The line that answers a line; nothing for one that is blank.
    public static func answer(to line: ArraySlice<UInt8>) -> [UInt8] {
        guard line.contains(where: { $0 != 0x20 && $0 != 0x09 && $0 != 0x0D }) else { return [] }
        var answer: [String: JSONValue] = ["id": .null]
        do throws(Failure) {
            guard case .object(let members)? = try? CanonicalJSON.decode(JSONValue.self, from: Array(line)) else {
                throw Failure(message: "the row is not a JSON object")
            }
            answer["id"] = members["id"] ?? .null
            answer["result"] = try TableRow(members: members).result()
            answer["ok"] = .boolean(true)
        } catch {
            answer["ok"] = .boolean(false)
            answer["error"] = .string(error.message)
            if let line = error.line { answer["line"] = .integer(Int64(line)) }
            if let result = error.result { answer["result"] = result }
        }
        return ((try? CanonicalJSON.encode(answer)) ?? []) + [UInt8(ascii: "\n")]
    }

    private func result() throws(Failure) -> JSONValue {
        let operation = try string("op")
        switch operation {
        case "expand": return .string(try expansion().text)
        case "expandwords": return .strings(try expansion().words)
        case "unmatched":
            let expansion = try expansion()
            return .object(["result": .string(expansion.text), "unmatched": .strings(expansion.unsetNames)])
        case "ignore": return .boolean(try isIgnored())
        case "ignorefile":
            return .strings(
                IgnoreFile.cleanedPatterns(in: Array(try string("content").utf8)).map {
                    String(decoding: $0, as: UTF8.self)
                }
            )
        case "jsonargs":
            guard let strings = JSONArray.strings(in: try string("text")) else {
                throw Failure(message: "not a JSON array of strings")
            }
            return .strings(strings)
        case "ports":
            var ports: [String] = []
            for specification in try strings("specs") {
                do {
                    ports += try PortSpecification.ports(specification, at: SourceRange(0, 0))
                } catch {
                    throw Failure(message: error.message + (error.label.map { ": \($0)" } ?? ""))
                }
            }
            return .strings(ports)
        case "lint": return try lint()
        case "ast":
            let source = try dockerfile()
            do { return .string(try SyntaxDump(parsing: source).text) } catch { throw Self.failure(error) }
        case "validate": return try validate()
        default: throw Failure(message: "unknown operation `\(operation)`")
        }
    }

    // MARK: - Operations

    private func expansion() throws(Failure) -> WordExpander.Expansion {
        let word = try string("word")
        let escape: String
        if case nil = members["escape"] { escape = "\\" } else { escape = try string("escape") }
        guard escape == "\\" || escape == "`", let byte = escape.utf8.first else {
            throw Failure(message: "`escape` is a backslash or a backtick")
        }
        let variables = try variables()
        do {
            return try WordExpander(escape: byte) { variables[$0] }.expand(
                Word(word, at: SourceRange(0, word.utf8.count))
            )
        } catch {
            throw Failure(message: error.message)
        }
    }

    private func isIgnored() throws(Failure) -> Bool {
        let patterns = try strings("patterns").map { Array($0.utf8) }
        let path = Array(try string("path").utf8)
        do {
            return try IgnoreFile(patterns: patterns).matches(path)
        } catch {
            throw Failure(message: error.description)
        }
    }

    /// Rule and line of each finding: the line on which BuildKit reports it, which is the first one of the instruction,
    /// and the last one for a blank line inside it.
    private func lint() throws(Failure) -> JSONValue {
        let source = try dockerfile()
        do {
            let report = CheckReport(try Dockerfile(parsing: source), options: PlanOptions()) { _ in nil }
            return Self.findings(report, in: source)
        } catch {
            var failure = Self.failure(error)
            failure.result = Self.findingsBeforeErrors(of: source)
            throw failure
        }
    }

    /// What BuildKit finds while it reads the instructions one by one, up to one that is wrong; nothing where its first
    /// pass, which only splits lines into words, fails already.
    private static func findingsBeforeErrors(of source: SourceText) -> JSONValue {
        guard (try? SyntaxDump(parsing: source)) != nil,
            let report = try? CheckReport(source, options: PlanOptions(), baseImage: { _ in nil })
        else { return .list([]) }
        return findings(report, in: source) { rulesOfReading.contains($0) }
    }

    private static let rulesOfReading: Set<String> = [
        CheckRule.noEmptyContinuation.name, "FromAsCasing", "InvalidDefinitionDescription", "MaintainerDeprecated",
        "StageNameCasing",
    ]

    private static func findings(
        _ report: CheckReport,
        in source: SourceText,
        where isWanted: (String) -> Bool = { _ in true }
    ) -> JSONValue {
        .list(
            report.warnings.compactMap { warning in
                let rule = warning.diagnostic.rule ?? ""
                guard isWanted(rule) else { return nil }
                let range = warning.instruction.range
                let place = rule == CheckRule.noEmptyContinuation.name ? range.end - 1 : range.start
                return .object(["rule": .string(rule), "line": .integer(Int64(source.line(at: place)))])
            }
        )
    }

    private func validate() throws(Failure) -> JSONValue {
        let source = try dockerfile()
        do throws(DiagnosticsError) {
            let report = CheckReport(try Dockerfile(parsing: source), options: PlanOptions()) { _ in nil }
            guard report.errors.isEmpty else {
                throw DiagnosticsError(source: source, diagnostics: report.errors)
            }
            return .boolean(true)
        } catch {
            throw Self.failure(error)
        }
    }

    private static func failure(_ error: DiagnosticsError) -> Failure {
        let first = error.diagnostics.first
        return Failure(
            message: first?.message ?? "the Dockerfile is wrong",
            line: (first?.range?.start).map { error.source.line(at: $0) }
        )
    }

    // MARK: - Members

    private func string(_ name: String) throws(Failure) -> String {
        guard case .string(let text)? = members[name] else { throw Failure(message: "`\(name)` has to be a string") }
        return text
    }

    private func strings(_ name: String) throws(Failure) -> [String] {
        guard case .list(let values)? = members[name] else { throw Failure(message: "`\(name)` has to be a list") }
        var result: [String] = []
        for value in values {
            guard case .string(let text) = value else { throw Failure(message: "`\(name)` holds strings only") }
            result.append(text)
        }
        return result
    }

    private func variables() throws(Failure) -> [String: String] {
        switch members["env"] {
        case nil, .null?: return [:]
        case .object(let values)?:
            var result: [String: String] = [:]
            for (name, value) in values {
                guard case .string(let text) = value else { throw Failure(message: "`env` holds strings only") }
                result[name] = text
            }
            return result
        default: throw Failure(message: "`env` has to be an object")
        }
    }

    private func dockerfile() throws(Failure) -> SourceText {
        SourceText(name: "Dockerfile", text: try string("dockerfile"))
    }
}
