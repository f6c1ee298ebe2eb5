public import OCI

/// A bridge network, as the store keeps it.
public struct NetworkRecord: Sendable, Codable, Equatable {
    /// The network that containers are in unless they name another one.
    public static let defaultName = "bridge"

    public let id: ObjectID
    public let name: String
    public internal(set) var subnet: IPv4Subnet
    /// The address of the bridge itself, through which containers reach everything else.
    public internal(set) var gateway: IPv4Address
    /// Whether the subnet was chosen here, so that another one may be chosen when it no longer fits the machine.
    public let isSubnetAutomatic: Bool
    /// Whether its containers reach nothing outside.
    public let isInternal: Bool
    public let labels: [String: String]
    public let created: Timestamp
    public var driver: String { "bridge" }

    /// The ID of what Docker lists as a network, and which is none here: the machine's, and no network at all.
    public static func fixedID(_ name: String) -> ObjectID { ObjectID(digestOf: name) }

    /// The name of the bridge; the kernel allows 15 characters.
    public var interface: String { "sb-\(id.short)" }
    public var isDefault: Bool { name == NetworkRecord.defaultName }
}

/// A network and the containers in it.
struct PopulatedNetwork: Sendable {
    var record: NetworkRecord
    var endpoints: [NetworkEndpoint]

    /// One that needs everything that networks need of the kernel.
    static var probe: PopulatedNetwork {
        let (id, gateway, address) = (
            ObjectID.random(), IPv4Address(number: 0xC000_0201), IPv4Address(number: 0xC000_0202)
        )
        guard let subnet = IPv4Subnet(of: gateway, prefixLength: 24) else {
            preconditionFailure("24 is a prefix length")
        }
        let record = NetworkRecord(
            id: id,
            name: "probe",
            subnet: subnet,
            gateway: gateway,
            isSubnetAutomatic: false,
            isInternal: false,
            labels: [:],
            created: Timestamp(nanosecondsSinceEpoch: 0)
        )
        var endpoint = NetworkEndpoint(
            network: id,
            networkName: "probe",
            container: .random(),
            containerName: "probe",
            aliases: [],
            address: address,
            prefixLength: 24,
            gateway: gateway,
            interface: "eth0"
        )
        endpoint.ports = [BoundPort(hostAddress: .any4, hostPort: 1, containerPort: 1, transport: .tcp)]
        return PopulatedNetwork(record: record, endpoints: [endpoint])
    }
}
