internal import ArgumentParser
internal import CommandSupport
internal import ContainerCommands
internal import ContainerNetworks
internal import Containers
internal import Reporting
internal import TerminalUI

/// `swiftbuild compose port`.
struct ComposePortCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "port",
        abstract: "Print where a port of a service is reached on this machine.",
        discussion: """
            EXAMPLES:
              swiftbuild compose port web 80
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var flags: ComposeFlags

    @Option(name: .customLong("protocol"), help: ArgumentHelp("tcp or udp.", valueName: "name"))
    var transport = "tcp"

    @Option(
        name: .customLong("index"),
        help: ArgumentHelp("Which of the service's containers (default: the first).", valueName: "number")
    )
    var index: Int?

    @Argument(help: "The service.")
    var service: String

    @Argument(help: "The port in the container.")
    var port: UInt16

    func run() throws -> ExitStatus {
        let container = try flags.openExisting(in: global).container(of: service, index: index)
        let found = container.state.endpoints.flatMap(\.ports).filter {
            $0.containerPort == port && $0.transport.rawValue == transport
        }
        guard let bound = found.first else {
            throw UserError("the container `\(container.record.name)` has not published \(port)/\(transport)")
        }
        Terminal.print("\(bound.hostAddress.hostText):\(bound.hostPort)")
        return .success
    }
}

/// `swiftbuild compose top`.
struct ComposeTopCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "top",
        abstract: "List the processes of services.",
        discussion: """
            EXAMPLES:
              swiftbuild compose top
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var flags: ComposeFlags

    @Argument(help: "Only these services.")
    var services: [String] = []

    func run() throws -> ExitStatus {
        for container in try flags.openExisting(in: global).containers(of: services) where container.isRunning {
            Terminal.print(container.name)
            Terminal.print(TopCommand.table(try container.container.processes()))
            Terminal.print("")
        }
        return .success
    }
}
