import BuildEngine
import BuildRecords
import BuildService
import CommandSupport
import ContainerCommands
import Images
import Reporting
import TerminalUI

/// What `swiftbuild build` was asked for: what to build, and how to show it.
struct BuildInvocation: Sendable, Equatable {
    enum OnError: String, CaseIterable, Sendable {
        case fail, shell
    }

    var root: String?
    var options: BuildOptions
    var progress: ProgressMode?
    var isQuiet = false
    /// What is done where a RUN failed.
    var onError: OnError?
    /// Options that were given and have no effect here, which the user hears about.
    var withoutEffect: [String] = []
    /// Whether nothing is built, and how what the checks find is shown.
    var check: OutputFormat?

    /// Builds, or checks, and shows how.
    func run() async throws -> ExitStatus {
        let store = StoreLocation(root)
        if let check { return try await CheckCommand.check(options, in: store, format: check) }
        let progress = isQuiet ? .quiet : progress ?? .usual
        let renderer = progress.renderer()
        if !withoutEffect.isEmpty {
            let names = withoutEffect.joined(separator: ", ")
            renderer.show(.note("ignoring \(names): build processes have no resource limits"))
        }
        do {
            let record = try await Signals.cancelling {
                try await BuildService(store) { renderer.show($0) }.build(options)
            }
            renderer.summarise { BuildSummary(record, in: store.look().store).text }
            renderer.finish()
            if progress == .quiet, let id = record.image { Terminal.print("\(id)") }
            return .success
        } catch {
            renderer.finish()
            let failure = FailureReport(error)
            renderer.fail(failure)
            if onError == .shell, case BuildError.runFailed = error {
                _ = try DebugShell.open([], build: nil, try store.open().layers)
            }
            return failure.status
        }
    }
}
