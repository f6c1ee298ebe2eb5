import ArgumentParser
import CommandSupport
import Containers
import Glibc
import Images
import Reporting
import SystemPackage
import TerminalUI

/// `swiftbuild export`.
struct ExportCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write the files of a container as a tar.",
        discussion: """
            What is on its volumes is left out. `swiftbuild import` makes an image of such a tar; `swiftbuild commit` keeps
            the layers and settings of the container's image.

            EXAMPLES:
              swiftbuild export -o web.tar web
              swiftbuild export web | tar t
            """
    )

    @OptionGroup var global: GlobalOptions

    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: ArgumentHelp("The file; `-` for standard output.", valueName: "file")
    )
    var output = "-"

    @Argument(help: "Name or ID of a container.")
    var name: String

    func run() throws -> ExitStatus {
        if output == "-", Terminal.isTerminal(STDOUT_FILENO) {
            throw UserError("refusing to write an archive to a terminal: use -o or redirect", status: .usage)
        }
        let container = try global.containers().find(name)
        if output != "-" { try OutputDestination.check(FilePath(output), of: "-o") }
        try OutputFile.write(FilePath(output)) { try container.export(to: $0) }
        return .success
    }
}
