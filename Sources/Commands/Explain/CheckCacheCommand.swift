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
        abstract: "Tell which steps of a build are in the cache, and make nothing.",
        discussion: """
            Takes the options of `build`. No step is made, no image is pulled, and nothing is written to the store but what
            has to be fetched to be looked up: contexts and sources of ADD from elsewhere, and with --cache-from what a
            base image is. What a stage would copy out of another one that has to be made is not known, and neither are
            the steps above it.

            With --expect-cached the exit code is 4 when a step is not in the cache.

            EXAMPLES:
              swiftbuild check-cache .
              swiftbuild check-cache --expect-cached -f Dockerfile.release .
            """
    )

    @OptionGroup var build: BuildCommand

    @Option(name: .customLong("format"), help: "How it is printed.")
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
