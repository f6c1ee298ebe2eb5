/// One message to the user about a place in a Dockerfile.
public struct Diagnostic: Sendable, Error {
    public enum Severity: String, Sendable, Comparable {
        case error
        case warning
        case note

        public static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }

        private var rank: Int {
            switch self {
            case .error: 0
            case .warning: 1
            case .note: 2
            }
        }
    }

    /// A related place, shown below the message ("stage `build` is declared here").
    public struct Note: Sendable {
        public let message: String
        public let range: SourceRange

        public init(_ message: String, at range: SourceRange) {
            self.message = message
            self.range = range
        }
    }

    public let severity: Severity
    /// The build check that fired (`StageNameCasing`), for warnings.
    public let rule: String?
    /// One lower-case sentence without a full stop.
    public let message: String
    /// The words to point at; `nil` when the message is about the file as a whole.
    public let range: SourceRange?
    /// Written behind the caret (`did you mean …`).
    public let label: String?
    public let notes: [Note]
    /// Written last, one line each, as `hint: …`.
    public let hints: [String]

    public init(
        _ severity: Severity,
        _ message: String,
        at range: SourceRange?,
        rule: String? = nil,
        label: String? = nil,
        notes: [Note] = [],
        hints: [String] = []
    ) {
        self.severity = severity
        self.rule = rule
        self.message = message
        self.range = range
        self.label = label
        self.notes = notes
        self.hints = hints
    }

    /// Creates an error.
    public init(
        _ message: String, at range: SourceRange?, label: String? = nil, notes: [Note] = [], hints: [String] = []
    ) {
        self.init(.error, message, at: range, label: label, notes: notes, hints: hints)
    }
}

/// Several diagnostics of one Dockerfile, thrown together and reported sorted by place.
public struct DiagnosticsError: Error, Sendable {
    public let source: SourceText
    public let diagnostics: [Diagnostic]

    public init(source: SourceText, diagnostics: [Diagnostic]) {
        self.source = source
        self.diagnostics = diagnostics.sorted {
            ($0.range?.start ?? 0, $0.severity) < ($1.range?.start ?? 0, $1.severity)
        }
    }
}
