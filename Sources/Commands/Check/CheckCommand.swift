import ArgumentParser
import Reporting

/// `swiftbuild check`: what is wrong or doubtful in a Dockerfile, without building it.
struct CheckCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check a Dockerfile without building it.",
        discussion: """
            Errors and warnings go to standard output. The exit code is 1 when there are errors, or when the Dockerfile
            says `# check=error=true` and there are warnings.

            EXAMPLES:
              swiftbuild check .
              swiftbuild check -f Dockerfile.release --format json
            """
    )

    @OptionGroup var global: GlobalOptions

    @Argument(help: "The directory that COPY and ADD would take files from.")
    var context = "."

    @Option(
        name: [.customShort("f"), .customLong("file")],
        help: ArgumentHelp("The Dockerfile; `-` for standard input.", valueName: "path")
    )
    var file: String?

    @Option(
        name: .customLong("target"),
        help: ArgumentHelp("Check only this stage and what it needs.", valueName: "stage")
    )
    var target: String?

    @Option(
        name: .customLong("build-arg"),
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("A value for ARG; without `=value` taken from the environment.", valueName: "name[=value]")
    )
    var buildArguments: [String] = []

    @Option(
        name: .customLong("platform"),
        help: ArgumentHelp("What the image would be for, such as linux/arm64.", valueName: "os/arch")
    )
    var platform: String?

    @Option(name: .customLong("format"), help: "How what was found is printed.")
    var format = OutputFormat.text

    func run() async throws -> ExitStatus {
        return try await BuildOptions(
            root: global.root,
            context: context,
            file: file,
            buildArguments: buildArguments,
            target: target,
            platform: platform
        ).printChecks(format)
    }
}
