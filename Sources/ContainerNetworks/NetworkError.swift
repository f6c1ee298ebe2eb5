public import FileSystem
internal import SystemPackage

/// Why something cannot be done with a network.
public enum NetworkError: Error, Sendable, Equatable {
    case invalidName(String)
    case invalidPort(String, String)
    case invalidGateway(IPv4Address, IPv4Subnet)
    case nameInUse(String)
    case predefined(String)
    case notFound(String)
    case ambiguous(String)
    case inUse(String, containers: [String])
    case subnetInUse(IPv4Subnet, network: String)
    case noFreeSubnet
    case noFreeAddress(network: String, IPv4Subnet)
    case addressOutside(IPv4Address, network: String, IPv4Subnet)
    case addressInUse(IPv4Address, container: String)
    case alreadyConnected(container: String, network: String)
    case notConnected(container: String, network: String)
    case portInUse(PublishedPort, container: String?)
    case onlyInternal
    case namespaceLost
    case system(SystemError)
    case damaged(String)

    /// Runs something of the targets below, whose errors become this one.
    static func wrapping<Result>(_ body: () throws -> Result) throws(NetworkError) -> Result {
        do {
            return try body()
        } catch let error as NetworkError {
            throw error
        } catch let error as SystemError {
            throw .system(error)
        } catch {
            throw .damaged("\(error)")
        }
    }
}

extension NetworkError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .invalidName(let name):
            "invalid network name `\(name)`: expected letters, digits, `_`, `.` and `-`, the first a letter or digit"
        case .invalidPort(let text, let reason): "invalid published port `\(text)`: \(reason)"
        case .invalidGateway(let address, let subnet): "gateway \(address) is not a host address of subnet \(subnet)"
        case .nameInUse(let name): "network `\(name)` already exists"
        case .predefined(let name): "network `\(name)` is predefined"
        case .notFound(let name): "network `\(name)` not found"
        case .ambiguous(let prefix): "several networks have an ID that starts with `\(prefix)`"
        case .inUse(let name, let containers):
            "network `\(name)` is in use by \(containers.map { "`\($0)`" }.joined(separator: ", "))"
        case .subnetInUse(let subnet, let network): "subnet \(subnet) overlaps with network `\(network)`"
        case .noFreeSubnet: "all default subnets overlap with networks or routes of this machine"
        case .noFreeAddress(let network, let subnet): "no free address left in network `\(network)` (\(subnet))"
        case .addressOutside(let address, let network, let subnet):
            "address \(address) is not available in network `\(network)` (\(subnet))"
        case .addressInUse(let address, let container): "address \(address) is in use by container `\(container)`"
        case .alreadyConnected(let container, let network):
            "container `\(container)` is already connected to network `\(network)`"
        case .notConnected(let container, let network):
            "container `\(container)` is not connected to network `\(network)`"
        case .portInUse(let port, let container):
            "\(NetworkError.text(of: port)) is already in use" + (container.map { " by container `\($0)`" } ?? "")
        case .onlyInternal: "cannot publish ports: all networks of the container are internal"
        case .namespaceLost:
            "the process that keeps the networks of this store was killed; stop all its containers that have networks"
        case .system(let error): "\(error)"
        case .damaged(let reason): "cannot read a network's file: \(reason)"
        }
    }

    /// What the user can do about it, if anything.
    public var hint: String? {
        switch self {
        case .noFreeSubnet: "choose one with --subnet"
        case .system(let error) where error.errno == .notPermitted: "bridge networks need root or user namespaces"
        case .system(let error) where [.notSupported, .protocolNotSupported].contains(error.errno):
            "the kernel lacks bridges, veth or nf_tables (CONFIG_BRIDGE, CONFIG_VETH, CONFIG_NFT_NAT)"
        default: nil
        }
    }

    private static func text(of port: PublishedPort) -> String {
        let range = port.hostPorts
        let ports =
            range.count > 1 ? "each of the ports \(range.lowerBound)-\(range.upperBound)" : "port \(range.lowerBound)"
        let place = port.hostAddress.map { " of address \($0)" } ?? ""
        return "\(ports)/\(port.transport.rawValue)\(place)"
    }
}
