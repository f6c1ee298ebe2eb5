import ArgumentParser
import CommandSupport
import ContainerNetworks
import Containers
import Reporting
import TerminalUI

/// `swiftbuild port`.
struct PortCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "port",
        abstract: "Print where the ports of a container are published.",
        discussion: """
            EXAMPLES:
              swiftbuild port web
              swiftbuild port web 80/tcp
            """
    )

    @OptionGroup var global: GlobalOptions

    @Argument(help: "Name or ID of a container.")
    var name: String

    @Argument(help: "One port of it, such as 80/tcp.")
    var port: String?

    func run() throws -> ExitStatus {
        let container = try global.containers().find(name)
        let wanted = try port.map { text in
            guard let port = ExposedPort(text) else {
                throw UserError("`\(text)` is not a port, such as 80/tcp", status: .usage)
            }
            return port
        }
        let bound = container.state.endpoints.flatMap(\.ports).map { bound in
            (bound, ExposedPort(bound.containerPort, bound.transport))
        }.filter { wanted == nil || $0.1 == wanted }
        if bound.isEmpty, let wanted {
            throw UserError("the container `\(container.record.name)` has not published \(wanted)")
        }
        for (bound, port) in bound.sorted(by: { $0.1 < $1.1 }) {
            let address = "\(bound.hostAddress.hostText):\(bound.hostPort)"
            Terminal.print(wanted == nil ? "\(port) -> \(address)" : address)
        }
        return .success
    }
}
