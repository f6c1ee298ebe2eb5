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
    @OptionGroup var process: ProcessFlags

    @Flag(name: [.customShort("d"), .customLong("detach")], help: "Do not wait for the command.")
    var isDetached = false

    @Flag(name: .customLong("privileged"), help: "Let the command do what root may do on this machine.")
    var isPrivileged = false

    @Argument(help: "Name or ID of a container.")
    var name: String

    @Argument(parsing: .captureForPassthrough, help: "The command and its arguments.")
    var command: [String] = []

    func run() throws -> ExitStatus {
        guard !command.isEmpty else { throw UserError("no command is given", status: .usage) }
        let store = try global.containers()
        let container = try store.find(name)
        var options = ExecOptions(command: command)
        options.usesTerminal = process.usesTerminal
        options.isPrivileged = isPrivileged
        options.user = process.user
        options.workingDirectory = process.workingDirectory
        options.environment = try process.variables()
        if process.usesTerminal, process.isInteractive, !Terminal.isTerminal(STDIN_FILENO) {
            throw UserError("the input device is not a TTY", hints: ["`-i` without `-t` takes a pipe or a file"])
        }
        Signals.hold()
        if isDetached {
            try container.executeDetached(options)
            return .success
        }
        let status = try ForegroundProcess.run(
            usesTerminal: process.usesTerminal,
            isInteractive: process.isInteractive,
            terminal: container.openTerminal
        ) { streams in try container.execute(options, streams) }
        container.note("exec_die", ["exitCode": "\(status.rawValue)"])
        return status
    }
}
