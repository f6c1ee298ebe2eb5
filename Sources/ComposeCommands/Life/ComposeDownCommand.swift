internal import ArgumentParser
internal import CommandSupport
internal import Reporting

/// `swiftbuild compose down`.
struct ComposeDownCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "down",
        abstract: "Stop and remove the containers and networks of a project.",
        discussion: """
            Volumes stay unless -v is given. Without a Compose file, -p NAME is enough.

            EXAMPLES:
              swiftbuild compose down
              swiftbuild compose down -v --rmi local
              swiftbuild compose -p shop down
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var flags: ComposeFlags

    @Flag(name: [.customShort("v"), .customLong("volumes")], help: "Remove the volumes of the project too.")
    var removesVolumes = false

    @Option(
        name: .customLong("rmi"),
        help: ArgumentHelp("Remove images too: local (those without a name in the file) or all.", valueName: "which")
    )
    var images: ProjectRemoval.Images?

    @Flag(name: .customLong("remove-orphans"), help: "Remove containers of services that are not in the file.")
    var removesOrphans = false

    @Option(
        name: [.customShort("t"), .customLong("timeout")],
        help: ArgumentHelp("Seconds before containers are killed.", valueName: "seconds")
    )
    var timeout: Int?

    @Argument(help: "Only the containers of these services.")
    var services: [String] = []

    func run() async throws -> ExitStatus {
        let project = try flags.openExisting(in: global)
        var removal = ProjectRemoval(project: project, services: services)
        removal.timeout = timeout
        removal.removesVolumes = removesVolumes
        removal.removesOrphans = removesOrphans
        removal.images = images
        let chosen = removal
        try await Signals.cancelling { try await chosen.run() }
        return .success
    }
}

extension ProjectRemoval.Images: ExpressibleByArgument {}
