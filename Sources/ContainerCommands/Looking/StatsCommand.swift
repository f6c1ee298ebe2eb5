import ArgumentParser
import CommandSupport
import ContainerNetworks
import Containers
import Formatting
import Glibc
import Reporting
import TerminalUI
import Threads

/// `swiftbuild stats`.
struct StatsCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "stats",
        abstract: "Show what containers use of the machine.",
        discussion: """
            Control groups count it; where the machine has none, it is summed over the processes.
            Fields for --format: .Container, .ID, .Name, .CPUPerc, .MemUsage, .MemPerc, .NetIO, .BlockIO, .PIDs.

            EXAMPLES:
              swiftbuild stats
              swiftbuild stats --no-stream --format '{{.Name}} {{.CPUPerc}}' web
            """
    )

    @OptionGroup var global: GlobalOptions

    @Flag(name: [.customShort("a"), .customLong("all")], help: "Also those that do not run.")
    var showsAll = false

    @Flag(name: .customLong("no-stream"), help: "Only once.")
    var isOnce = false

    @Flag(name: .customLong("no-trunc"), help: "Show whole IDs.")
    var showsWhole = false

    @Option(name: .customLong("format"), help: ArgumentHelp(RowFormat.help, valueName: "format"))
    var format: String?

    @Argument(help: "Names or IDs of containers; all that run without any.")
    var names: [String] = []

    private struct Row {
        let container: Container
        let typed: String
        let usage: ResourceUsage?
        /// Percent of one processor.
        let share: Double?
    }

    func run() async throws -> ExitStatus {
        let format = try RowFormat(parsing: format)
        let store = try global.containers()
        // Named ones have to be there, also if they do not run.
        _ = try names.map { try store.find($0) }
        return try await show(store, format)
    }

    private func show(_ store: ContainerStore, _ format: RowFormat) async throws -> ExitStatus {
        var (region, earlier): (LiveTable, [String: ResourceUsage]) = (LiveTable(), [:])
        for round in 0... {
            let chosen = try names.isEmpty ? store.all().map { ("\($0.id)", $0) } : named(store)
            let rows = chosen.filter { !names.isEmpty || showsAll || $0.1.state.isRunning }.map { typed, container in
                let usage = try? container.usage()
                return Row(
                    container: container,
                    typed: names.isEmpty ? id(container) : typed,
                    usage: usage,
                    share: usage.flatMap { now in earlier["\(container.id)"].flatMap { now.processorShare(since: $0) } }
                )
            }
            earlier = Dictionary(rows.compactMap { row in row.usage.map { ("\(row.container.id)", $0) } }) { $1 }
            if round > 0 {
                if case .table = format, !isOnce, Terminal.isLive(STDOUT_FILENO) {
                    region.draw(RowFormat.table(rows, fields, columns: Self.columns))
                } else {
                    try format.print(rows, fields, columns: Self.columns)
                }
                if isOnce { return .success }
            }
            try await Pause.wait(seconds: round == 0 ? 0.5 : 1)
        }
        return .success
    }

    /// One that was removed meanwhile is no longer shown.
    private func named(_ store: ContainerStore) throws -> [(String, Container)] {
        names.compactMap { name in (try? store.find(name)).map { (name, $0) } }
    }

    private func id(_ container: Container) -> String { showsWhole ? "\(container.id)" : container.id.short }

    private static let columns = ["ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs"]

    /// Docker's; `--` for what there is not.
    private var fields: [RowFormat.Field<Row>] {
        func pair(_ row: Row, _ body: (ResourceUsage) -> (String, String)) -> String {
            let (first, second) = row.usage.map(body) ?? ("--", "--")
            return "\(first) / \(second)"
        }
        return [
            .init("Container", "CONTAINER") { $0.typed },
            .init("ID", "CONTAINER ID") { id($0.container) },
            .init("Name", "NAME") { "\($0.container.record.name)" },
            .init("CPUPerc", "CPU %") { $0.share.map { HumanReadable.hundredths($0) + "%" } ?? "--" },
            .init("MemUsage", "MEM USAGE / LIMIT") { row in
                pair(row) { (HumanReadable.binarySize($0.memory), HumanReadable.binarySize($0.memoryLimit)) }
            },
            .init("MemPerc", "MEM %") { row in
                row.usage.map {
                    HumanReadable.hundredths(Double($0.memory) / Double(max(1, $0.memoryLimit)) * 100) + "%"
                } ?? "--"
            },
            .init("NetIO", "NET I/O") { row in
                pair(row) { (HumanReadable.size($0.received), HumanReadable.size($0.sent)) }
            },
            .init("BlockIO", "BLOCK I/O") { row in
                pair(row) { (HumanReadable.size($0.read), HumanReadable.size($0.written)) }
            },
            .init("PIDs", "PIDS") { row in row.usage.map { "\($0.processes)" } ?? "--" },
        ]
    }
}

extension ResourceUsage {
    /// How much of one processor the container has had since, in percent.
    fileprivate func processorShare(since earlier: ResourceUsage) -> Double? {
        guard time > earlier.time, processorTime >= earlier.processorTime else { return nil }
        return Double(processorTime - earlier.processorTime) / Double(time - earlier.time) * 100
    }
}
