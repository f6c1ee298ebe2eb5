public import Reporting

/// Something that is wrong, in pieces, for programs that show it in their own way.
public struct Problem: Sendable {
    /// Lines and columns from 1; the end is the last character.
    struct Place: Sendable {
        let file: String
        var line: Int?
        var column: Int?
        var endLine: Int?
        var endColumn: Int?
    }

    let severity: Diagnostic.Severity
    let message: String
    var rule: String?
    var place: Place?
    var hints: [String] = []

    func adding(hint: String) -> Problem {
        var problem = self
        problem.hints.append(CredentialMask.masked(hint))
        return problem
    }

    public init(_ message: String, hints: [String] = []) {
        severity = .error
        self.message = CredentialMask.masked(message)
        self.hints = hints.map(CredentialMask.masked)
    }

    public init(_ diagnostic: Diagnostic, in source: SourceText, hints: [String] = []) {
        severity = diagnostic.severity
        message = CredentialMask.masked(diagnostic.message)
        rule = diagnostic.rule
        self.hints = (diagnostic.hints + hints).map(CredentialMask.masked)
        var place = Place(file: source.name)
        if let range = diagnostic.range {
            let last = max(range.start, range.end - 1)
            (place.line, place.column) = (source.line(at: range.start), source.column(at: range.start))
            (place.endLine, place.endColumn) = (source.line(at: last), source.column(at: last))
        }
        self.place = place
    }
}
