internal import Reporting

/// What is wrong or doubtful in the files of a project, gathered so that all of it is reported at once.
final class ProblemList {
    private(set) var warnings: [(SourceFile, Diagnostic)] = []
    private var errors: [(SourceFile, Diagnostic)] = []
    private var told: Set<String> = []

    func add(
        _ message: String,
        at place: Place,
        label: String? = nil,
        notes: [(String, Place)] = [],
        hints: [String] = []
    ) {
        add(.error, message, at: place, label: label, notes: notes, hints: hints)
    }

    func add(
        _ severity: Diagnostic.Severity,
        _ message: String,
        at place: Place,
        label: String? = nil,
        notes: [(String, Place)] = [],
        hints: [String] = []
    ) {
        // A note can only point into the same file; another file is named instead.
        let same = notes.filter { $0.1.file === place.file }
        let other = notes.filter { $0.1.file !== place.file }.map { "\($0.0) (\($0.1.description))" }
        let diagnostic = Diagnostic(
            severity,
            message,
            at: place.range,
            label: label,
            notes: same.map { Diagnostic.Note($0.0, at: $0.1.range) },
            hints: other + hints
        )
        // The same value may be looked at more than once: by an anchor, `extends`, or several documents.
        let key = "\(ObjectIdentifier(place.file)) \(place.range.start) \(message)"
        guard told.insert(key).inserted, errors.count < 100 else { return }
        if severity == .error {
            errors.append((place.file, diagnostic))
        } else {
            warnings.append((place.file, diagnostic))
        }
    }

    /// Each warning with the text that it points into.
    var reports: [DiagnosticsError] {
        warnings.map { DiagnosticsError(source: $0.0.text, diagnostics: [$0.1]) }
    }

    /// Throws the errors of the first file that has any.
    func check() throws(DiagnosticsError) {
        guard let first = errors.first else { return }
        let same = errors.filter { $0.0 === first.0 }.map(\.1)
        throw DiagnosticsError(source: first.0.text, diagnostics: same)
    }

    /// An error that ends the reading at once.
    func fail(
        _ message: String,
        at place: Place,
        label: String? = nil,
        notes: [(String, Place)] = [],
        hints: [String] = []
    ) -> DiagnosticsError {
        add(message, at: place, label: label, notes: notes, hints: hints)
        do throws(DiagnosticsError) { try check() } catch { return error }
        return DiagnosticsError(
            source: place.file.text,
            diagnostics: [Diagnostic(message, at: place.range, hints: hints)]
        )
    }
}
