import ArgumentParser
import CommandSupport
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
            try copy(from: place.path, of: container)
        } else {
            try await copyFromImage(images)
        }
        return .success
    }

    // MARK: Containers

    private func copy(to target: ContainerPath, _ images: ImageStore) throws {
        let container = try ContainerStore(images.layers).find(target.name)
        if source == "-" {
            guard !Terminal.isTerminal(STDIN_FILENO) else {
                throw UserError("refusing to read an archive from a terminal: redirect one", status: .usage)
            }
            let archive = try ArchiveReader(descriptor: STDIN_FILENO, name: "standard input")
            return try ContainerFiles(container).unpack(archive, into: target.path)
        }
        if let place = ContainerPath(parsing: source) {
            let isContainer = try place.container(images) != nil
            throw UserError(
                "cannot copy from \(isContainer ? "one container" : "`\(place.name)`") to a container",
                hints: ["copy to a directory of this machine first; a file with a colon in its name is `./\(source)`"],
                status: .usage
            )
        }
        let copy = try FileCopy(source, of: nil, followsLink: followsLink, keepsOwners: keepsOwners)
        warn(about: try copy.copy(to: target.path, of: try ContainerFiles(container)))
    }

    private func copy(from path: String, of container: Container) throws {
        try refuseTerminal()
        let files = try ContainerFiles(container)
        let copy = try FileCopy(path, of: files, followsLink: followsLink, keepsOwners: keepsOwners)
        warn(about: try destination == "-" ? writeTar(copy.write) : copy.copy(to: destination, of: nil))
    }

    private func refuseTerminal() throws {
        guard destination == "-", Terminal.isTerminal(STDOUT_FILENO) else { return }
        throw UserError(
            "refusing to write an archive to a terminal: name a destination or redirect",
            status: .usage
        )
    }

    private func writeTar(_ body: (any ByteSink) throws -> [PathInRoot]) throws -> [PathInRoot] {
        let sink = DescriptorSink(descriptor: STDOUT_FILENO, path: StandardOutput.name)
        var omitted: [PathInRoot] = []
        try StandardOutput.ignoringClosedPipe { omitted = try body(sink) }
        return omitted
    }

    private func warn(about omitted: [PathInRoot]) {
        for path in omitted {
            Terminal.write("warning: `\(path.escaped)` is a device and was left out; -a copies it\n", to: STDERR_FILENO)
        }
    }

    // MARK: Images

    private func copyFromImage(_ images: ImageStore) async throws {
        let place = ImagePath(parsing: source)
        let path = try place.requiredPath()
        try refuseTerminal()
        let extraction = try FileExtraction(
            path,
            of: try await OpenedImage(place.image, in: images).files(),
            followsLink: followsLink,
            keepsOwners: keepsOwners
        )
        warn(
            about: try destination == "-"
                ? writeTar(extraction.write)
                : extraction.copy(to: FilePath(destination), endsWithSlash: destination.hasSuffix("/"))
        )
    }
}

/// A path in a container, as `CONTAINER:PATH` names it; as with Docker, what begins with `/` or `.` is a local path.
struct ContainerPath: Sendable {
    let name: String
    let path: String

    init?(parsing text: String) {
        guard let colon = text.firstIndex(of: ":"), !text.hasPrefix("/"), !text.hasPrefix(".") else { return nil }
        (name, path) = (String(text[..<colon]), String(text[text.index(after: colon)...]))
    }

    /// The container; `nil` where there is none, and where an image has the name that only an ID begins with.
    func container(_ images: ImageStore) throws -> Container? {
        guard let found = try? ContainerStore(images.layers).find(name) else { return nil }
        if [found.record.name.description, found.id.description].contains(name) { return found }
        return (try? images.find(name)) == nil ? found : nil
    }
}
