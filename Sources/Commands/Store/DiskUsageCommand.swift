import ArgumentParser
import Formatting
import Images
import Reporting
import TerminalUI

/// `swiftbuild df`.
struct DiskUsageCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "df",
        abstract: "Show what the store takes up on the disk, by kind.",
        discussion: """
            Sizes are those of du(1). Reclaimable is what `swiftbuild prune --all` would free.
            Fields for --format: .Type, .TotalCount, .Size, .Reclaimable; `json` prints one document in bytes.

            EXAMPLES:
              swiftbuild df
              swiftbuild df --format json
            """
    )

    @OptionGroup var global: GlobalOptions

    @Option(name: .customLong("format"), help: ArgumentHelp(RowFormat.help, valueName: "format"))
    var format: String?

    @Flag(name: [.customShort("v"), .customLong("verbose")], help: "List the images and what builds left, one by one.")
    var isVerbose = false

    func run() throws -> ExitStatus {
        let format = try RowFormat(parsing: format)
        let usage = try global.hasStore ? StoreUsage(try global.images()) : StoreUsage()
        if case .json = format {
            try Terminal.print(json: usage)
            return .success
        }
        let fields: [RowFormat.Field<StoreUsage.Row>] = [
            .init("Type", "TYPE") { $0.title },
            .init("TotalCount", "TOTAL") { String($0.count) },
            .init("Size", "SIZE") { HumanReadable.size($0.size) },
            .init("Reclaimable", "RECLAIMABLE") { StoreUsage.share($0.reclaimable, of: $0.size) },
        ]
        try format.print(usage.rows, fields) { usage.table }
        if isVerbose, case .table = format, global.hasStore { try StoreContents(global.images()).print() }
        return .success
    }
}
