package import ArgumentParser
import CommandSupport
import ContainerNetworks
import ContainerRuntime
package import Containers
import Formatting
import Glibc
import OCI
package import Reporting
package import TerminalUI

/// `swiftbuild ps`.
package struct PsCommand: Command {
    package static let configuration = CommandConfiguration(
        commandName: "ps",
        abstract: "List containers.",
        discussion: """
            Fields for --format: .ID, .Image, .Command, .CreatedAt, .RunningFor, .Status, .State, .Ports, .Names, \
            .Labels, .Mounts, .Networks, .Size.

            EXAMPLES:
              swiftbuild ps
              swiftbuild ps -a --filter status=exited
              swiftbuild ps -a --filter label=swiftbuild.failed-step    failed RUN steps
              swiftbuild rm $(swiftbuild ps -aq)
            """
    )

    @OptionGroup var global: GlobalOptions

    @Flag(name: [.customShort("a"), .customLong("all")], help: "Include containers that are not running.")
    var showsAll = false

    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Print only the IDs.")
    var isQuiet = false

    @Flag(name: .customLong("no-trunc"), help: "Show whole IDs and commands.")
    var showsWhole = false

    @Flag(name: [.customShort("s"), .customLong("size")], help: "Show how much each has written.")
    var showsSize = false

    @Flag(name: [.customShort("l"), .customLong("latest")], help: "Only the container that was created last.")
    var showsLatest = false

    @Option(
        name: [.customShort("n"), .customLong("last")],
        help: ArgumentHelp("Only the containers that were created last.", valueName: "number")
    )
    var count: Int?

    @Option(
        name: [.customShort("f"), .customLong("filter")],
        help: ArgumentHelp(
            "Only some: status=exited, name=TEXT, id=TEXT, ancestor=IMAGE, label=NAME[=VALUE], exited=CODE, health=STATUS, volume=NAME, network=NAME, before=CONTAINER, since=CONTAINER; may repeat.",
            valueName: "name=value"
        )
    )
    var filters: [String] = []

    @Option(name: .customLong("format"), help: ArgumentHelp(RowFormat.help, valueName: "format"))
    var format: String?

    package init() {}

    package func run() throws -> ExitStatus {
        let format = try RowFormat(parsing: format)
        let (all, unreadable) = try global.containers().summaries()
        let filter = try ContainerFilter(filters, among: all)
        for error in unreadable { Terminal.write("warning: \(Terminal.safe(output: "\(error)"))\n", to: STDERR_FILENO) }
        var containers = all.filter { container in
            filter.accepts(container)
                && (showsAll || showsLatest || count != nil || filter.hasStatus || container.status.isRunning)
        }
        if let limit = showsLatest ? 1 : count, limit >= 0 { containers = Array(containers.prefix(limit)) }
        guard !isQuiet else {
            for container in containers { Terminal.print(showsWhole ? "\(container.id)" : container.id.short) }
            return .success
        }
        try format.print(
            containers,
            PsCommand.fields(showsWhole: showsWhole, now: Int64(time(nil))),
            columns: ["ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names"]
                + (showsSize ? ["Size"] : [])
        )
        return .success
    }

    /// Docker's.
    package static func fields(showsWhole: Bool, now: Int64) -> [RowFormat.Field<ContainerSummary>] {
        [
            .init("ID", "CONTAINER ID") { showsWhole ? "\($0.id)" : $0.id.short },
            .init("Image", "IMAGE") { $0.image.isEmpty ? "<none>" : $0.image },
            .init("Command", "COMMAND") { command($0, showsWhole: showsWhole) },
            .init("CreatedAt", "CREATED AT") { "\($0.created)" },
            .init("RunningFor", "CREATED") {
                HumanReadable.age(secondsSinceEpoch: $0.created.secondsSinceEpoch, now: now)
            },
            .init("Status", "STATUS") { $0.sentence(now: now) },
            .init("State", "STATE") { $0.status.rawValue },
            .init("Ports", "PORTS") { $0.portsText },
            .init("Names", "NAMES") { $0.name },
            .init("Labels", "LABELS") { container in
                container.labels.sorted { $0.key < $1.key }.map { "\($0)=\($1)" }.joined(separator: ",")
            },
            .init("Mounts", "MOUNTS") { $0.volumes.joined(separator: ",") },
            .init("Networks", "NETWORKS") { $0.networks.joined(separator: ",") },
            .init("Size", "SIZE") { size($0.size) },
        ]
    }

    private static func size(_ size: (written: Int64, image: Int64)) -> String {
        "\(HumanReadable.size(size.written)) (virtual \(HumanReadable.size(size.written + size.image)))"
    }

    private static func command(_ container: ContainerSummary, showsWhole: Bool) -> String {
        let text = container.arguments.joined(separator: " ")
        return "\"" + (showsWhole || text.count <= 20 ? text : text.prefix(19) + "…") + "\""
    }
}

extension ContainerSummary {
    /// What `ps` says of it, in Docker's words.
    func sentence(now: Int64) -> String {
        func since(_ time: Int64?) -> String { HumanReadable.duration(seconds: max(0, now - (time ?? now))) }
        switch status {
        case .created: return "Created"
        case .running, .paused:
            let note =
                status == .paused
                ? " (Paused)"
                : health.map { " (\($0 == .starting ? "health: starting" : $0.rawValue))" } ?? ""
            return "Up \(since(started?.secondsSinceEpoch))\(note)"
        case .restarting: return "Restarting (\(exitCode)) \(since(finished?.secondsSinceEpoch)) ago"
        case .exited: return "Exited (\(exitCode)) \(since(finished?.secondsSinceEpoch)) ago"
        case .dead: return "Dead"
        }
    }
}
