public import Reporting

/// Why a build ended without an image.
public enum BuildError: Error, Sendable {
    /// Something in the Dockerfile, or something it names, is wrong.
    case dockerfile(DiagnosticsError)
    /// A `RUN` ended with another code than 0.
    case runFailed(RunFailure)
    /// A step has no earlier result, and was not to be made.
    case notCached(NotCached)
    /// This machine does not let us do what a step needs.
    case environment(String, hint: String?)

    /// What is known of a step that should have been in the cache.
    public struct NotCached: Sendable {
        public let source: SourceText
        public let range: SourceRange
        public let step: BuildEvent.Step
        public let explanation: StepExplanation

        /// The same, told at another place.
        func at(_ range: SourceRange, in source: SourceText) -> NotCached {
            NotCached(source: source, range: range, step: step, explanation: explanation)
        }
    }

    /// What is known of a failed `RUN`.
    public struct RunFailure: Sendable {
        public let source: SourceText
        public let range: SourceRange
        /// The command as it was executed.
        public let command: String
        /// The exit code, 128 + n for a signal.
        public let code: Int32
        public let isSignal: Bool
        /// The last lines that it wrote.
        public let lastOutput: [String]

        /// The same failure, told at another place.
        func at(_ range: SourceRange, in source: SourceText) -> RunFailure {
            RunFailure(
                source: source,
                range: range,
                command: command,
                code: code,
                isSignal: isSignal,
                lastOutput: lastOutput
            )
        }
    }
}

extension BuildError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .dockerfile(let error): error.diagnostics.first?.message ?? "the Dockerfile cannot be built"
        case .runFailed(let failure): "`\(failure.command)` failed with exit code \(failure.code)"
        case .notCached(let miss): "`\(miss.step.text)` is not in the cache"
        case .environment(let message, _): message
        }
    }
}
