internal import FileSystem
internal import Glibc
internal import Reporting
internal import SystemPackage

/// Problems as GitHub shows them beside the lines of a file ("Workflow commands for GitHub Actions").
public enum GitHubAnnotation {
    /// Writes problems to standard error, where this process runs on GitHub.
    public static func show(_ problems: [Problem]) {
        guard FoldingProgress.Service.current == .gitHub else { return }
        Terminal.write(problems.flatMap(line), to: STDERR_FILENO)
    }

    /// `::error file=Dockerfile,line=3,col=1,…::message`.
    static func line(_ problem: Problem) -> [UInt8] {
        let command =
            switch problem.severity {
            case .error: "error"
            case .warning: "warning"
            case .note: "notice"
            }
        var properties: [(String, String)] = []
        // Standard input is not a file of the repository.
        if let place = problem.place, place.file != "-" {
            properties.append(("file", path(place.file)))
            let numbers = [
                ("line", place.line), ("endLine", place.endLine),
                // Columns only mean something on one line.
                ("col", place.line == place.endLine ? place.column : nil),
                ("endColumn", place.line == place.endLine ? place.endColumn : nil),
            ]
            properties += numbers.compactMap { name, number in number.map { (name, String($0)) } }
        }
        if let rule = problem.rule { properties.append(("title", rule)) }
        let list = properties.map { "\($0)=\(escapedProperty($1))" }.joined(separator: ",")
        let message = ([problem.message] + problem.hints).map { EscapedText.escaped($0) }.joined(separator: "\n")
        return Array("::\(command)\(list.isEmpty ? "" : " \(list)")::\(escaped(message))\n".utf8)
    }

    /// From the root of the repository, where it lies in that.
    private static func path(_ name: String) -> String {
        guard let workspace = ProcessEnvironment["GITHUB_WORKSPACE"], workspace.hasPrefix("/") else { return name }
        var path = FilePath(name).absolute.lexicallyNormalized()
        return path.removePrefix(FilePath(workspace).lexicallyNormalized()) ? path.string : name
    }

    /// Text behind the last `::` of a command.
    static func escaped(_ text: String) -> String { replacing(text, "%\r\n") }

    private static func escapedProperty(_ text: String) -> String { replacing(text, "%\r\n:,") }

    private static func replacing(_ text: String, _ characters: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars {
            if characters.unicodeScalars.contains(scalar) {
                let digits = String(scalar.value, radix: 16, uppercase: true)
                result += "%" + (digits.utf8.count < 2 ? "0" : "") + digits
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
