internal import Glibc
public import Reporting

/// What is printed of a command that failed, and the exit code.
public struct FailureReport: Sendable {
    public let status: ExitStatus
    /// Complete lines for standard error.
    public let text: String
    /// What the text says.
    public let problems: [Problem]

    public init(status: ExitStatus, text: String, _ problems: [Problem]) {
        self.status = status
        self.text = text
        self.problems = problems
    }

    public init(_ error: UserError) {
        // What it quotes may come from images and servers of strangers.
        let lines = (["error: \(error.message)"] + error.hints.map { "hint: \($0)" })
            .flatMap { $0.split(separator: "\n") }
        self.init(
            status: error.status,
            text: lines.map { EscapedText.escaped(String($0)) + "\n" }.joined(),
            [Problem(error.message, hints: error.hints)]
        )
    }

    public init(_ error: DiagnosticsError) {
        self.init(
            status: .failure,
            text: FailureReport.renderer.render(error),
            error.diagnostics.map { Problem($0, in: error.source) }
        )
    }

    /// - Parameters:
    ///   - suffix: Further lines of the text.
    ///   - hints: The same for programs.
    public init(
        _ diagnostic: Diagnostic,
        in source: SourceText,
        status: ExitStatus = .failure,
        suffix: String = "",
        hints: [String] = []
    ) {
        self.init(
            status: status,
            text: FailureReport.renderer.render(diagnostic, in: source) + suffix,
            [Problem(diagnostic, in: source, hints: hints)]
        )
    }

    /// The same with a last line, which is a hint for programs.
    public func adding(_ note: String) -> FailureReport {
        FailureReport(
            status: status,
            text: text + "note: \(EscapedText.escaped(note))\n",
            problems.map { $0.adding(hint: note) }
        )
    }

    private static var renderer: DiagnosticRenderer {
        DiagnosticRenderer(usesColour: Terminal.usesColour(STDERR_FILENO))
    }

    /// Prints it to standard error.
    public func write() { Terminal.write(text, to: STDERR_FILENO) }
}
