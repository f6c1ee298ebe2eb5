public import ArgumentParser
import CommandSupport
import Distribution
import FileSystem
import Glibc
public import Images
import OCI
import Reporting
import SystemPackage
import TerminalUI

extension ImageArchiveFormat: ExpressibleByArgument {}

/// `swiftbuild save`.
struct SaveCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "save",
        abstract: "Write images to an archive or an OCI layout directory.",
        discussion: """
            EXAMPLES:
              swiftbuild save -o app.tar app    an archive that `docker load` reads
              swiftbuild save -o layout/ --format oci app    an OCI layout directory
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var looking: PlatformOption

    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: ArgumentHelp("The file, or a directory with a final `/`; `-` for standard output.", valueName: "path")
    )
    var output: String = "-"

    @Option(name: .customLong("format"), help: "The form of the archive.")
    var format: ImageArchiveFormat = .docker

    @Argument(help: "Names or IDs of images.")
    var names: [String]

    func run() async throws -> ExitStatus {
        if output == "-", Terminal.isTerminal(STDOUT_FILENO) {
            throw UserError(
                "refusing to write an archive to a terminal: use -o or redirect",
                status: .usage
            )
        }
        let images = try global.store.openExisting()
        var saved: [ListedImage] = []
        for name in names {
            let opened = try await OpenedImage(name, at: .store(name), in: images, platform: looking.platform)
            let image = opened.image
            // Under the name that was asked for; by ID, under all its names.
            let reference = try? ImageReference(parsing: name)
            let isNamed =
                reference.map {
                    !$0.hasFormOfID
                        && images.find(reference: $0, platform: opened.image.platform)?.id == image.id
                } ?? false
            saved.append(
                ListedImage(
                    image: image,
                    names: try isNamed ? reference.map { [$0] } ?? [] : images.names(of: image)
                )
            )
        }
        let path = FilePath(output)
        if output != "-", !output.hasSuffix("/"), FileStatus.ifPresent(path)?.kind != .directory {
            try OutputDestination.check(path, of: "-o")
        }
        if output.hasSuffix("/") || FileStatus.ifPresent(path)?.kind == .directory {
            guard format == .oci else {
                throw UserError(
                    "a directory can only be an OCI layout: use --format oci",
                    status: .usage
                )
            }
            try images.save(saved, toLayout: path)
        } else {
            try images.save(saved, as: format, to: path)
        }
        for listed in saved { images.note("save", listed.image.id) }
        return .success
    }
}

/// `swiftbuild load`.
struct LoadCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Load images from a Docker archive or an OCI layout.",
        discussion: """
            EXAMPLES:
              swiftbuild load -i app.tar
              docker save app | swiftbuild load
            """
    )

    @OptionGroup var global: GlobalOptions

    @Option(
        name: [.customShort("i"), .customLong("input")],
        help: ArgumentHelp("The file or directory; `-` for standard input.", valueName: "path")
    )
    var input: String = "-"

    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Print nothing.")
    var isQuiet = false

    func run() throws -> ExitStatus {
        let images = try global.store.open()
        let loaded = try OutputDestination.explaining {
            try input == "-"
                ? images.load(descriptor: STDIN_FILENO, name: "standard input") : images.load(FilePath(input))
        }
        for image in loaded where !isQuiet {
            for name in image.names { Terminal.print("Loaded image: \(name.familiar)") }
            if image.names.isEmpty { Terminal.print("Loaded image ID: \(image.image.id)") }
        }
        return .success
    }
}
