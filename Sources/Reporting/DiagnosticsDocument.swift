/// Diagnostics as JSON; lines and columns count from 1, the end is behind the last character.
public struct DiagnosticsDocument: Encodable {
    struct Place: Encodable {
        let line: Int
        let column: Int
        let endLine: Int
        let endColumn: Int

        init(_ range: SourceRange, in source: SourceText) {
            line = source.line(at: range.start)
            column = source.column(at: range.start)
            endLine = source.line(at: range.end)
            endColumn = source.column(at: range.end)
        }
    }

    struct Note: Encodable {
        let message: String
        let place: Place
    }

    struct Entry: Encodable {
        let severity: String
        let rule: String?
        let message: String
        let path: String
        let place: Place?
        let label: String?
        let notes: [Note]
        let hints: [String]
    }

    let diagnostics: [Entry]

    public init(_ found: DiagnosticsError) {
        let source = found.source
        diagnostics = found.diagnostics.map { diagnostic in
            Entry(
                severity: diagnostic.severity.rawValue,
                rule: diagnostic.rule,
                message: CredentialMask.masked(diagnostic.message),
                path: source.name,
                place: diagnostic.range.map { Place($0, in: source) },
                label: diagnostic.label.map { CredentialMask.masked($0) },
                notes: diagnostic.notes.map {
                    Note(message: CredentialMask.masked($0.message), place: Place($0.range, in: source))
                },
                hints: diagnostic.hints.map { CredentialMask.masked($0) }
            )
        }
    }
}
