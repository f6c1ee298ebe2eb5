public import ContentStore
internal import FileSystem
internal import OCI
internal import SystemPackage

/// The networks of a store, each in a directory of `networks-v1` that is called by its ID.
///
/// | File | Content |
/// | --- | --- |
/// | `network.json` | `NetworkRecord` |
/// | `endpoints/CONTAINER.json` | `NetworkEndpoint` |
///
/// Bridges and rules are made from these files, and removed with the last endpoint. An endpoint counts only while its
/// container's supervisor lives, so that nothing is left of one that was killed, or of those before a reboot.
public struct NetworkStore: Sendable {
    let store: Store
    private let isAlive: @Sendable (ObjectID) -> Bool

    /// - Parameter isAlive: Whether the supervisor of a container lives.
    public init(_ store: Store, isAlive: @escaping @Sendable (ObjectID) -> Bool) {
        self.store = store
        self.isAlive = isAlive
    }

    // MARK: What users do

    /// All networks by name, the default one among them.
    ///
    /// - Throws: `NetworkError`, here and in all others.
    public func list() throws(NetworkError) -> [NetworkRecord] {
        try locked { networks in networks.map(\.record) }
    }

    /// The network of a name, an ID or the beginning of one, with the containers in it.
    public func find(_ reference: String) throws(NetworkError) -> (record: NetworkRecord, endpoints: [NetworkEndpoint])
    {
        try locked { networks in
            let network = networks[try NetworkStore.index(of: reference, in: networks)]
            return (network.record, network.endpoints)
        }
    }

    /// Makes a network.
    ///
    /// - Parameters:
    ///   - subnet: By default the first of Docker's pools that is free.
    ///   - gateway: By default the first address of the subnet.
    public func create(
        _ name: String,
        subnet: IPv4Subnet? = nil,
        gateway: IPv4Address? = nil,
        isInternal: Bool = false,
        labels: [String: String] = [:]
    ) throws(NetworkError) -> NetworkRecord {
        guard NetworkStore.isValid(name) else { throw .invalidName(name) }
        if ["host", "none", NetworkRecord.defaultName].contains(name) { throw .predefined(name) }
        return try locked { networks in
            if networks.contains(where: { $0.record.name == name }) { throw NetworkError.nameInUse(name) }
            if let subnet, let other = networks.first(where: { $0.record.subnet.overlaps(subnet) }) {
                throw NetworkError.subnetInUse(subnet, network: other.record.name)
            }
            let chosen = try subnet ?? MachineRoutes.freeSubnet(besides: networks.map(\.record.subnet))
            let gateway = gateway ?? IPv4Address(number: chosen.hosts.lowerBound)
            guard chosen.hosts.contains(gateway.number) else { throw NetworkError.invalidGateway(gateway, chosen) }
            let record = NetworkRecord(
                id: .random(),
                name: name,
                subnet: chosen,
                gateway: gateway,
                isSubnetAutomatic: subnet == nil,
                isInternal: isInternal,
                labels: labels,
                created: Timestamp(nanosecondsSinceEpoch: WallClock.now)
            )
            try write(record)
            note("create", record)
            return record
        }
    }

    /// Removes a network that no container is in.
    public func remove(_ reference: String) throws(NetworkError) -> NetworkRecord {
        try locked { networks in
            let network = networks[try NetworkStore.index(of: reference, in: networks)]
            if network.record.isDefault { throw NetworkError.predefined(network.record.name) }
            guard network.endpoints.isEmpty else {
                throw NetworkError.inUse(
                    network.record.name,
                    containers: network.endpoints.map(\.containerName).sorted()
                )
            }
            try remove(network.record)
            return network.record
        }
    }

    private func remove(_ record: NetworkRecord) throws {
        try FileOperations.removeTree(directory(record.id))
        note("destroy", record)
    }

    private func note(_ action: String, _ record: NetworkRecord) {
        EventLog(store).add(.network, action, "\(record.id)", ["name": record.name, "type": "bridge"])
    }

    /// Removes all networks that no container is in but the default one.
    ///
    /// - Parameter isSelected: Whether a network is to be removed then.
    public func prune(where isSelected: (NetworkRecord) -> Bool = { _ in true }) throws(NetworkError) -> [NetworkRecord]
    {
        try locked { networks in
            let unused = networks.filter { $0.endpoints.isEmpty && !$0.record.isDefault && isSelected($0.record) }
            for network in unused { try remove(network.record) }
            return unused.map(\.record)
        }
    }

    /// Gives a container another name in the networks in which it is.
    public func rename(_ container: ObjectID, to name: String) throws(NetworkError) {
        try NetworkError.wrapping {
            let known = try load().flatMap(\.endpoints).contains { $0.container == container }
            guard known else { return }
            try locked { networks in
                for var endpoint in networks.flatMap(\.endpoints) where endpoint.container == container {
                    endpoint.containerName = name
                    try write(endpoint)
                }
            }
        }
    }

    /// Removes what containers have left whose supervisor was killed.
    public func clean() throws(NetworkError) { try locked { _ in } }

    // MARK: Files

    private func directory(_ id: ObjectID) -> FilePath { store[.networks].appending(id.description) }
    private func endpoints(_ id: ObjectID) -> FilePath { directory(id).appending("endpoints") }
    private func file(_ endpoint: NetworkEndpoint) -> FilePath {
        endpoints(endpoint.network).appending("\(endpoint.container).json")
    }

