internal import ContentStore
internal import OCI

/// A container's place in one network, as the store keeps it.
public struct NetworkEndpoint: Sendable, Codable, Equatable {
    public let network: ObjectID
    public let networkName: String
    public let container: ObjectID
    public internal(set) var containerName: String
    /// Other names by which containers of this network find it.
    public let aliases: [String]
    public let address: IPv4Address
    /// Of the network's subnet.
    public let prefixLength: Int
    public let gateway: IPv4Address
    /// The name of the interface in the container's namespace.
    public let interface: String
    /// The ports that are published through this network.
    public internal(set) var ports: [BoundPort] = []

    /// Docker's choice: a neighbour that remembers the address of a container that ended finds the next one.
    public var hardwareAddress: [UInt8] { [0x02, 0x42] + address.bytes }

    /// The same in the usual notation.
    public var macAddress: String {
        hardwareAddress.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined(separator: ":")
    }

    public var id: ObjectID { ObjectID(digestOf: "\(network)\(container)") }

    /// The name of the interface's other end, on the machine's side.
    var hostInterface: String { "veth\(id.description.prefix(11))" }
}
