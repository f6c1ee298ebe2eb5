/// One message to the user about a place in a Dockerfile.
public struct Diagnostic: Sendable, Error {
    /// How bad it is; an error sorts before a warning, a warning before a note.
    public enum Severity: String, Sendable, Comparable {
        case error
        case warning
        case note

        /// Whether the left one is worse.
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
        /// One lower-case sentence without a full stop.
        public let message: String
        /// The related place.
        public let range: SourceRange

        /// Creates a note.
        public init(_ message: String, at range: SourceRange) {
            self.message = message
            self.range = range
        }
    }

    /// How bad it is.
    public let severity: Severity
    /// The build check that fired (`StageNameCasing`), for warnings.
    public let rule: String?
    /// One lower-case sentence without a full stop.
    public let message: String
    /// The words to point at; `nil` when the message is about the file as a whole.
    public let range: SourceRange?
    /// Written behind the caret (`did you mean …`).
    public let label: String?
    /// Related places.
    public let notes: [Note]
    /// Written last, one line each, as `hint: …`.
    public let hints: [String]

    /// Creates a diagnostic of any severity.
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
        _ message: String,
        at range: SourceRange?,
        label: String? = nil,
        notes: [Note] = [],
        hints: [String] = []
    ) {
        self.init(.error, message, at: range, label: label, notes: notes, hints: hints)
    }
}

/// Several diagnostics of one Dockerfile, thrown together and reported sorted by place.
public struct DiagnosticsError: Error, Sendable {
    /// The text that the ranges point into.
    public let source: SourceText
    /// Sorted by place, worse ones first.
    public let diagnostics: [Diagnostic]

    /// Creates an error and sorts its diagnostics.
    public init(source: SourceText, diagnostics: [Diagnostic]) {
        self.source = source
        self.diagnostics = diagnostics.sorted {
            ($0.range?.start ?? 0, $0.severity) < ($1.range?.start ?? 0, $1.severity)
        }
    }
}
