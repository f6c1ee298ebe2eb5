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

    /// The name of the bridge; the kernel allows 15 characters.
    public var interface: String { "sb-\(id.short)" }
    public var isDefault: Bool { name == NetworkRecord.defaultName }
}

/// A network and the containers in it.
struct PopulatedNetwork: Sendable {
    var record: NetworkRecord
    var endpoints: [NetworkEndpoint]
}
