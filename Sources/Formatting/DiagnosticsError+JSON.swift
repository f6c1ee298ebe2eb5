public import OCI
public import Reporting

extension DiagnosticsError {
    /// The diagnostics as JSON; lines and columns count from 1, the end is behind the last character.
    public var document: JSONValue {
        func masked(_ text: String) -> JSONValue { .string(CredentialMask.masked(text)) }
        func place(_ range: SourceRange) -> JSONValue {
            .object([
                "line": .number(of: source.line(at: range.start)),
                "column": .number(of: source.column(at: range.start)),
                "endLine": .number(of: source.line(at: range.end)),
                "endColumn": .number(of: source.column(at: range.end)),
            ])
        }
        let documents = diagnostics.map { diagnostic -> JSONValue in
            let notes = diagnostic.notes.map { note -> JSONValue in
                .object(["message": masked(note.message), "place": place(note.range)])
            }
            return .members([
                "severity": .string(diagnostic.severity.rawValue), "rule": diagnostic.rule.map { .string($0) },
                "message": masked(diagnostic.message), "path": .string(source.name),
                "place": diagnostic.range.map(place), "label": diagnostic.label.map(masked), "notes": .list(notes),
                "hints": .list(diagnostic.hints.map(masked)),
            ])
        }
        return .object(["diagnostics": .list(documents)])
    }
}
