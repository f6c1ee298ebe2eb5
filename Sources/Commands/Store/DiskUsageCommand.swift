import ArgumentParser
import CommandSupport
import Formatting
import Images
import Reporting
import StoreMaintenance
import TerminalUI

/// `swiftbuild df`.
struct DiskUsageCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "df",
        abstract: "Show what the store takes up on the disk, by kind.",
        discussion: """
            Sizes are those of du(1). Reclaimable is what `swiftbuild prune --all` would free. Fields for --format: \
            .Type, .TotalCount, .Size, .Reclaimable; `json` prints one document in bytes.

            EXAMPLES:
              swiftbuild df
              swiftbuild df --format json
            """
    )

    @OptionGroup var global: GlobalOptions

    @Option(name: .customLong("format"), help: ArgumentHelp(RowFormat.help, valueName: "format"))
    var format: String?

    @Flag(name: [.customShort("v"), .customLong("verbose")], help: "List images and build data one by one.")
    var isVerbose = false

    func run() throws -> ExitStatus {
        let format = try RowFormat(parsing: format)
        let usage = try global.store.exists ? StoreUsage(try global.store.open()) : StoreUsage()
        if case .json = format {
            try Terminal.print(json: usage)
            return .success
        }
        try format.print(usage.rows, StoreUsage.fields) { usage.table }
        if isVerbose, case .table = format, global.store.exists {
            try StoreContents(global.store.open()).print()
        }
        return .success
    }
}

extension StoreUsage {
    fileprivate static var fields: [RowFormat.Field<StoreUsage.Row>] {
        [
            .init("Type", "TYPE") { $0.kind.title },
            .init("TotalCount", "TOTAL", cell: { $0.kind == .other ? "" : String($0.count) }) { String($0.count) },
            .init("Size", "SIZE") { HumanReadable.size($0.size) },
            .init("Reclaimable", "RECLAIMABLE") { share($0.reclaimable, of: $0.size) },
        ]
    }

    var table: TextTable {
        var table = RowFormat.table(rows, StoreUsage.fields, columns: ["Type", "TotalCount", "Size", "Reclaimable"])
        table.append(["Total", "", HumanReadable.size(total), StoreUsage.share(reclaimable, of: total)])
        return table
    }

    static func share(_ part: Int64, of whole: Int64) -> String {
        let percent = whole > 0 ? " (\(Int(Double(part) / Double(whole) * 100))%)" : ""
        return HumanReadable.size(part) + percent
    }
}
