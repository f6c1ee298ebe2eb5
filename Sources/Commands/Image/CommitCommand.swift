import ArgumentParser
import CommandSupport
import ContainerRuntime
import Containers
import ContentStore
import FileSystem
import Glibc
import Images
import Layers
import OCI
import Reporting
import TerminalUI

/// `swiftbuild commit`.
struct CommitCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "commit",
        abstract: "Make an image of a container.",
        discussion: """
            What the container has changed becomes a layer on top of those of its image; what is on its volumes does not.
            The image has the container's command, variables, user and directory; that of a RUN that failed has those
            which its stage had. A running container is paused meanwhile. Prints the image's ID.

            EXAMPLES:
              swiftbuild commit box
              swiftbuild commit -m 'with tools' -c 'CMD ["sh"]' box tools:1.0
            """
    )

    @OptionGroup var global: GlobalOptions

    @Option(
        name: [.customShort("a"), .customLong("author")],
        help: ArgumentHelp("Who has made the image.", valueName: "name")
    )
    var author: String?

    @OptionGroup var change: ConfigurationChangeOption

    @Option(
        name: [.customShort("m"), .customLong("message")],
        help: ArgumentHelp("The comment in the history.", valueName: "text")
    )
    var message: String?

    @Flag(
        name: [.customShort("p"), .customLong("pause")],
        inversion: .prefixedNo,
        help: "Pause the container meanwhile (the default)."
    )
    var pauses = true

    @Argument(help: "Name or ID of a container.")
    var container: String

    @Argument(help: "A name for the image.")
    var name: String?

    func run() throws -> ExitStatus {
        let names = try name.map { [try UserError.reading("the name", $0, ImageReference.init(parsing:))] } ?? []
        let images = try global.store.open()
        let container = try ContainerStore(images.layers).find(container)
        var configuration = try configuration(of: container, images)
        configuration.config = try change.applied(to: configuration.config)
        let lock = try images.store.lock(.shared)
        defer { withExtendedLifetime(lock) {} }
        let layer = try whilePaused(container) { try container.capture() }
        let layers = container.record.layers + [layer].compactMap { $0 }
        configuration.created = .now
        configuration.author = author ?? configuration.author
        configuration.rootfs = .init(diffIDs: layers.map(\.diffID))
        configuration.history.append(
            .init(
                created: configuration.created,
                createdBy: container.record.process.arguments.joined(separator: " "),
                author: author,
                comment: message,
                emptyLayer: layer == nil ? true : nil
            )
        )
        let image = try images.add(configuration: configuration, layers: layers, names: names)
        let called = names.first.map { ["imageRef": $0.familiar] } ?? [:]
        container.note("commit", called.merging(["comment": message ?? "", "imageID": "\(image.id)"]) { $1 })
        Terminal.print("\(image.id)")
        return .success
    }

    private func whilePaused<Result>(_ container: Container, _ body: () throws -> Result) throws -> Result {
        guard pauses, container.state.status == .running else { return try body() }
        do {
            try container.setPaused(true)
        } catch ContainerStoreError.notRunning {
            return try body()
        } catch ContainerStoreError.unsupported(let reason) {
            throw UserError(reason, hints: ["`--pause=false` takes the files as they are in between"])
        }
        defer { try? container.setPaused(false) }
        return try body()
    }

    /// The settings of the container's image with those of the container; what the image had is lost with it.
    private func configuration(of container: Container, _ images: ImageStore) throws -> ImageConfiguration {
        let record = container.record
        var result = ImageConfiguration(platform: record.platform)
        if let id = record.imageID, let image = try? images.find("\(id)") {
            result = try images.configuration(of: image)
        } else {
            result.history = record.layers.map { _ in .init(created: nil, createdBy: nil) }
        }
        // Its command is that of the step, and its variables are build arguments too.
        guard record.failedStep == nil else {
            result.config = record.configuration
            return result
        }
        var settings = result.config
        let (process, entrypoint) = (record.process, settings.entrypoint ?? [])
        if process.arguments.starts(with: entrypoint) {
            let command = Array(process.arguments.dropFirst(entrypoint.count))
            settings.cmd = command.isEmpty ? nil : command
        } else {
            (settings.entrypoint, settings.cmd) = (nil, process.arguments)
        }
        // What every container has is not of this one.
        let added = ["HOSTNAME=", "HOME=", "TERM="]
        let own = settings.env ?? []
        settings.env = process.environment.filter { variable in
            own.contains(variable) || !added.contains(where: variable.hasPrefix)
        }
        settings.user = process.user.isEmpty ? nil : process.user
        settings.workingDir = process.workingDirectory == "/" ? settings.workingDir : process.workingDirectory
        settings.labels = record.labels.isEmpty ? nil : record.labels
        result.config = settings
        return result
    }
}
