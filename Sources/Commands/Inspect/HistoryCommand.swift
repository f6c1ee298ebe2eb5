import ArgumentParser
import BuildRecords
import CommandSupport
import Distribution
import Formatting
import Glibc
import Images
import OCI
import Reporting
import TerminalUI

/// `swiftbuild history`.
struct HistoryCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "List the instructions that made an image, newest first.",
        discussion: """
            Instructions are shown without what the builder added around them; --no-trunc shows them in full.

            Fields for --format: .ID, .CreatedSince, .CreatedAt, .CreatedBy, .Size, .Comment; `json` prints everything \
            as one document.

            \(ImageLocation.help)

            EXAMPLES:
              swiftbuild history app
              swiftbuild history --format '{{.Size}} {{.CreatedBy}}' docker://alpine
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var looking: PlatformOption

    @Argument(help: ArgumentHelp("The image.", valueName: "image"))
    var name: String

    @Flag(name: .customLong("no-trunc"), help: "Show whole instructions and IDs.")
    var showsWholeText = false

    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Print only IDs.")
    var isQuiet = false

    @Option(name: .customLong("format"), help: ArgumentHelp(RowFormat.help, valueName: "format"))
    var format: String?

    func run() async throws -> ExitStatus {
        let format = try RowFormat(parsing: format)
        let images = try global.store.openExisting()
        let opened = try await OpenedImage(name, in: images, platform: looking.platform, needs: .documents)
        let rows = try images.history(of: opened.image)
        if isQuiet {
            for row in rows { Terminal.print(id(row)) }
            return .success
        }
        if case .json = format {
            let places = opened.places
            var layer = opened.content.layers.count
            let placed = rows.map { row in
                // Newest first.
                if row.layer != nil { layer -= 1 }
                return PlacedRow(row: row, place: row.layer.flatMap { _ in places[layer] })
            }
            try Terminal.print(json: placed)
            return .success
        }
        let now = Int64(time(nil))
        try format.print(rows, fields(now), columns: ["ID", "CreatedSince", "CreatedBy", "Size", "Comment"])
        return .success
    }

    private func id(_ row: HistoryRow) -> String {
        row.id.map { showsWholeText ? "\($0)" : $0.short } ?? "<missing>"
    }

    private func shortened(_ row: HistoryRow) -> String {
        guard !showsWholeText else { return row.createdBy }
        let text = EscapedText.escaped(row.instruction)
        return text.count > 45 ? text.prefix(44) + "…" : text
    }

    /// Docker's.
    private func fields(_ now: Int64) -> [RowFormat.Field<HistoryRow>] {
        [
            .init("ID", "IMAGE", id),
            .init("CreatedSince", "CREATED") {
                HumanReadable.age(secondsSinceEpoch: $0.created?.secondsSinceEpoch, now: now)
            },
            .init("CreatedAt", "CREATED AT") { $0.created?.description ?? "N/A" },
            .init("CreatedBy", "CREATED BY", cell: shortened) { showsWholeText ? $0.createdBy : $0.instruction },
            .init("Size", "SIZE") { HumanReadable.size($0.size) },
            .init("Comment", "COMMENT") { $0.comment },
        ]
    }
}

/// A row with the place of its instruction, where that is known.
private struct PlacedRow: Encodable {
    let row: HistoryRow
    let place: (dockerfile: String, line: Int)?

    private enum CodingKeys: CodingKey {
        case dockerfile, line
    }

    func encode(to encoder: any Encoder) throws {
        try row.encode(to: encoder)
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encodeIfPresent(place?.dockerfile, forKey: .dockerfile)
        try container.encodeIfPresent(place?.line, forKey: .line)
    }
}
