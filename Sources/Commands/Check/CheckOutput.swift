import BuildChecks
import BuildContext
import BuildPlanning
import DockerfileSyntax
import FileSystem
import Glibc
import Images
import OCI
import Reporting
import SystemPackage
import TerminalUI

extension BuildOptions {
    /// Prints what the checks find, and nothing else: no step is made and no file is written.
    ///
    /// - Returns: 1 when there are errors, or warnings that count as errors.
    func printChecks(_ format: OutputFormat) async throws -> ExitStatus {
        let root = root
        let store = { @Sendable in try StoreLocation(root).open().store }
        var options = PlanOptions(target: target, buildArguments: try BuildArguments(self).values)
        options.targetPlatform = try Platform.wanted(platform) ?? options.targetPlatform
        options.namedContexts = try NamedContexts(buildContexts, store: store).kinds
        let files = try await BuildFiles(context: context, dockerfile: file, store: store)
        let diagnostics: [Diagnostic]
        do {
            let images = try existingImages()
            let report = try CheckReport(
                files.dockerfile,
                options: options,
                ignoring: files.context?.ignoreFile ?? .empty
            ) { source in
                images?.find(reference: source.reference).flatMap { try? images?.content(of: $0).configuration }
            }
            diagnostics =
                report.errors + report.warnings.map(\.diagnostic) + report.otherWarnings
                + (report.failure.map { [$0] } ?? [])
        } catch let error as DiagnosticsError {
            diagnostics = error.diagnostics
        }
        let found = DiagnosticsError(source: files.dockerfile, diagnostics: diagnostics)
        switch format {
        case .text:
            Terminal.write(
                DiagnosticRenderer(usesColour: Terminal.usesColour(STDOUT_FILENO)).render(found),
                to: STDOUT_FILENO
            )
            if diagnostics.isEmpty { Terminal.write("note: nothing to complain of\n", to: STDERR_FILENO) }
            GitHubAnnotation.show(found.diagnostics.map { Problem($0, in: found.source) })
        case .json:
            try Terminal.print(json: DiagnosticsDocument(found))
        }
        return diagnostics.contains { $0.severity == .error } ? .failure : .success
    }

    /// The store if there is one: looking at a Dockerfile is no reason to make it.
    private func existingImages() throws -> ImageStore? {
        let location = StoreLocation(root)
        return FileStatus.ifPresent(location.root.appending("oci-layout")) == nil ? nil : try location.open()
    }
}

/// Diagnostics as `--format json` prints them; lines and columns count from 1, the end is behind the last character.
private struct DiagnosticsDocument: Encodable {
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

    init(_ found: DiagnosticsError) {
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
