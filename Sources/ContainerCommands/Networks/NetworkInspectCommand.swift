import ArgumentParser
import CommandSupport
public import ContainerNetworks
import Containers
import Formatting
public import OCI
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

    @Option(
        name: [.customShort("f"), .customLong("format")],
        help: ArgumentHelp("`json`, or a template such as '{{.Id}}' for each.", valueName: "format")
    )
    var format: String?

    @Argument(help: "Names or IDs of networks.")
    var names: [String]

    func run() throws -> ExitStatus {
        let template = try format.flatMap { $0 == "json" ? nil : try FormatTemplate(parsing: $0) }
        let networks = try global.containers().networks
        let documents = try names.map { try NetworkInspection.document(of: $0, in: networks) }
        if let template {
            for document in documents { Terminal.print(try template.text(document.safeToPrint)) }
        } else {
            try Terminal.print(json: documents)
        }
        return .success
    }
}

/// What `inspect` prints about a network.
public enum NetworkInspection {
    /// - Throws: `NetworkError`.
    public static func document(of name: String, in store: NetworkStore) throws(NetworkError) -> JSONValue {
        for fixed in [ListedNetwork.host, .none] where fixed.name == name { return document(fixed, nil, []) }
        let (record, endpoints) = try store.find(name)
        return document(ListedNetwork(record), record, endpoints)
    }

    private static func document(
        _ network: ListedNetwork,
        _ record: NetworkRecord?,
        _ endpoints: [NetworkEndpoint]
    ) -> JSONValue {
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
            "Name": .string(network.name),
            "Id": .string("\(network.id)"),
            "Created": .string("\(record?.created ?? Timestamp(nanosecondsSinceEpoch: 0))"),
            "Scope": .string("local"),
            "Driver": .string(network.driver),
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
