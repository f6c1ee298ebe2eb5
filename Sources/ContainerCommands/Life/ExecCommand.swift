import ArgumentParser
import CommandSupport
import Containers
import Reporting

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
        return try container.executeInForeground(
            options,
            isInteractive: process.isInteractive,
            isDetached: isDetached
        )
    }
}
