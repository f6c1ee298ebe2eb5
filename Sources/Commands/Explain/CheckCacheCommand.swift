import ArgumentParser
import BuildService
import CommandSupport
import Images
import Reporting
import TerminalUI

/// `swiftbuild check-cache`: what a build would find in the cache, without building.
struct CheckCacheCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "check-cache",
        abstract: "Show which steps of a build are in the cache, without building.",
        discussion: """
            Takes the options of `build`. No step runs, no image is pulled, and nothing is written to the store except \
            what must be fetched for the lookup: remote contexts and sources of ADD, and with --cache-from the \
            configuration of base images. Steps that copy from a stage that would have to be built are shown as \
            unknown, and so are the steps after them.

            With --expect-cached, the exit code is 4 if a step is not in the cache.

            EXAMPLES:
              swiftbuild check-cache .
              swiftbuild check-cache --expect-cached -f Dockerfile.release .
            """
    )

    @OptionGroup var build: BuildCommand

    @Option(name: .customLong("format"), help: "How to print it.")
    var format = OutputFormat.text

    func run() async throws -> ExitStatus {
        let (options, store) = (build.invocation.options, build.global.store)
        let steps = try await Signals.cancelling { try await BuildService(store).lookUp(options) }
        switch format {
        case .json: try Terminal.print(json: CacheCheck.document(steps))
        case .text: for line in steps.flatMap(\.lines) { Terminal.print(line) }
        }
        return options.expectsCached && !steps.allSatisfy(\.isCached) ? .notCached : .success
    }
}

extension CacheCheck.Step {
    fileprivate var lines: [String] {
        StepLines.lines(
            stage: hasOtherStages ? step.stageName : nil,
            number: step.number,
            total: step.total,
            text: step.text,
            state: outcome.rawValue,
            explanation: explanation
        )
    }
}
