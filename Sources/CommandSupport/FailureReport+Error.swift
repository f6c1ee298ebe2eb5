import BuildEngine
import ContainerNetworks
import ContainerRuntime
import FileSystem
import Layers
import Registry
import Reporting
import SystemPackage
import Tar
public import TerminalUI

extension FailureReport {
    /// Finds words and exit code for any error.
    public init(_ error: any Error) {
        switch error {
        case let error as ServiceFailure: self = FailureReport(error.cause).adding("in the service `\(error.service)`")
        case let error as UserError: self.init(error)
        case let error as DiagnosticsError: self.init(error)
        case BuildError.dockerfile(let error): self.init(error)
        case BuildError.runFailed(let failure): self.init(failure)
        case BuildError.notCached(let miss): self.init(miss)
        case BuildError.environment(let message, let hint):
            self.init(UserError(message, hints: hint.map { [$0] } ?? [], status: .environment))
        case ContainerError.notPermitted:
            self.init(
                error,
                "run as root (`--user 0` in a container), allow user namespaces, or allow `ptrace` and seccomp user notification",
                .environment
            )
        case let error as SystemError where error.path == StandardOutput.name:
            self.init(UserError("cannot write to \(error.path): \(error.errno.sentence)", status: .environment))
        case let error as SystemError: self.init(error, FailureReport.hint(error), .environment)
        case LayerError.attributeRefused:
            self.init(
                error,
                "`--root DIR` or SWIFTBUILD_ROOT names a store on another filesystem, which may take it",
                .environment
            )
        case let error as RegistryError: self.init(UserError("\(error)", hints: error.hints))
        case let error as LoginError: self.init(error, error.hint)
        case let error as NetworkError: self.init(error, error.hint)
        case is CancellationError:
            self.init(status: .interrupted, text: "interrupted\n", [Problem("interrupted")])
        default: self.init(error, nil)
        }
    }

    private init(_ error: any Error, _ hint: String?, _ status: ExitStatus = .failure) {
        self.init(UserError("\(error)", hints: hint.map { [$0] } ?? [], status: status))
    }

    private init(_ failure: BuildError.RunFailure) {
        let cause =
            failure.isSignal ? "was ended by signal \(failure.code - 128)" : "failed with exit code \(failure.code)"
        let lines = failure.lastOutput.map { "  | \(Terminal.safe(output: $0))\n" }.joined()
        self.init(
            Diagnostic("`\(failure.command)` \(cause)", at: failure.range),
            in: failure.source,
            suffix: lines.isEmpty ? "" : "last output:\n" + lines
        )
    }

    private init(_ miss: BuildError.NotCached) {
        let lines = miss.explanation.lines
        self.init(
            Diagnostic("`\(miss.step.text)` is not in the cache, as --expect-cached demands", at: miss.range),
            in: miss.source,
            status: .notCached,
            suffix: lines.enumerated().map { ($0 == 0 ? "why: " : "     ") + "\($1)\n" }.joined(),
            hints: lines
        )
    }

    private static func hint(_ error: SystemError) -> String? {
        switch error.errno {
        case .noSpace, .diskQuotaExceeded: "the disk is full; `swiftbuild prune` frees what no image uses"
        case .permissionDenied, .readOnlyFileSystem:
            "`--root DIR` or SWIFTBUILD_ROOT names another directory for the store"
        default: nil
        }
    }
}
