import ArgumentParser
import ContainerRuntime
import ContentStore
import FileSystem
import Glibc
import Images
import Sandbox
import Snapshots
import SystemPackage

/// `swiftbuild run`.
struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a command on an image.",
        discussion: """
            What the command writes is gone when it ends; the image stays as it is. The exit code is the command's.

            EXAMPLES:
              swiftbuild run app
              swiftbuild run -it --entrypoint sh app
              swiftbuild run -v "$PWD:/src:ro" -w /src app make test
            """
    )

    @OptionGroup var global: GlobalOptions

    @Flag(
        name: [.customShort("i"), .customLong("interactive")],
        help: "Give the command this terminal's or pipe's input."
    )
    var isInteractive = false

    @Flag(name: [.customShort("t"), .customLong("tty")], help: "Give the command a terminal.")
    var usesTerminal = false

    @Flag(name: .customLong("rm"), help: "Remove the container afterwards, which always happens.")
    var removes = false

    @Option(
        name: [.customShort("e"), .customLong("env")],
        help: ArgumentHelp("Set a variable; may repeat.", valueName: "name[=value]")
    )
    var env: [String] = []

    @Option(
        name: [.customShort("w"), .customLong("workdir")],
        help: ArgumentHelp("Where the command starts.", valueName: "dir")
    )
    var workingDirectory: String?

    @Option(
        name: [.customShort("u"), .customLong("user")],
        help: ArgumentHelp("Who runs the command.", valueName: "user[:group]")
    )
    var user: String?

    @Option(
        name: [.customShort("v"), .customLong("volume")],
        help: ArgumentHelp("Show a directory of this machine; may repeat.", valueName: "host:container[:ro]")
    )
    var volumes: [String] = []

    @Option(
        name: .customLong("entrypoint"),
        help: ArgumentHelp("Replace the image's ENTRYPOINT.", valueName: "command")
    )
    var entrypoint: String?

    @Option(
        name: .customLong("security-opt"),
        help: ArgumentHelp(
            "What the command may do: seccomp=unconfined, seccomp=FILE (a profile as Docker has it) or no-new-privileges; may repeat.",
            valueName: "option"
        )
    )
    var securityOptions: [String] = []

    @Option(
        name: .customLong("name"),
        help: ArgumentHelp("The container's name, which is also its host name.", valueName: "name")
    )
    var containerName: String?

    @Argument(help: "Name or ID of an image.")
    var image: String

    @Argument(parsing: .captureForPassthrough, help: "The command and its arguments, in place of the image's CMD.")
    var command: [String] = []

    func run() throws {
        let images = try global.images()
        let content = try images.content(of: try images.find(image))
        Signals.hold()
        let container = try container(content, images)
        let code = try ForegroundProcess.run(usesTerminal: usesTerminal, isInteractive: isInteractive) {
            try container.launch($0)
        }
        throw CommandFailure(exitCode: code)
    }

    private func container(_ content: ImageContent, _ images: ImageStore) throws -> Container {
        var options = ContainerOptions()
        options.command = command.first == "--" ? Array(command.dropFirst()) : command
        options.entrypoint = entrypoint
        options.environment = env.compactMap { text in
            text.contains("=") ? text : environment(text).map { "\(text)=\($0)" }
        }
        options.workingDirectory = workingDirectory
        options.user = user
        options.usesTerminal = usesTerminal
        options.hostname = containerName
        for text in securityOptions { try SecurityOption(parsing: text).apply(to: &options) }
        // Only while it is prepared: a container that runs for days must not hold up prune.
        let lock = try images.store.lock(.shared)
        defer { withExtendedLifetime(lock) {} }
        options.volumes = try volumes.map { try ContainerOptions.Volume(parsing: $0) }
        return try Container(
            content.configuration,
            layers: content.layers,
            name: image,
            options,
            in: SnapshotStore(images.layers)
        )
    }
}
