import ArgumentParser
import CommandSupport
import ContainerNetworks
import Containers
import Formatting
import OCI
import Reporting
import TerminalUI

/// `swiftbuild network inspect`.
struct NetworkInspectCommand: Command {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Print everything about networks as JSON, under Docker's field names.",
        discussion: """
            EXAMPLES:
              swiftbuild network inspect shop
              swiftbuild network inspect -f '{{(index .IPAM.Config 0).Subnet}}' shop
            """
    )

    @OptionGroup var global: GlobalOptions

    @OptionGroup var output: InspectionOutput

    @Argument(help: "Names or IDs of networks.")
    var names: [String]

    func run() async throws -> ExitStatus {
        let networks = try global.containers().networks
        return try await output.print(names) { try ListedNetwork.inspection(of: $0, in: networks) }
    }
}

extension ListedNetwork {
    /// What Docker's API has at `/networks/ID`.
    ///
    /// - Throws: `NetworkError`.
    static func inspection(of name: String, in store: NetworkStore) throws(NetworkError) -> JSONValue {
        for fixed in [host, none] where fixed.name == name { return fixed.inspection([]) }
        let (record, endpoints) = try store.find(name)
        return ListedNetwork(record).inspection(endpoints)
    }

    private func inspection(_ endpoints: [NetworkEndpoint]) -> JSONValue {
        let containers = endpoints.map { endpoint -> (String, JSONValue) in
            (
                "\(endpoint.container)",
                .object([
                    "Name": .string(endpoint.containerName),
                    "EndpointID": .string("\(endpoint.id)"),
                    "MacAddress": .string(endpoint.macAddress),
                    "IPv4Address": .string("\(endpoint.address)/\(record?.subnet.prefixLength ?? 0)"),
                    "IPv6Address": .string(""),
                ])
            )
        }
        let pools: [JSONValue] =
            record.map {
                [.object(["Subnet": .string("\($0.subnet)"), "Gateway": .string("\($0.gateway)")])]
            } ?? []
        var options: [String: JSONValue] = [:]
        if let record {
            options["com.docker.network.bridge.name"] = .string(record.interface)
        }
        return .object([
            "Name": .string(name),
            "Id": .string("\(id)"),
            "Created": .string("\(record?.created ?? Timestamp(nanosecondsSinceEpoch: 0))"),
            "Scope": .string("local"),
            "Driver": .string(driver),
            "EnableIPv4": .boolean(true),
            "EnableIPv6": .boolean(false),
            "IPAM": .object(["Driver": .string("default"), "Options": .null, "Config": .list(pools)]),
            "Internal": .boolean(record?.isInternal ?? false),
            "Attachable": .boolean(false),
            "Ingress": .boolean(false),
            "ConfigFrom": .object(["Network": .string("")]),
            "ConfigOnly": .boolean(false),
            "Containers": .object(Dictionary(containers) { $1 }),
            "Options": .object(options),
            "Labels": .object((record?.labels ?? [:]).mapValues { .string($0) }),
        ])
    }
}
