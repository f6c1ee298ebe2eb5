internal import FileSystem
internal import SystemPackage

extension NetworkStore {
    /// Adds a container to a network: its file, the bridge if it is the first one, and the pair of interfaces.
    ///
    /// - Parameter networks: All networks, changed accordingly; rules are made from them afterwards.
    func connect(
        _ attachment: NetworkAttachment,
        of request: NetworkRequest,
        interface: String,
        _ namespace: NetworkNamespace,
        _ networks: inout [PopulatedNetwork]
    ) throws -> (NetworkRecord, NetworkEndpoint) {
        let index = try NetworkStore.index(of: attachment.network, in: networks)
        let name = networks[index].record.name
        guard !networks[index].endpoints.contains(where: { $0.container == request.container }) else {
            throw NetworkError.alreadyConnected(container: request.containerName, network: name)
        }
        let (site, bridge) = (BridgeSite.current, networks[index].record.interface)
        let hasBridge = try site.run { () throws(SystemError) in Links.exists(bridge) } ?? false
        // Another store must not choose the same subnet before there is a route to it.
        let machineLock = hasBridge ? nil : try? FileLock.acquire("/run/swiftbuild-networks.lock", .exclusive)
        defer { withExtendedLifetime(machineLock) {} }
        if !hasBridge { try adapt(index, &networks) }
        let endpoint = NetworkEndpoint(
            network: networks[index].record.id,
            networkName: name,
            container: request.container,
            containerName: request.containerName,
            aliases: attachment.aliases,
            address: try NetworkStore.address(attachment.address, in: networks[index]),
            prefixLength: networks[index].record.subnet.prefixLength,
            gateway: networks[index].record.gateway,
            interface: interface
        )
        let record = networks[index].record
        networks[index].endpoints.append(endpoint)
        // The file first: what is made after it is removed by means of it.
        try write(endpoint)
        _ = try site.run { () throws(SystemError) in
            if !record.isInternal { try MachineRoutes.enableForwarding() }
            if !hasBridge { try Links.makeBridge(record) }
            try Links.makePair(endpoint, bridge: bridge, namespace: namespace)
        }
        return (record, endpoint)
    }

    /// Chooses another subnet when the machine has got a route that overlaps since, as by another program's network.
    private func adapt(_ index: Int, _ networks: inout [PopulatedNetwork]) throws {
        let record = networks[index].record
        guard record.isSubnetAutomatic, networks[index].endpoints.isEmpty,
            MachineRoutes.subnets().contains(where: { $0.overlaps(record.subnet) })
        else { return }
        let subnet = try MachineRoutes.freeSubnet(besides: networks.map(\.record.subnet))
        networks[index].record.subnet = subnet
        networks[index].record.gateway = IPv4Address(number: subnet.hosts.lowerBound)
        try write(networks[index].record)
    }

    /// The lowest free address, or the one that is asked for if it is free.
    private static func address(_ wanted: IPv4Address?, in network: PopulatedNetwork) throws(NetworkError)
        -> IPv4Address
    {
        let (record, subnet) = (network.record, network.record.subnet)
        if let wanted {
            guard subnet.hosts.contains(wanted.number), wanted != record.gateway else {
                throw .addressOutside(wanted, network: record.name, subnet)
            }
            if let holder = network.endpoints.first(where: { $0.address == wanted }) {
                throw .addressInUse(wanted, container: holder.containerName)
            }
            return wanted
        }
        let taken = Set(network.endpoints.map(\.address.number)).union([record.gateway.number])
        guard let free = subnet.hosts.first(where: { !taken.contains($0) }) else {
            throw .noFreeAddress(network: record.name, subnet)
        }
        return IPv4Address(number: free)
    }
}
