import ArgumentParser
import BuildService
import CommandSupport
import Formatting
import Images
import Reporting
import TerminalUI

/// `swiftbuild check`: what is wrong or doubtful in a Dockerfile, without building it.
struct CheckCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check a Dockerfile without building it.",
        discussion: """
            Errors and warnings go to standard output. The exit code is 1 if there are errors, or if there are \
            warnings and the Dockerfile says `# check=error=true`.

            EXAMPLES:
              swiftbuild check .
              swiftbuild check -f Dockerfile.release --format json
            """
    )

    @OptionGroup var global: GlobalOptions

    @Argument(help: "The directory that COPY and ADD would take files from.")
    var context = "."

    @OptionGroup var inputs: InputOptions

    @Option(name: .customLong("format"), help: "How to print the results.")
    var format = OutputFormat.text

    func run() async throws -> ExitStatus {
        var options = BuildOptions(context: context)
        inputs.apply(to: &options)
        return try await CheckCommand.check(options, in: global.store, format: format)
    }

    /// Prints what the checks find.
    ///
    /// - Returns: 1 when there are errors, or warnings that count as errors.
    static func check(_ options: BuildOptions, in store: StoreLocation, format: OutputFormat) async throws -> ExitStatus
    {
        let found = try await BuildService(store).check(options)
        switch format {
        case .text: found.showFindings()
        case .json: try Terminal.print(json: found.document)
        }
        return found.statusOfFindings
    }
}
