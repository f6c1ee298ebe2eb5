internal import ArgumentParser
internal import CommandSupport
internal import ContainerCommands
internal import Containers
internal import Glibc
internal import OCI
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

    @Flag(name: [.customShort("f"), .customLong("follow")], help: "Follow the output until the containers end.")
    var follows = false

    @Flag(name: [.customShort("t"), .customLong("timestamps")], help: "Show when each line was written.")
    var showsTimes = false

    @Option(
        name: [.customShort("n"), .customLong("tail")],
        help: ArgumentHelp("Show only this many of the last lines of each container.", valueName: "number")
    )
    var tail = "all"

    @Option(
        name: .customLong("since"),
        help: ArgumentHelp("Only output since a time, or for a duration up to now.", valueName: "time")
    )
    var since: String?

    @Option(
        name: .customLong("until"),
        help: ArgumentHelp("Only output before a time, or a duration ago.", valueName: "time")
    )
    var until: String?

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
        var selection = ServiceLogs.Selection()
        selection.since = try since.map { try ComposeLogsCommand.time("--since", $0) }
        selection.until = try until.map { try ComposeLogsCommand.time("--until", $0) }
        if tail != "all" {
            guard let number = Int(tail), number >= 0 else {
                throw UserError("--tail: invalid number `\(tail)`", status: .usage)
            }
            selection.tail = number
        }
        let project = try flags.openExisting(in: global)
        let containers = try project.containers(of: services, includesOneOffs: !services.isEmpty).filter {
            index == nil || $0.number == index
        }
        let logs = ServiceLogs(
            containers,
            ServiceLogs.Style(
                hasPrefix: !hasNoPrefix,
                hasColours: !hasNoColour && Terminal.usesColour(STDOUT_FILENO),
                showsTimes: showsTimes
            ),
            selection
        )
        if follows {
            try await logs.follow(project.store, tellsEnds: false)
        } else {
            logs.printNew(isFirst: true)
            logs.finish()
        }
        return .success
    }

    private static func time(_ option: String, _ text: String) throws -> String {
        "\(Timestamp(nanosecondsSinceEpoch: try TimeArgument.nanoseconds(option, text)))"
    }
}
