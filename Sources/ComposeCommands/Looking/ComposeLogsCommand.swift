internal import ArgumentParser
internal import CommandSupport
internal import ContainerCommands
internal import Containers
internal import Glibc
internal import Reporting
internal import TerminalUI

/// `swiftbuild compose logs`.
struct ComposeLogsCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "logs",
        abstract: "Show the output of services, each line with the name of its container in front.",
        discussion: """
            EXAMPLES:
              swiftbuild compose logs web
              swiftbuild compose logs -f --tail 20
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var flags: ComposeFlags
    @OptionGroup var logFlags: LogFlags

    @Flag(name: .customLong("no-log-prefix"), help: "Show output without the name of its container.")
    var hasNoPrefix = false

    @Flag(name: .customLong("no-color"), help: "Show names without colours.")
    var hasNoColour = false

    @Option(
        name: .customLong("index"),
        help: ArgumentHelp("Which of the service's containers.", valueName: "number")
    )
    var index: Int?

    @Argument(help: "Only these services.")
    var services: [String] = []

    func run() async throws -> ExitStatus {
        let selection = try logFlags.selection
        let project = try flags.openExisting(in: global)
        let containers = try project.containers(of: services, includesOneOffs: !services.isEmpty).filter {
            index == nil || $0.number == index
        }
        let logs = ServiceLogs(
            containers,
            ServiceLogs.Style(
                hasPrefix: !hasNoPrefix,
                hasColours: !hasNoColour && Terminal.usesColour(STDOUT_FILENO),
                showsTimes: logFlags.showsTimes
            ),
            selection
        )
        if logFlags.follows {
            try await logs.follow(project.store, tellsEnds: false)
        } else {
            logs.printNew(isFirst: true)
            logs.finish()
        }
        return .success
    }
}
