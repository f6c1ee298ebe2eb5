import ArgumentParser
import CommandSupport
import ContainerNetworks
import Containers
import Glibc
import Reporting
import TerminalUI

/// `swiftbuild network`.
struct NetworkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "network",
        abstract: "Make and remove the networks that containers find each other in.",
        discussion: """
            EXAMPLES:
              swiftbuild network create shop
              swiftbuild run -d --network shop --name db postgres
              swiftbuild run --rm --network shop app ping db
            """,
        subcommands: [
            NetworkCreateCommand.self, NetworkListCommand.self, NetworkInspectCommand.self,
            NetworkConnectCommand.self, NetworkDisconnectCommand.self, NetworkRemoveCommand.self,
            NetworkPruneCommand.self,
        ]
    )
}

/// `swiftbuild network create`.
struct NetworkCreateCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "create",
        abstract: "Make a network.",
        discussion: """
            EXAMPLES:
              swiftbuild network create shop
              swiftbuild network create --subnet 10.5.0.0/24 --internal vault
            """
    )

    @OptionGroup var global: GlobalOptions

    @Option(
        name: [.customShort("d"), .customLong("driver")],
        help: ArgumentHelp("The kind of network, of which bridge is the only one.", valueName: "driver")
    )
    var driver = "bridge"

    @Option(
        name: .customLong("subnet"),
        help: ArgumentHelp(
            "Its addresses, such as 172.28.0.0/16 (default: the first that are free).",
            valueName: "subnet"
        )
    )
    var subnet: String?

    @Option(
        name: .customLong("gateway"),
        help: ArgumentHelp("The machine's address in it (default: the first one).", valueName: "address")
    )
    var gateway: String?

    @Flag(name: .customLong("internal"), help: "Let its containers reach nothing outside.")
    var isInternal = false

    @Option(name: .customLong("label"), help: ArgumentHelp("Set a label; may repeat.", valueName: "name[=value]"))
    var labels: [String] = []

    @Argument(help: "Its name.")
    var name: String

    func run() throws -> ExitStatus {
        guard driver == "bridge" else {
            throw UserError("--driver: there is no network driver `\(driver)`, only bridge", status: .usage)
        }
        let chosen = try subnet.map { text in
            guard let subnet = IPv4Subnet(text) else {
                throw UserError("--subnet: `\(text)` is not an IPv4 subnet, such as 172.28.0.0/16", status: .usage)
            }
            return subnet
        }
        let network = try global.containers().networks.create(
            name,
            subnet: chosen,
            gateway: try gateway.map { try NetworkFlags.address("--gateway", $0) },
            isInternal: isInternal,
            labels: try ContainerCreation.labels(labels, files: [])
        )
        Terminal.print("\(network.id)")
        return .success
    }
}

/// `swiftbuild network connect`.
struct NetworkConnectCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "connect",
        abstract: "Connect a container to a network, also while it runs.",
        discussion: """
            EXAMPLES:
              swiftbuild network connect --alias store shop db
            """
    )

    @OptionGroup var global: GlobalOptions

    @Option(
        name: .customLong("alias"),
        help: ArgumentHelp("A further name for the container in the network; may repeat.", valueName: "name")
    )
    var aliases: [String] = []

    @Option(name: .customLong("ip"), help: ArgumentHelp("The container's IPv4 address.", valueName: "address"))
    var address: String?

    @Argument(help: "Name or ID of a network.")
    var network: String

    @Argument(help: "Name or ID of a container.")
    var container: String

    func run() throws -> ExitStatus {
        let address = try address.map { try NetworkFlags.address("--ip", $0) }
        try global.containers().find(container).connect(
            NetworkAttachment(network, aliases: aliases, address: address)
        )
        return .success
    }
}

/// `swiftbuild network disconnect`.
struct NetworkDisconnectCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "disconnect",
        abstract: "Disconnect a container from a network, also while it runs.",
        discussion: """
            EXAMPLES:
              swiftbuild network disconnect shop db
            """
    )

    @OptionGroup var global: GlobalOptions

    @Argument(help: "Name or ID of a network.")
    var network: String

    @Argument(help: "Name or ID of a container.")
    var container: String

    func run() throws -> ExitStatus {
        try global.containers().find(container).disconnect(from: network)
        return .success
    }
}

/// `swiftbuild network rm`.
struct NetworkRemoveCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "rm",
        abstract: "Remove networks.",
        discussion: """
            EXAMPLES:
              swiftbuild network rm shop
            """,
        aliases: ["remove"]
    )

    @OptionGroup var global: GlobalOptions

    @Flag(name: [.customShort("f"), .customLong("force")], help: "Missing ones are not an error.")
    var isForced = false

    @Argument(help: "Names or IDs of networks.")
    var names: [String]

    func run() throws -> ExitStatus {
        let networks = try global.containers().networks
        var status = ExitStatus.success
        for name in names {
            do throws(NetworkError) {
                _ = try networks.remove(name)
                Terminal.print(name)
            } catch {
                if isForced, case .notFound = error { continue }
                let failure = FailureReport(error)
                failure.write()
                status = failure.status
            }
        }
        return status
    }
}

/// `swiftbuild network prune`.
struct NetworkPruneCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Remove networks that no container is in.",
        discussion: """
            EXAMPLES:
              swiftbuild network prune -f
            """
    )

    @OptionGroup var global: GlobalOptions
    @OptionGroup var flags: PruneFlags

    func run() throws -> ExitStatus {
        let filter = try PruneFilter(flags.filters)
        guard try flags.confirm(["all networks not used by at least one container"]) else { return .success }
        let names = try global.containers().pruneNetworks(filter)
        if !names.isEmpty { Terminal.print("Deleted Networks:\n" + names.joined(separator: "\n")) }
        return .success
    }
}
