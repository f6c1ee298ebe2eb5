import ArgumentParser
import CommandSupport
import Containers
import Glibc
import Reporting
import TerminalUI

/// `swiftbuild run`.
struct RunCommand: ContainerMakingCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run a command in a new container of an image.",
        discussion: """
            An image that is not in the store is pulled. The container is kept until `swiftbuild rm`, or with --rm \
            removed when the command ends. The exit code is the command's; 125 means that the container could not be \
            started, 127 that the command is not in the image, 126 that it cannot be executed.

            EXAMPLES:
              swiftbuild run --rm app
              swiftbuild run -it --rm --entrypoint sh app
              swiftbuild run -d --name db -v data:/var/lib/postgresql postgres
              swiftbuild run --rm -v "$PWD:/src:ro" -w /src app make test
            """,
        // `-h` is the host name.
        helpNames: .long
    )

    @OptionGroup var global: GlobalOptions

    @Flag(
        name: [.customShort("d"), .customLong("detach")],
        help: "Print the container's ID, and do not wait for its end."
    )
    var isDetached = false

    @OptionGroup var general: GeneralFlags
    @OptionGroup var process: ProcessFlags
    @OptionGroup var network: NetworkFlags
    @OptionGroup var limits: LimitFlags
    @OptionGroup var privileges: PrivilegeFlags
    @OptionGroup var machine: MachineFlags
    @OptionGroup var health: HealthFlags

    @Option(
        name: .customLong("detach-keys"),
        help: ArgumentHelp("The keys that detach from the container (default: ctrl-p,ctrl-q).", valueName: "keys")
    )
    var detachKeys: String?

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
        } catch ContainerStoreError.notStarted(let reason, let code) {
            let failure = FailureReport(UserError(reason))
            failure.write()
            return [126, 127].contains(code) ? ExitStatus(rawValue: code) : .container
        } catch {
            let failure = FailureReport(error)
            failure.write()
            return [.failure, .usage, .environment].contains(failure.status) ? .container : failure.status
        }
    }

    /// A terminal whose input is none would wait for ever; the exit code is Docker's.
    private func checkInput() throws {
        guard process.usesTerminal, !isDetached, !Terminal.isTerminal(STDIN_FILENO) else { return }
        if process.isInteractive {
            throw UserError("the input device is not a TTY", hints: ["`-i` without `-t` takes a pipe or a file"])
        }
        Terminal.write("note: the input device is not a TTY, so the command gets no input\n", to: STDERR_FILENO)
    }

    private func runContainer() async throws -> ExitStatus {
        let keys = try AttachedContainer.keys(detachKeys)
        let container = try await NewContainer(flags, image: image, command: command).create(in: global)
        guard !isDetached else {
            _ = try container.start(SupervisorEntry.arguments(container), attachment: nil)
            Terminal.print("\(container.id)")
            return .success
        }
        return try container.runInForeground(
            givesInput: process.isInteractive,
            proxiesSignals: proxiesSignals,
            detachKeys: keys
        )
    }
}
