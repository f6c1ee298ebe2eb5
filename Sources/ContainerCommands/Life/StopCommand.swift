import ArgumentParser
import CommandSupport
import Containers
import Glibc
import Reporting
import TerminalUI

/// `swiftbuild stop`.
struct StopCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Stop containers, and kill those that do not end in time.",
        discussion: """
            A container gets its stop signal (by default SIGTERM), and SIGKILL ten seconds later. It is kept until \
            `swiftbuild rm`.

            EXAMPLES:
              swiftbuild stop web
              swiftbuild stop -t 60 db
            """
    )

    @OptionGroup var global: GlobalOptions

    @OptionGroup var flags: StopFlags

    @Argument(help: "Names or IDs of containers.")
    var names: [String]

    func run() throws -> ExitStatus {
        let signal = try flags.number
        return names.forEachContainer(in: try global.containers()) { container in
            try container.stop(signal: signal, timeout: flags.timeout)
            return nil
        }
    }
}

/// How containers are asked to end.
struct StopFlags: ParsableArguments {
    @Option(
        name: [.customShort("t"), .customLong("timeout")],
        help: ArgumentHelp("Seconds until a container is killed; -1 for never.", valueName: "seconds")
    )
    var timeout: Int?

    @Option(
        name: [.customShort("s"), .customLong("signal")],
        help: ArgumentHelp("The signal that asks it to end.", valueName: "signal")
    )
    var signal: String?

    /// The signal's number; `nil` for the container's own.
    fileprivate var number: Int32? { get throws { try signal.map { try SignalName.parse("--signal", $0) } } }
}

/// `swiftbuild restart`.
struct RestartCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "restart",
        abstract: "Stop containers and start them again.",
        discussion: """
            EXAMPLES:
              swiftbuild restart web
            """
    )

    @OptionGroup var global: GlobalOptions

    @OptionGroup var flags: StopFlags

    @Argument(help: "Names or IDs of containers.")
    var names: [String]

    func run() throws -> ExitStatus {
        let signal = try flags.number
        return names.forEachContainer(in: try global.containers()) { container in
            try container.stop(signal: signal, timeout: flags.timeout)
            _ = try container.start(SupervisorEntry.arguments(container), attachment: nil)
            container.note("restart")
            return nil
        }
    }
}

/// `swiftbuild kill`.
struct KillCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "kill",
        abstract: "Send running containers a signal, SIGKILL by default.",
        discussion: """
            EXAMPLES:
              swiftbuild kill web
              swiftbuild kill -s HUP web
            """
    )

    @OptionGroup var global: GlobalOptions

    @Option(
        name: [.customShort("s"), .customLong("signal")],
        help: ArgumentHelp("By name or number.", valueName: "signal")
    )
    var signal = "KILL"

    @Argument(help: "Names or IDs of containers.")
    var names: [String]

    func run() throws -> ExitStatus {
        let number = try SignalName.parse("--signal", signal)
        return names.forEachContainer(in: try global.containers()) { container in
            try container.kill(number)
            return nil
        }
    }
}

/// `swiftbuild pause`.
struct PauseCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "pause",
        abstract: "Suspend all processes of containers.",
        discussion: """
            EXAMPLES:
              swiftbuild pause db
              swiftbuild unpause db
            """
    )

    @OptionGroup var global: GlobalOptions

    @Argument(help: "Names or IDs of containers.")
    var names: [String]

    func run() throws -> ExitStatus {
        names.forEachContainer(in: try global.containers()) { container in
            guard container.state.status != .paused else { throw ContainerStoreError.paused(container.record.name) }
            try container.setPaused(true)
            return nil
        }
    }
}

/// `swiftbuild unpause`.
struct UnpauseCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "unpause",
        abstract: "Resume paused containers.",
        discussion: """
            EXAMPLES:
              swiftbuild unpause db
            """
    )

    @OptionGroup var global: GlobalOptions

    @Argument(help: "Names or IDs of containers.")
    var names: [String]

    func run() throws -> ExitStatus {
        names.forEachContainer(in: try global.containers()) { container in
            guard container.state.status == .paused else { throw ContainerStoreError.notPaused(container.record.name) }
            try container.setPaused(false)
            return nil
        }
    }
}

/// `swiftbuild wait`.
struct WaitCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "wait",
        abstract: "Wait until containers end, and print their exit codes.",
        discussion: """
            With --condition healthy it waits until a container's health check succeeds, and prints 0; when the container
            ends before that, it fails.

            EXAMPLES:
              swiftbuild wait job
              swiftbuild wait --condition healthy db
            """
    )

    @OptionGroup var global: GlobalOptions

    @Option(
        name: .customLong("condition"),
        help: ArgumentHelp("Wait until it is not-running (the default), removed or healthy.", valueName: "condition")
    )
    var condition = WaitCondition.notRunning

    @Argument(help: "Names or IDs of containers.")
    var names: [String]

    func run() throws -> ExitStatus {
        names.forEachContainer(in: try global.containers()) { "\(try $0.wait(for: condition))" }
    }
}

extension SignalName {
    /// - Throws: `UserError` with the status for wrong use.
    static func parse(_ option: String, _ text: String) throws(UserError) -> Int32 {
        guard let number = number(text) else { throw UserError("\(option): unknown signal `\(text)`", status: .usage) }
        return number
    }
}
