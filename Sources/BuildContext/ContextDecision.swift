internal import FileSystem
internal import Reporting

/// Whether a path takes part in a build, and what decides that.
public struct ContextDecision: Encodable {
    let path: String
    let included: Bool
    /// Whether the directory has it at all.
    let exists: Bool
    /// The ignore file with the deciding line; `nil` where no line matches.
    let file: String?
    let line: Int?
    let pattern: String?
    /// What the pattern matches: the path itself or a directory above it.
    let matched: String?

    /// - Throws: `UserError` for a path outside the context.
    public init(_ text: String, in directory: ContextDirectory) throws {
        var components: [Substring] = []
        for component in text.split(separator: "/") where component != "." {
            guard component != ".." || !components.isEmpty else {
                throw UserError("`\(text)` is outside the context", hints: ["paths are relative to the context"])
            }
            if component == ".." { components.removeLast() } else { components.append(component) }
        }
        path = components.joined(separator: "/")
        let ignoreFile = directory.ignoreFile
        exists = FileStatus.ifPresent(directory.filePath(Array(path.utf8))) != nil
        guard let decision = ignoreFile.decision(for: Array(path.utf8)) else {
            (included, file, line, pattern, matched) = (true, nil, nil, nil, nil)
            return
        }
        included = !decision.isIgnored
        (file, line) = (ignoreFile.name, decision.line)
        pattern = ignoreFile.rules.first { $0.line == decision.line }.map { rule in
            (rule.isException ? "!" : "") + String(decoding: rule.pattern, as: UTF8.self)
        }
        matched = (1...max(components.count, 1)).lazy.map { components.prefix($0).joined(separator: "/") }
            .first { ignoreFile.decision(for: Array($0.utf8))?.line == decision.line }
    }

    public var sentence: String {
        let missing = exists ? "" : " (no such file exists)"
        guard let file, let line, let pattern else {
            return "`\(path)` is included: no line of an ignore file matches it\(missing)"
        }
        let parent = matched.map { $0 == path ? "" : ", which matches its parent `\($0)`" } ?? ""
        return "`\(path)` is \(included ? "included" : "excluded") by \(file):\(line): `\(pattern)`\(parent)\(missing)"
    }
}
