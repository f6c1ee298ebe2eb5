import ArgumentParser
import CommandSupport
import ContainerRuntime
import Containers
import FileSystem
import Glibc
import Layers
import Reporting
import TerminalUI

/// `swiftbuild exec`.
struct ExecCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "exec",
        abstract: "Run a command in a running container.",
        discussion: """
            The exit code is the command's; 126 means that it cannot be executed, 127 that it is not in the container.

            EXAMPLES:
              swiftbuild exec -it web sh
              swiftbuild exec -u postgres db psql
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

    @Flag(name: [.customShort("d"), .customLong("detach")], help: "Do not wait for the command.")
    var isDetached = false

    @Flag(name: .customLong("privileged"), help: "Let the command do what root may do on this machine.")
    var isPrivileged = false

    @Option(
        name: [.customShort("e"), .customLong("env")],
        help: ArgumentHelp("Set a variable; may repeat.", valueName: "name[=value]")
    )
    var env: [String] = []

    @Option(
        name: .customLong("env-file"),
        help: ArgumentHelp("Read variables from a file; may repeat.", valueName: "file")
    )
    var envFiles: [String] = []

    @Option(
        name: [.customShort("u"), .customLong("user")],
        help: ArgumentHelp("Who runs the command.", valueName: "user[:group]")
    )
    var user: String?

    @Option(
        name: [.customShort("w"), .customLong("workdir")],
        help: ArgumentHelp("Where the command starts.", valueName: "dir")
    )
    var workingDirectory: String?

    @Argument(help: "Name or ID of a container.")
    var name: String

    @Argument(parsing: .captureForPassthrough, help: "The command and its arguments.")
    var command: [String] = []

    func run() throws -> ExitStatus {
        guard !command.isEmpty else { throw UserError("no command is given", status: .usage) }
        let store = try global.containers()
        let container = try store.find(name)
        var options = ExecOptions(command: command)
        options.usesTerminal = usesTerminal
        options.isPrivileged = isPrivileged
        options.user = user
        options.workingDirectory = workingDirectory
        options.environment = try ContainerCreation.variables(
            env,
            files: envFiles,
            option: "-e",
            usesEnvironment: true
        )
        if usesTerminal, isInteractive, !Terminal.isTerminal(STDIN_FILENO) {
            throw UserError("the input device is not a TTY", hints: ["`-i` without `-t` takes a pipe or a file"])
        }
        Signals.hold()
        if isDetached {
            try container.executeDetached(options)
            return .success
        }
        let status = try ForegroundProcess.run(
            usesTerminal: usesTerminal,
            isInteractive: isInteractive,
            terminal: container.openTerminal
        ) { streams in try container.execute(options, streams) }
        container.note("exec_die", ["exitCode": "\(status.rawValue)"])
        return status
    }
}
