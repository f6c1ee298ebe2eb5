/// A network that a container is to be in.
public struct NetworkAttachment: Sendable, Codable, Hashable {
    /// A name, an ID or the beginning of one.
    public let network: String
    /// Further names for the container in this network.
    public let aliases: [String]
    /// The address that it is to have; by default any free one.
    public let address: IPv4Address?

    public init(_ network: String, aliases: [String] = [], address: IPv4Address? = nil) {
        self.network = network
        self.aliases = aliases
        self.address = address
    }
}

/// Everything that a container is to have of networks.
public struct NetworkRequest: Sendable {
    public let container: ObjectID
    public let containerName: String
    /// At least one; the first one that is not internal has the default route and the published ports.
    public let attachments: [NetworkAttachment]
    public let ports: [PublishedPort]
    /// What to ask about names that are not those of containers; each empty part is the machine's.
    public let resolver: ResolverConfiguration

    public init(
        container: ObjectID,
        containerName: String,
        attachments: [NetworkAttachment] = [NetworkAttachment(NetworkRecord.defaultName)],
        ports: [PublishedPort] = [],
        resolver: ResolverConfiguration = ResolverConfiguration()
    ) {
        self.container = container
        self.containerName = containerName
        self.attachments = attachments
        self.ports = ports
        self.resolver = resolver
    }

    /// What the container is told and its queries are answered by, from the machine's file as it is now.
    var effectiveResolver: ResolverConfiguration {
        let machine = ResolverConfiguration.machine()
        var result = resolver
        if result.servers.isEmpty { result.servers = machine.servers }
        if result.search.isEmpty { result.search = machine.search }
        if result.options.isEmpty { result.options = machine.options.filter { !$0.hasPrefix("ndots:") } }
        return result
    }
}
