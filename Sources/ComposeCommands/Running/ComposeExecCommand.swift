internal import ArgumentParser
internal import CommandSupport
internal import ContainerCommands
internal import Containers
internal import Glibc
internal import Reporting
internal import TerminalUI

/// `swiftbuild compose exec`.
struct ComposeExecCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "exec",
        abstract: "Run a command in a running container of a service.",
        discussion: """
            It gets a terminal where there is one, unless -T is given. The exit code is the command's.

            EXAMPLES:
              swiftbuild compose exec db psql -U postgres
              swiftbuild compose exec -T db pg_dump -U postgres shop > shop.sql
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var flags: ComposeFlags
    @OptionGroup var process: ServiceProcessFlags

    @Flag(name: [.customShort("d"), .customLong("detach")], help: "Do not wait for the command.")
    var isDetached = false

    @Flag(name: .customLong("privileged"), help: "Let the command do what root may do on this machine.")
    var isPrivileged = false

    @Option(
        name: .customLong("index"),
        help: ArgumentHelp("Which of the service's containers (default: the first).", valueName: "number")
    )
    var index: Int?

    @Argument(help: "The service.")
    var service: String

    @Argument(parsing: .captureForPassthrough, help: "The command and its arguments.")
    var command: [String] = []

    func run() throws -> ExitStatus {
        guard !command.isEmpty else { throw UserError("no command is given", status: .usage) }
        let container = try flags.openExisting(in: global).container(of: service, index: index)
        var options = ExecOptions(command: command)
        options.usesTerminal = process.usesTerminal && !isDetached
        options.isPrivileged = isPrivileged
        options.user = process.user
        options.workingDirectory = process.workingDirectory
        options.environment = try process.variables()
        return try container.executeInForeground(options, isInteractive: !isDetached, isDetached: isDetached)
    }
}

/// What `exec` and `run` of compose take for their process.
struct ServiceProcessFlags: ParsableArguments {
    @Flag(
        name: [.customShort("T"), .customLong("no-tty")],
        help: "Give the command no terminal, also where there is one."
    )
    var hasNoTerminal = false

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

    var usesTerminal: Bool {
        !hasNoTerminal && Terminal.isTerminal(STDIN_FILENO) && Terminal.isTerminal(STDOUT_FILENO)
    }

    /// - Returns: `NAME=value`.
    /// - Throws: `UserError`.
    func variables() throws -> [String] { try ProcessFlags.variables(env) }
}
