import ArgumentParser
import CommandSupport
import ContainerCommands
import ContainerNetworks
import Containers
import ContentStore
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
    @OptionGroup var looking: PlatformOption

    @Argument(help: ArgumentHelp("The image and the path in it.", valueName: "image:/path"))
    var places: [String]

    func run() async throws -> ExitStatus {
        let images = try global.store.openExisting()
        for text in places {
            let place = ImagePath(parsing: text)
            let path = try place.requiredPath()
            let opened = try await OpenedImage(place.image, in: images, platform: looking.platform)
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
        abstract: "Copy files between this machine and a container, or out of an image.",
        discussion: """
            As with `docker cp`, copies into an existing directory, and otherwise to that name, in a directory that must \
            exist. `-` as the source reads a tar, and as the destination writes one. A container may be running or not; \
            its volumes are part of it. Links never lead outside the container or the image.

            Files keep their mode and time. In a container they belong to root; on this machine they belong to the \
            current user, without setuid bits and devices. -a keeps owners and all of that.

            \(ImageLocation.help)

            EXAMPLES:
              swiftbuild cp web:/var/log/app.log .
              swiftbuild cp settings.json web:/etc/app/
              tar c data | swiftbuild cp - web:/srv
              swiftbuild cp app:/etc/. etc
              swiftbuild cp oci-archive:image.tar:/var/log - | tar tv
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var looking: PlatformOption

    @Flag(name: [.customShort("a"), .customLong("archive")], help: "Keep owners, setuid bits, devices and attributes.")
    var keepsOwners = false

    @Flag(name: [.customShort("L"), .customLong("follow-link")], help: "Copy the target of a link.")
    var followsLink = false

    @Argument(
        help: ArgumentHelp(
            "A file or directory of this machine, or a container or image and the path in it.",
            valueName: "source"
        )
    )
    var source: String

    @Argument(
        help: ArgumentHelp(
            "A container and the path in it, or a file or directory of this machine.",
            valueName: "destination"
        )
    )
    var destination: String

    func run() async throws -> ExitStatus {
        guard !destination.isEmpty else { throw UserError("the destination is empty", status: .usage) }
        guard !source.isEmpty else { throw UserError("the source is empty", status: .usage) }
        let images = try global.store.openExisting()
        if let target = ContainerPath(parsing: destination) {
            try copy(to: target, images)
        } else if let place = ContainerPath(parsing: source), let container = try place.container(images) {
            try files.copy(place.path, of: container, to: destination)
        } else {
            try await copyFromImage(images)
        }
        return .success
    }

    // MARK: Containers

    private func copy(to target: ContainerPath, _ images: ImageStore) throws {
        let container = try ContainerStore(images.layers).find(target.name)
        if source != "-", let place = ContainerPath(parsing: source) {
            let isContainer = try place.container(images) != nil
            throw UserError(
                "cannot copy from \(isContainer ? "one container" : "`\(place.name)`") to a container",
                hints: ["copy to a directory of this machine first; a file with a colon in its name is `./\(source)`"],
                status: .usage
            )
        }
        try files.copy(source, to: target.path, of: container)
    }

    private var files: ContainerCopy { ContainerCopy(followsLink: followsLink, keepsOwners: keepsOwners) }

    // MARK: Images

    private func copyFromImage(_ images: ImageStore) async throws {
        let place = ImagePath(parsing: source)
        let path = try place.requiredPath()
        try ContainerCopy.refuseTerminal(destination)
        let extraction = try FileExtraction(
            path,
            of: try await OpenedImage(place.image, in: images, platform: looking.platform).files(),
            followsLink: followsLink,
            keepsOwners: keepsOwners
        )
        ContainerCopy.warn(
            about: try destination == "-"
                ? ContainerCopy.writeTar(extraction.write)
                : extraction.copy(to: FilePath(destination), endsWithSlash: destination.hasSuffix("/"))
        )
    }
}
