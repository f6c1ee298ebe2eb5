import ArgumentParser
import CommandSupport
import Distribution
import FileSystem
import Glibc
import ImageAnalysis
import Images
import Layers
import Reporting
import SystemPackage
import Tar
import TerminalUI

/// `swiftbuild cat`.
struct CatCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "cat",
        abstract: "Write files of an image to standard output, byte for byte, without unpacking it.",
        discussion: """
            Links are followed inside the image.

            \(ImageLocation.help)

            EXAMPLES:
              swiftbuild cat app:/etc/os-release
            """
    )

    @OptionGroup var global: GlobalOptions

    @Argument(help: ArgumentHelp("The image and the path in it.", valueName: "image:/path"))
    var places: [String]

    func run() async throws -> ExitStatus {
        let images = try global.store.openExisting()
        for text in places {
            let place = ImagePath(parsing: text)
            let path = try place.requiredPath()
            let opened = try await OpenedImage(place.image, in: images)
            let content = try FileContent(path, of: try opened.files())
            try StandardOutput.ignoringClosedPipe { try content.write(to: STDOUT_FILENO, path: StandardOutput.name) }
        }
        return .success
    }
}

/// `swiftbuild cp`.
struct CopyCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "cp",
        abstract: "Copy files and directories out of an image without unpacking it.",
        discussion: """
            As with `docker cp`: into a directory that is there, otherwise to that name; `-` writes a tar to standard
            output. Files keep mode and time and belong to the current user; setuid bits and devices are left out
            unless -a is given. No link of the image or below the destination leads anywhere else.

            \(ImageLocation.help)

            EXAMPLES:
              swiftbuild cp app:/usr/local/bin/app .
              swiftbuild cp app:/etc/. etc
              swiftbuild cp oci-archive:image.tar:/var/log - | tar tv
            """
    )

    @OptionGroup var global: GlobalOptions

    @Flag(name: [.customShort("a"), .customLong("archive")], help: "Keep owners, setuid bits, devices and attributes.")
    var keepsOwners = false

    @Flag(name: [.customShort("L"), .customLong("follow-link")], help: "Copy what a link leads to.")
    var followsLink = false

    @Argument(help: ArgumentHelp("The image and the path in it.", valueName: "image:/path"))
    var source: String

    @Argument(help: ArgumentHelp("A file or directory of this machine.", valueName: "destination"))
    var destination: String

    func run() async throws -> ExitStatus {
        let place = ImagePath(parsing: source)
        let path = try place.requiredPath()
        guard !destination.isEmpty else { throw UserError("the destination is empty", status: .usage) }
        if destination == "-", Terminal.isTerminal(STDOUT_FILENO) {
            throw UserError(
                "refusing to write an archive to a terminal: name a destination or redirect",
                status: .usage
            )
        }
        let opened = try await OpenedImage(place.image, in: try global.store.openExisting())
        let extraction = try FileExtraction(
            path,
            of: try opened.files(),
            followsLink: followsLink,
            keepsOwners: keepsOwners
        )
        var omitted: [PathInRoot] = []
        if destination == "-" {
            let sink = DescriptorSink(descriptor: STDOUT_FILENO, path: StandardOutput.name)
            try StandardOutput.ignoringClosedPipe { omitted = try extraction.write(to: sink) }
        } else {
            omitted = try extraction.copy(to: FilePath(destination), endsWithSlash: destination.hasSuffix("/"))
        }
        for path in omitted {
            Terminal.write("warning: `\(path.escaped)` is a device and was left out; -a copies it\n", to: STDERR_FILENO)
        }
        return .success
    }
}
