import ArgumentParser
import Glibc
import Images
import OCI

/// How a command prints what it found.
enum OutputFormat: String, Sendable, CaseIterable, ExpressibleByArgument {
    case text
    case json
}

/// `swiftbuild history`.
struct HistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "List the instructions that made an image, newest first.",
        discussion: """
            Instructions are shown as they would stand in a Dockerfile; --no-trunc shows them as the image has them.

            \(ImageLocation.help)
            """
    )

    @OptionGroup var global: GlobalOptions

    @Argument(help: ArgumentHelp("The image.", valueName: "image"))
    var name: String

    @Flag(name: .customLong("no-trunc"), help: "Show whole instructions and IDs.")
    var showsWholeText = false

    @Option(name: .customLong("format"), help: "How the rows are printed.")
    var format = OutputFormat.text

    func run() async throws {
        let images = try global.images()
        let opened = try await OpenedImage(name, in: images)
        let rows = try images.history(of: opened.image)
        switch format {
        case .text:
            Terminal.print(HistoryRow.table(rows, now: Int64(time(nil)), truncated: !showsWholeText))
        case .json:
            let places = DockerfilePlaces(of: opened)
            try Terminal.print(json: rows.map { PlacedRow(row: $0, place: $0.layer.flatMap { places[$0] }) })
        }
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
