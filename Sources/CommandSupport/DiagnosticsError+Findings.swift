import Glibc
public import Reporting
import TerminalUI

extension DiagnosticsError {
    /// Prints what checks have found on standard output, and shows it where GitHub runs this.
    ///
    /// - Parameter subject: What a note begins with that nothing was found; empty where only one thing is checked.
    public func showFindings(_ subject: String = "") {
        Terminal.write(
            DiagnosticRenderer(usesColour: Terminal.usesColour(STDOUT_FILENO)).render(self),
            to: STDOUT_FILENO
        )
        if diagnostics.isEmpty { Terminal.write("note: \(subject)no problems found\n", to: STDERR_FILENO) }
        GitHubAnnotation.show(diagnostics.map { Problem($0, in: source) })
    }

    /// 1 when there are errors, or warnings that count as errors.
    public var statusOfFindings: ExitStatus { diagnostics.contains { $0.severity == .error } ? .failure : .success }
}
