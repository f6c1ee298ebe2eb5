import BuildEngine
import ContainerRuntime
import FileSystem
import Glibc
import Layers
import Reporting
import SystemPackage

/// How a command ends that did not do its work: what to print, and the exit code.
struct CommandFailure: Error {
    let status: Int32
    /// Complete lines for standard error, empty when everything was said already.
    let text: String
    /// What the text says.
    private(set) var problems: [Problem] = []

    init(_ message: String, hints: [String] = [], status: Int32 = ExitStatus.failure) {
        self.status = status
        // What they quote may come from images and servers of strangers.
        text = (["error: \(message)"] + hints.map { "hint: \($0)" }).flatMap { $0.split(separator: "\n") }
            .map { EscapedText.escaped(String($0)) + "\n" }.joined()
        problems = [Problem(message, hints: hints)]
    }

    private init(status: Int32, text: String, _ problems: [Problem]) {
        self.status = status
        self.text = text
        self.problems = problems
    }

    /// Ends with an exit code of which everything was said: that of a process that ran in the place of this one.
    init(exitCode: Int32) {
        self.init(status: exitCode, text: "", [])
    }

    /// The same with another exit code.
    func with(status: Int32) -> CommandFailure { CommandFailure(status: status, text: text, problems) }

    /// Finds words and exit code for any error.
    init(_ error: any Error) {
        switch error {
        case let error as CommandFailure: self = error
        case let error as UserError: self.init(error.message, hints: error.hints, status: error.status.rawValue)
        case let error as DiagnosticsError: self.init(error)
        case BuildError.dockerfile(let error): self.init(error)
        case BuildError.runFailed(let failure): self.init(failure)
        case BuildError.notCached(let miss): self.init(miss)
        case BuildError.environment(let message, let hint):
            self.init(message, hints: hint.map { [$0] } ?? [], status: ExitStatus.environment)
        case ContainerError.notPermitted:
            self.init(
                "\(error)",
                hints: [
                    "run as root, or allow unprivileged user namespaces; Dockerfiles without RUN build without either"
                ],
                status: ExitStatus.environment
            )
        case let error as SystemError where error.path == StandardOutput.name:
            self.init("cannot write to \(error.path): \(error.errno.sentence)", status: ExitStatus.environment)
        case let error as SystemError:
            self.init(error.description, hints: CommandFailure.hints(error), status: ExitStatus.environment)
        case LayerError.attributeRefused:
            self.init(
                "\(error)",
                hints: ["`--root DIR` or SWIFTBUILD_ROOT names a store on another filesystem, which may take it"],
                status: ExitStatus.environment
            )
        case is CancellationError:
            self.init(status: ExitStatus.interrupted, text: "interrupted\n", [Problem("interrupted")])
        default: self.init("\(error)")
        }
    }

    private static var renderer: DiagnosticRenderer {
        DiagnosticRenderer(usesColour: Terminal.usesColour(STDERR_FILENO))
    }

    private init(_ error: DiagnosticsError) {
        let problems = error.diagnostics.map { Problem($0, in: error.source) }
        self.init(status: ExitStatus.failure, text: CommandFailure.renderer.render(error), problems)
    }

    private init(_ failure: BuildError.RunFailure) {
        let cause =
            failure.isSignal ? "was ended by signal \(failure.code - 128)" : "failed with exit code \(failure.code)"
        let diagnostic = Diagnostic("`\(failure.command)` \(cause)", at: failure.range)
        var text = CommandFailure.renderer.render(diagnostic, in: failure.source)
        if !failure.lastOutput.isEmpty {
            text += "last output:\n" + failure.lastOutput.map { "  | \(Terminal.safe(output: $0))\n" }.joined()
        }
        self.init(status: ExitStatus.failure, text: text, [Problem(diagnostic, in: failure.source)])
    }

    private init(_ miss: BuildError.NotCached) {
        let message = "`\(miss.step.text)` is not in the cache, as --expect-cached demands"
        let diagnostic = Diagnostic(message, at: miss.range)
        let lines = miss.explanation.lines
        self.init(
            status: ExitStatus.notCached,
            text: CommandFailure.renderer.render(diagnostic, in: miss.source)
                + lines.enumerated().map { ($0 == 0 ? "why: " : "     ") + "\($1)\n" }.joined(),
            [Problem(diagnostic, in: miss.source, hints: lines)]
        )
    }

    private static func hints(_ error: SystemError) -> [String] {
        switch error.errno {
        case .noSpace, .diskQuotaExceeded:
            ["the disk is full; `swiftbuild prune` frees what no image uses"]
        case .permissionDenied, .readOnlyFileSystem:
            ["`--root DIR` or SWIFTBUILD_ROOT names another directory for the store"]
        default: []
        }
    }

    func report() {
        Terminal.write(text, to: STDERR_FILENO)
    }
}
