/// The names that one container can use for others.
struct NameTable: Sendable {
    /// By name in lower case; one name may be that of several containers.
    private var addresses: [String: [IPv4Address]] = [:]
    private var names: [IPv4Address: String] = [:]
    /// Whether the container may ask other servers.
    private(set) var hasWayOut = false

    /// Takes the names of networks that a container is in; the default one has none, as with Docker.
    init(_ networks: [PopulatedNetwork]) {
        hasWayOut = networks.contains { !$0.record.isInternal }
        for network in networks where !network.record.isDefault {
            for endpoint in network.endpoints {
                for name in [endpoint.containerName, endpoint.container.short] + endpoint.aliases {
                    add(name, endpoint.address)
                    add("\(name).\(network.record.name)", endpoint.address)
                }
                names[endpoint.address] = "\(endpoint.containerName).\(network.record.name)"
            }
        }
    }

    private mutating func add(_ name: String, _ address: IPv4Address) {
        var known = addresses[name.lowercased()] ?? []
        if !known.contains(address) { known.append(address) }
        addresses[name.lowercased()] = known
    }

    /// The records that answer a query, each time in another order; `nil` when others have to be asked.
    func records(for query: NameQuery) -> [[UInt8]]? {
        if let address = query.reverseAddress { return names[address].flatMap(NameQuery.encode).map { [$0] } }
        guard let found = addresses[query.name] else { return nil }
        return query.type == NameQuery.RecordType.address ? found.shuffled().map(\.bytes) : []
    }
}