    func write(_ record: NetworkRecord) throws {
        try FileOperations.createDirectories(endpoints(record.id))
        try write(record, to: directory(record.id).appending("network.json"))
    }

    func write(_ endpoint: NetworkEndpoint) throws { try write(endpoint, to: file(endpoint)) }

    func remove(_ endpoint: NetworkEndpoint) throws { try FileOperations.remove(file(endpoint)) }

    private func write(_ value: some Encodable, to path: FilePath) throws {
        try FileOperations.writeAtomically(CanonicalJSON.encode(value), to: path, temporary: store[.temporary])
    }

    /// What is in the files now; what is not readable is left out.
    func load() throws -> [PopulatedNetwork] {
        func value<Value: Decodable>(_ path: FilePath) -> Value? {
            (try? FileOperations.readRegular(path, limit: 1 << 20)).flatMap {
                try? CanonicalJSON.decode(Value.self, from: $0)
            }
        }
        return try FileOperations.names(in: store[.networks]).compactMap { name -> PopulatedNetwork? in
            guard let id = ObjectID(String(decoding: name, as: UTF8.self)),
                let record: NetworkRecord = value(directory(id).appending("network.json"))
            else { return nil }
            let files = (try? FileOperations.names(in: endpoints(id))) ?? []
            let connected = files.compactMap { value(endpoints(id).appending(bytes: $0)) as NetworkEndpoint? }
            return PopulatedNetwork(record: record, endpoints: connected)
        }.sorted { $0.record.name < $1.record.name }
    }

    /// The name of a container that has published a port which another one cannot have therefore.
    func holder(of port: PublishedPort) -> String? {
        ((try? load()) ?? []).flatMap(\.endpoints).first { endpoint in
            endpoint.ports.contains {
                $0.transport == port.transport && port.hostPorts.contains($0.hostPort)
                    && ([nil, .any4, .any6].contains(port.hostAddress)
                        || [.any4, .any6, port.hostAddress].contains($0.hostAddress))
            }
        }?.containerName
    }

    /// What changes whenever a file that `load` reads does, with the time of the latest change in nanoseconds.
    func version() -> (directories: [FilePath: Int64], latest: Int64) {
        let names = (try? FileOperations.names(in: store[.networks])) ?? []
        let paths =
            [store[.networks]]
            + names.compactMap { ObjectID(String(decoding: $0, as: UTF8.self)) }.map { endpoints($0) }
        let times = paths.map { ($0, FileStatus.ifPresent($0)?.changed ?? 0) }
        return (Dictionary(times) { $1 }, times.map(\.1).max() ?? 0)
    }

    // MARK: Under the lock

    /// Runs something while no other process changes networks, on what is left without killed containers.
    func locked<Result>(
        except own: ObjectID? = nil,
        _ body: ([PopulatedNetwork]) throws -> Result
    ) throws(NetworkError) -> Result {
        try NetworkError.wrapping {
            let lock = try FileLock.acquire(store[.networks], .exclusive)
            defer { withExtendedLifetime(lock) {} }
            var networks = try load()
            if !networks.contains(where: \.record.isDefault) { networks.insert(try makeDefault(networks), at: 0) }
            let stale = networks.flatMap(\.endpoints).filter { $0.container != own && !isAlive($0.container) }
            if !stale.isEmpty { networks = try withdraw(stale, from: networks) }
            return try body(networks)
        }
    }

    private func makeDefault(_ networks: [PopulatedNetwork]) throws -> PopulatedNetwork {
        let subnet = try MachineRoutes.freeSubnet(besides: networks.map(\.record.subnet))
        let record = NetworkRecord(
            id: .random(),
            name: NetworkRecord.defaultName,
            subnet: subnet,
            gateway: IPv4Address(number: subnet.hosts.lowerBound),
            isSubnetAutomatic: true,
            isInternal: false,
            labels: [:],
            created: Timestamp(nanosecondsSinceEpoch: WallClock.now)
        )
        try write(record)
        return PopulatedNetwork(record: record, endpoints: [])
    }

    /// Removes endpoints with everything that was made for them; their files last, so that an interruption does not hide
    /// what is left.
    func withdraw(_ removed: [NetworkEndpoint], from networks: [PopulatedNetwork]) throws -> [PopulatedNetwork] {
        var networks = networks
        for index in networks.indices { networks[index].endpoints.removeAll { removed.contains($0) } }
        let unused = networks.filter(\.endpoints.isEmpty).map(\.record.interface)
        let interfaces = removed.map(\.hostInterface) + unused
        let (left, table) = (networks, PacketRules.table(of: store))
        _ = try BridgeSite.current.run { () throws(SystemError) in
            for interface in interfaces { try Links.remove(interface) }
            try PacketRules.install(left, table: table)
        }
        for endpoint in removed { try remove(endpoint) }
        return networks
    }

    static func index(of reference: String, in networks: [PopulatedNetwork]) throws(NetworkError) -> Int {
        if let named = networks.firstIndex(where: { $0.record.name == reference }) { return named }
        let matches = networks.indices.filter { networks[$0].record.id.description.hasPrefix(reference) }
        guard !reference.isEmpty, let match = matches.first else { throw .notFound(reference) }
        guard matches.count == 1 else { throw .ambiguous(reference) }
        return match
    }

    private static func isValid(_ name: String) -> Bool {
        name.utf8.count <= 255 && name.first.map { $0.isASCII && ($0.isLetter || $0.isNumber) } ?? false
            && name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) || "_.-".contains($0) }
    }
}
