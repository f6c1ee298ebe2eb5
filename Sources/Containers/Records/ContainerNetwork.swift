public import ContainerNetworks

/// What a container sees of the network.
public enum ContainerNetwork: Sendable, Hashable, Codable {
    /// The machine's interfaces.
    case host
    /// Only a loopback interface of its own.
    case none
    /// The interfaces of another container, while that runs.
    case container(ContainerID)
    /// An interface in each of these networks, of which there is at least one.
    case networks([NetworkAttachment])

    /// The name of each network, as Docker has it.
    public var names: [String] {
        switch self {
        case .host: ["host"]
        case .none: ["none"]
        case .container(let id): ["container:\(id)"]
        case .networks(let attachments): attachments.map(\.network)
        }
    }
}
