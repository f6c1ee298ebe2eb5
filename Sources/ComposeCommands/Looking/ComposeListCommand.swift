internal import ArgumentParser
internal import CommandSupport
internal import Compose
internal import ContainerCommands
internal import Containers
internal import Reporting
internal import TerminalUI

/// `swiftbuild compose ls`.
struct ComposeListCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List the projects that have containers.",
        discussion: """
            Fields for --format: .Name, .Status, .ConfigFiles.

            EXAMPLES:
              swiftbuild compose ls -a
            """
    )

    @OptionGroup var global: GlobalOptions

    @Flag(name: [.customShort("a"), .customLong("all")], help: "Include projects of which nothing runs.")
    var showsAll = false

    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Print only the names.")
    var isQuiet = false

    @Option(
        name: .customLong("filter"),
        help: ArgumentHelp("Only some: name=TEXT; may repeat.", valueName: "name=value")
    )
    var filters: [String] = []

    @Option(name: .customLong("format"), help: ArgumentHelp(RowFormat.help, valueName: "format"))
    var format: String?

    private struct Row {
        let name: String
        let status: String
        let files: String
    }

    func run() throws -> ExitStatus {
        let format = try RowFormat(parsing: format)
        let wanted = try NamedFilters(filters, known: ["name"])
        let containers = try global.containers().all().filter { $0.record.labels[ProjectLabel.service] != nil }
        let projects = Dictionary(grouping: containers) { $0.record.labels[ProjectLabel.project] ?? "" }
        let rows = projects.filter { name, containers in
            (showsAll || containers.contains { $0.state.isRunning })
                && wanted.accepts(labels: [:]) { NamedFilters.matches($1, name) }
        }.sorted { $0.key < $1.key }.map { name, containers in
            let shown = containers.filter { showsAll || $0.state.isRunning }
            let counts = Dictionary(grouping: shown) { $0.state.status.rawValue }.mapValues(\.count)
            return Row(
                name: name,
                status: counts.sorted { $0.key < $1.key }.map { "\($0.key)(\($0.value))" }.joined(separator: ", "),
                files: containers.compactMap { $0.record.labels[ProjectLabel.files] }.first ?? ""
            )
        }
        guard !isQuiet else {
            for row in rows { Terminal.print(row.name) }
            return .success
        }
        try format.print(
            rows,
            [
                .init("Name", "NAME") { $0.name }, .init("Status", "STATUS") { $0.status },
                .init("ConfigFiles", "CONFIG FILES") { $0.files },
            ],
            columns: ["Name", "Status", "ConfigFiles"]
        )
        return .success
    }
}
