import ArgumentParser
import CommandSupport
import ContainerRuntime
import Containers
import Glibc
import Reporting
import TerminalUI

/// `swiftbuild start`.
struct StartCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "start",
        abstract: "Start containers that were created or have ended.",
        discussion: """
            EXAMPLES:
              swiftbuild start db
              swiftbuild start -ai shell
            """
    )

    @OptionGroup var global: GlobalOptions

    @Flag(name: [.customShort("a"), .customLong("attach")], help: "Show the container's output until it ends.")
    var isAttached = false

    @Flag(
        name: [.customShort("i"), .customLong("interactive")],
        help: "Give the container this terminal's or pipe's input."
    )
    var isInteractive = false

    @Option(
        name: .customLong("detach-keys"),
        help: ArgumentHelp("The keys that detach from the container (default: ctrl-p,ctrl-q).", valueName: "keys")
    )
    var detachKeys: String?

    @Argument(help: "Names or IDs of containers.")
    var names: [String]

    func run() throws -> ExitStatus {
        let store = try global.containers()
        guard isAttached || isInteractive else {
            return names.forEachContainer(in: store) { container in
                if container.state.isRunning { return nil }
                _ = try container.start(SupervisorEntry.arguments(container), attachment: nil)
                return nil
            }
        }
        guard names.count == 1, let name = names.first else {
            throw UserError("only one container can be attached", status: .usage)
        }
        let container = try store.find(name)
        let givesInput = isInteractive && container.record.isInteractive
        let keys = try AttachedContainer.keys(detachKeys)
        Signals.hold()
        let connection =
            container.state.isRunning
            ? try container.attach(Attachment(givesInput: givesInput, terminal: STDOUT_FILENO))
            : try container.start(
                SupervisorEntry.arguments(container),
                attachment: Attachment(givesInput: givesInput, terminal: STDOUT_FILENO)
            )
        return try AttachedContainer(
            container: container,
            connection: connection,
            givesInput: givesInput,
            detachKeys: keys
        ).show()
    }
}

/// `swiftbuild attach`.
struct AttachCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "attach",
        abstract: "Show a running container's output and give it this terminal's input.",
        discussion: """
            Ctrl-P Ctrl-Q detaches from a container that has a terminal; it keeps running.

            EXAMPLES:
              swiftbuild attach shell
              swiftbuild attach --no-stdin web
            """
    )

    @OptionGroup var global: GlobalOptions

    @Flag(name: .customLong("no-stdin"), help: "Do not forward standard input.")
    var hasNoInput = false

    @Flag(name: .customLong("sig-proxy"), inversion: .prefixedNo, help: "Forward signals.")
    var proxiesSignals = true

    @Option(
        name: .customLong("detach-keys"),
        help: ArgumentHelp("The keys that detach from the container (default: ctrl-p,ctrl-q).", valueName: "keys")
    )
    var detachKeys: String?

    @Argument(help: "Name or ID of a container.")
    var name: String

    func run() throws -> ExitStatus {
        let container = try global.containers().find(name)
        guard container.state.status != .paused else { throw ContainerStoreError.paused(container.record.name) }
        let givesInput = !hasNoInput && container.record.isInteractive
        let keys = try AttachedContainer.keys(detachKeys)
        Signals.hold()
        return try AttachedContainer(
            container: container,
            connection: try container.attach(Attachment(givesInput: givesInput, terminal: STDOUT_FILENO)),
            givesInput: givesInput,
            proxiesSignals: proxiesSignals,
            detachKeys: keys
        ).show()
    }
}
