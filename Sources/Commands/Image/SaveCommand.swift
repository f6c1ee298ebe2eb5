public import ArgumentParser
import FileSystem
import Glibc
public import Images
import OCI
import SystemPackage

extension ImageArchiveFormat: ExpressibleByArgument {}

/// `swiftbuild save`.
struct SaveCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "save",
        abstract: "Write images to an archive or an OCI layout directory.",
        discussion: """
            EXAMPLES:
              swiftbuild save -o app.tar app             an archive that `docker load` reads
              swiftbuild save -o layout/ --format oci app    an OCI layout directory
            """
    )

    @OptionGroup var global: GlobalOptions

    @Option(
        name: [.customShort("o"), .customLong("output")],
        help: ArgumentHelp("The file, or a directory with a final `/`; `-` for standard output.", valueName: "path")
    )
    var output: String = "-"

    @Option(name: .customLong("format"), help: "The form of the archive.")
    var format: ImageArchiveFormat = .docker

    @Argument(help: "Names or IDs of images.")
    var names: [String]

    func run() throws {
        if output == "-", Terminal.isTerminal(STDOUT_FILENO) {
            throw CommandFailure("an archive is not for a terminal: use -o or redirect", status: ExitStatus.usage)
        }
        let images = try global.images()
        let saved = try names.map { name in
            let image = try images.find(name)
            // Under the name that was asked for; by ID, under all its names.
            let reference = try? ImageReference(parsing: name)
            let isNamed =
                reference.map { !$0.hasFormOfID && images.find(reference: $0)?.id == image.id } ?? false
            return ListedImage(
                image: image,
                names: try isNamed ? reference.map { [$0] } ?? [] : images.names(of: image)
            )
        }
        let path = FilePath(output)
        if output.hasSuffix("/") || FileStatus.ifPresent(path)?.kind == .directory {
            guard format == .oci else {
                throw CommandFailure(
                    "a directory can only be an OCI layout: use --format oci",
                    status: ExitStatus.usage
                )
            }
            try images.save(saved, toLayout: path)
        } else {
            try images.save(saved, as: format, to: path)
        }
    }
}

/// `swiftbuild load`.
struct LoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Read images from an archive of docker or an OCI layout.",
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

    func run() throws {
        let images = try global.images()
        let loaded =
            try input == "-"
            ? images.load(descriptor: STDIN_FILENO, name: "standard input") : images.load(FilePath(input))
        for image in loaded where !isQuiet {
            for name in image.names { Terminal.print("Loaded image: \(name.familiar)") }
            if image.names.isEmpty { Terminal.print("Loaded image ID: \(image.image.id)") }
        }
    }
}

/// `swiftbuild import`.
struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Make an image of the tar of a root filesystem.",
        discussion: """
            EXAMPLES:
              swiftbuild import rootfs.tar base:1.0
              mmdebstrap --variant=minbase bookworm - | swiftbuild import - debian:bookworm
            """
    )

    @OptionGroup var global: GlobalOptions

    @Option(name: .customLong("platform"), help: ArgumentHelp("What the files are for.", valueName: "os/arch"))
    var platform: String?

    @Argument(help: "The tar, plain or compressed; `-` for standard input.")
    var file: String

    @Argument(help: "A name for the image.")
    var name: String?

    func run() throws {
        let names = try name.map { [try ImageReference(newName: $0)] } ?? []
        var configuration = ImageConfiguration(platform: try platform.map { try Platform(parsing: $0) } ?? .host)
        let epoch = environment("SOURCE_DATE_EPOCH").flatMap { Int64($0) }
        configuration.created = Timestamp(secondsSinceEpoch: epoch ?? Int64(time(nil)))
        let images = try global.images()
        let image =
            try file == "-"
            ? images.importRootFilesystem(
                descriptor: STDIN_FILENO,
                name: "standard input",
                configuration: configuration,
                names: names
            )
            : images.importRootFilesystem(
                FilePath(file),
                configuration: configuration,
                message: "Imported from \(file)",
                names: names
            )
        Terminal.print("\(image.id)")
    }
}
