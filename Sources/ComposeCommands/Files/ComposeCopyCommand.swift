internal import ArgumentParser
internal import CommandSupport
internal import ContainerCommands
internal import Reporting

/// `swiftbuild compose cp`.
struct ComposeCopyCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "cp",
        abstract: "Copy files between this machine and the containers of a service.",
        discussion: """
            It is as `swiftbuild cp`, with the name of a service in the place of a container's. Files are copied to all \
            containers of the service, and from the first one, unless --index names one.

            EXAMPLES:
              swiftbuild compose cp web:/var/log/app.log .
              swiftbuild compose cp settings.json web:/etc/app/
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var flags: ComposeFlags

    @Flag(name: [.customShort("a"), .customLong("archive")], help: "Keep owners, setuid bits, devices and attributes.")
    var keepsOwners = false

    @Flag(name: [.customShort("L"), .customLong("follow-link")], help: "Copy the target of a link.")
    var followsLink = false

    @Option(
        name: .customLong("index"),
        help: ArgumentHelp("Which of the service's containers.", valueName: "number")
    )
    var index: Int?

    @Argument(help: ArgumentHelp("A file or directory, or a service and the path in it.", valueName: "source"))
    var source: String

    @Argument(help: ArgumentHelp("A service and the path in it, or a file or directory.", valueName: "destination"))
    var destination: String

    func run() throws -> ExitStatus {
        let project = try flags.openExisting(in: global)
        let files = ContainerCopy(followsLink: followsLink, keepsOwners: keepsOwners)
        switch (ContainerPath(parsing: source), ContainerPath(parsing: destination)) {
        case (nil, let target?):
            let one = try project.container(of: target.name, index: index)
            let all = try index == nil ? project.containers(of: [target.name]).map(\.container) : [one]
            // What standard input has can be read once.
            for container in source == "-" ? [one] : all { try files.copy(source, to: target.path, of: container) }
        case (let place?, nil):
            try files.copy(place.path, of: try project.container(of: place.name, index: index), to: destination)
        case (nil, nil), (.some, .some):
            throw UserError(
                "cannot copy from `\(source)` to `\(destination)`",
                hints: ["one of both is SERVICE:PATH, and the other a path of this machine"],
                status: .usage
            )
        }
        return .success
    }
}
