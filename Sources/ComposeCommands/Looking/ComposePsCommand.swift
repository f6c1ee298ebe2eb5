public import ArgumentParser
internal import CommandSupport
internal import Compose
internal import ContainerCommands
public import Containers
internal import Formatting
internal import Glibc
internal import Reporting
internal import TerminalUI

/// `swiftbuild compose ps`.
struct ComposePsCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "ps",
        abstract: "List the containers of a project.",
        discussion: """
            Fields for --format are those of `swiftbuild ps`, and .Service, .Project, .Name, .ExitCode and .Health.

            EXAMPLES:
              swiftbuild compose ps
              swiftbuild compose ps -a --format json
              swiftbuild compose ps --services --status running
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var flags: ComposeFlags

    @Flag(name: [.customShort("a"), .customLong("all")], help: "Include containers that are not running.")
    var showsAll = false

    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Print only the IDs.")
    var isQuiet = false

    @Flag(name: .customLong("services"), help: "Print only the names of the services.")
    var listsServices = false

    @Flag(name: .customLong("no-trunc"), help: "Show whole IDs and commands.")
    var showsWhole = false

    @Flag(
        name: .customLong("orphans"),
        inversion: .prefixedNo,
        help: "Include services that are not in the file (the default)."
    )
    var showsOrphans = true

    @Option(
        name: .customLong("status"),
        help: ArgumentHelp("Only containers that are running, exited, paused, …; may repeat.", valueName: "status")
    )
    var statuses: [ContainerState.Status] = []

    @Option(
        name: .customLong("filter"),
        help: ArgumentHelp("Only some: status=exited; may repeat.", valueName: "name=value")
    )
    var filters: [String] = []

    @Option(name: .customLong("format"), help: ArgumentHelp(RowFormat.help, valueName: "format"))
    var format: String?

    @Argument(help: "Only these services.")
    var services: [String] = []

    func run() throws -> ExitStatus {
        let format = try RowFormat(parsing: format)
        let statuses =
            try statuses + (NamedFilters(filters, known: ["status"])["status"] ?? []).map(ComposePsCommand.status)
        let project = try flags.openExisting(in: global)
        let containers = try project.containers(of: services).filter { container in
            let state = container.container.state
            let isKnown = project.definition?.declaredServices.contains(container.service) ?? true
            return (statuses.isEmpty ? showsAll || state.isRunning : statuses.contains(state.status))
                && (showsOrphans || isKnown)
        }
        if listsServices {
            for name in Set(containers.map(\.service)).sorted() { Terminal.print(name) }
        } else if isQuiet {
            for container in containers { Terminal.print("\(container.container.id)") }
        } else {
            try format.print(
                try containers.map { (container: $0, summary: try project.store.summary($0.container.id)) },
                fields,
                columns: ["Name", "Image", "Command", "Service", "RunningFor", "Status", "Ports"]
            )
        }
        return .success
    }

    private static func status(_ text: String) throws -> ContainerState.Status {
        guard let status = ContainerState.Status(rawValue: text) else {
            let known = ContainerState.Status.allCases.map(\.rawValue).joined(separator: ", ")
            throw UserError("--filter status: unknown `\(text)`; known are \(known)", status: .usage)
        }
        return status
    }

    private typealias Row = (container: ServiceContainer, summary: ContainerSummary)

    private var fields: [RowFormat.Field<Row>] {
        let own: [RowFormat.Field<Row>] = [
            .init("Name", "NAME") { $0.container.name },
            .init("Service", "SERVICE") { $0.container.service },
            .init("Project", "PROJECT") { $0.container.container.record.labels["com.docker.compose.project"] ?? "" },
            .init("ExitCode", "EXIT CODE") { "\($0.summary.exitCode)" },
            .init("Health", "HEALTH") { $0.summary.health?.rawValue ?? "" },
        ]
        return own
            + PsCommand.fields(showsWhole: showsWhole, now: Int64(time(nil))).map { field in field.of(\.summary) }
    }
}

extension ContainerState.Status: ExpressibleByArgument {}
