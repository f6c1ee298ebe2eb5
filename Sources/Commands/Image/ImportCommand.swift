import ArgumentParser
import CommandSupport
import FileSystem
import Glibc
import Images
import OCI
import Reporting
import SystemPackage
import TerminalUI

/// `swiftbuild import`.
struct ImportCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Create an image from the tar of a root filesystem.",
        discussion: """
            EXAMPLES:
              swiftbuild import rootfs.tar base:1.0
              swiftbuild import -c 'CMD ["sh"]' -m 'from backup' rootfs.tar base
              mmdebstrap bookworm - | swiftbuild import - debian:bookworm
            """
    )

    @OptionGroup var global: GlobalOptions

    @OptionGroup var change: ConfigurationChangeOption

    @Option(
        name: [.customShort("m"), .customLong("message")],
        help: ArgumentHelp("The comment in the history.", valueName: "text")
    )
    var message: String?

    @Option(name: .customLong("platform"), help: ArgumentHelp("The platform of the files.", valueName: "os/arch"))
    var platform: String?

    @Argument(help: "The tar, plain or compressed; `-` for standard input.")
    var file: String

    @Argument(help: "A name for the image.")
    var name: String?

    func run() throws -> ExitStatus {
        let names = try name.map { [try UserError.reading("the name", $0, ImageReference.init(parsing:))] } ?? []
        var configuration = ImageConfiguration(platform: try Platform.wanted(platform) ?? .host)
        let epoch = ProcessEnvironment["SOURCE_DATE_EPOCH"].flatMap { Int64($0) }
        configuration.created = Timestamp(secondsSinceEpoch: epoch ?? Int64(time(nil)))
        configuration.config = try change.applied(to: configuration.config)
        let (settings, images) = (configuration, try global.store.open())
        let image = try OutputDestination.explaining {
            try file == "-"
                ? images.importRootFilesystem(
                    descriptor: STDIN_FILENO,
                    name: "standard input",
                    configuration: settings,
                    message: message ?? "Imported from -",
                    names: names
                )
                : images.importRootFilesystem(
                    FilePath(file),
                    configuration: settings,
                    message: message ?? "Imported from \(file)",
                    names: names
                )
        }
        Terminal.print("\(image.id)")
        return .success
    }
}
