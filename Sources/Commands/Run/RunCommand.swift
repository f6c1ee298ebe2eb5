import ArgumentParser
import BuildEngine
import ContainerRuntime
import ContentStore
import Distribution
import FileSystem
import Glibc
import Images
import Layers
import OCI
import Reporting
import Sandbox
import Snapshots
import SystemPackage
import TerminalUI

/// `swiftbuild run`.
struct RunCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a command on an image.",
        discussion: """
            What the command writes is removed when it ends; the image stays as it is. An image that is not in the store is
            pulled. The exit code is the command's; 125 says that it could not be started, 127 that it is not in the
            image, 126 that it may not be executed.

            EXAMPLES:
              swiftbuild run app
              swiftbuild run -it --entrypoint sh app
              swiftbuild run -v "$PWD:/src:ro" -w /src app make test
            """,
        // `-h` is the host name.
        helpNames: .long
    )

    @OptionGroup var global: GlobalOptions

    @Flag(
        name: [.customShort("i"), .customLong("interactive")],
        help: "Give the command this terminal's or pipe's input."
    )
    var isInteractive = false

    @Flag(name: [.customShort("t"), .customLong("tty")], help: "Give the command a terminal.")
    var usesTerminal = false

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
        help: ArgumentHelp("The container's name, and its host name where that is not given.", valueName: "name")
    )
    var containerName: String?

    @Option(
        name: [.customShort("h"), .customLong("hostname")],
        help: ArgumentHelp("The container's host name.", valueName: "name")
    )
    var hostname: String?

    @Option(
        name: .customLong("pull"),
        help: ArgumentHelp("When the image is pulled: missing (the default), always, never.", valueName: "when")
    )
    var pull = PullPolicy.missing

    @Option(
        name: .customLong("platform"),
        help: ArgumentHelp("Which of the image's platforms.", valueName: "os/arch")
    )
    var platform: String?

    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Do not show how the image is pulled.")
    var isQuiet = false

    @Flag(
        name: .customLong("sig-proxy"),
        inversion: .prefixedNo,
        help: "Hand signals on to the command (the default)."
    )
    var proxiesSignals = true

    @Argument(help: "Name or ID of an image.")
    var image: String

    @Argument(parsing: .captureForPassthrough, help: "The command and its arguments, in place of the image's CMD.")
    var command: [String] = []

    func run() async throws -> ExitStatus {
        try checkInput()
        do {
            return try await runContainer()
        } catch {
            let failure = FailureReport(error)
            failure.write()
            return [.failure, .usage, .environment].contains(failure.status) ? .container : failure.status
        }
    }

    /// A terminal whose input is none would wait for ever; the exit code is Docker's.
    private func checkInput() throws {
        guard usesTerminal, !Terminal.isTerminal(STDIN_FILENO) else { return }
        if isInteractive {
            throw UserError("the input device is not a TTY", hints: ["`-i` without `-t` takes a pipe or a file"])
        }
        Terminal.write("note: the input device is not a TTY, so the command gets no input\n", to: STDERR_FILENO)
    }

    private func runContainer() async throws -> ExitStatus {
        let environment = try variables()
        let images = try global.store.open()
        let (configuration, layers) = try await content(of: images)
        Signals.hold()
        let process = try prepare(configuration, layers, environment, images)
        defer { withExtendedLifetime(process) {} }
        return try ForegroundProcess.run(
            usesTerminal: usesTerminal,
            isInteractive: isInteractive,
            proxiesSignals: proxiesSignals
        ) {
            try process.launch($0)
        }
    }

    /// The image, pulled where the store has none of that name.
    private func content(of images: ImageStore) async throws -> (ImageConfiguration, [Layer]) {
        let (platform, name) = (try Platform.wanted(platform), image)
        let progress = TransferProgress(isQuiet: isQuiet)
        defer { progress.finish() }
        let resolver = ImageResolver(images, pull: pull) { progress.show($0) }
        return try await Signals.cancelling {
            let image = try await resolver.image(named: name, platform: platform)
            return (image.configuration, try await image.layers())
        }
    }

    private func variables() throws -> [String] {
        try env.compactMap { text in
            guard let first = text.first, first != "=" else {
                throw UserError("-e: `\(text)` has no name", status: .usage)
            }
            return text.contains("=") ? text : ProcessEnvironment[text].map { "\(text)=\($0)" }
        }
    }

    private func prepare(
        _ configuration: ImageConfiguration,
        _ layers: [Layer],
        _ environment: [String],
        _ images: ImageStore
    ) throws -> PreparedProcess {
        var options = ContainerOptions()
        options.command = command
        options.entrypoint = entrypoint
        options.environment = environment
        options.workingDirectory = workingDirectory
        options.user = user
        options.usesTerminal = usesTerminal
        options.hostname = hostname ?? containerName
        for text in securityOptions { try options.privileges.apply(text) }
        // Only while it is prepared: a container that runs for days must not hold up prune.
        let lock = try images.store.lock(.shared)
        defer { withExtendedLifetime(lock) {} }
        options.mounts = try volumes.map { try ProcessSpecification.Mount(volume: $0) }
        let launcher = ProcessLauncher(SnapshotStore(images.layers), try Isolation(images.store).strongest())
        let specification = try ProcessSpecification(
            configuration.config,
            name: image,
            users: LayerStack(layers, in: images.layers).users(),
            options
        )
        return try launcher.prepare(specification, on: .image(layers: layers))
    }
}
