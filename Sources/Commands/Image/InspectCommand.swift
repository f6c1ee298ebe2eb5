import ArgumentParser
import Glibc
import Images

/// `swiftbuild inspect`.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Print everything about images as JSON, under Docker's field names."
    )

    @OptionGroup var global: GlobalOptions

    @Argument(help: "Names or IDs of images.")
    var names: [String]

    func run() throws {
        let images = try global.images()
        Terminal.write(try Inspection.json(try names.map { try images.inspect($0) }), to: STDOUT_FILENO)
    }
}

/// `swiftbuild history`.
struct HistoryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "List the instructions that made an image, newest first."
    )

    @OptionGroup var global: GlobalOptions

    @Argument(help: "Name or ID of an image.")
    var name: String

    @Flag(name: .customLong("no-trunc"), help: "Show whole instructions.")
    var showsWholeText = false

    func run() throws {
        let images = try global.images()
        let rows = try images.history(of: try images.find(name))
        Terminal.write(
            HistoryRow.table(rows, now: Int64(time(nil)), truncated: !showsWholeText).render(),
            to: STDOUT_FILENO
        )
    }
}
