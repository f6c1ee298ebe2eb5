internal import CSandbox
public import ContentStore
internal import FileSystem
internal import Glibc
internal import Synchronization
internal import SystemPackage

/// What the supervisor of a container uses of networks.
public struct ContainerNetworking: Sendable {
    public let networks: NetworkStore

    /// - Parameter isAlive: Whether the supervisor of a container lives; for its own container it is not asked.
    public init(_ store: Store, isAlive: @escaping @Sendable (ObjectID) -> Bool) {
        networks = NetworkStore(store, isAlive: isAlive)
    }

    /// Why containers cannot have networks of their own here; `nil` where they can.
    ///
    /// Found out by making what they need in a namespace that goes away again, which takes longer than to start a process:
    /// once it has worked, only the permission is asked for until the machine is started again.
    ///
    /// - Parameter isThorough: Whether it is tried again.
    public static func obstacle(isThorough: Bool = false) -> NetworkError? {
        // Where only root can write.
        let proof = FilePath("/run/swiftbuild-networks.\(BootID.current)")
        do throws(SystemError) {
            if !BridgeSite.isMachine {
                try probeOrdinary()
                return nil
            }
            try PacketFilter.checkPermission()
            if !isThorough, FileStatus.ifPresent(proof) != nil { return nil }
            try NetworkNamespace().run { () throws(SystemError) in
                let probe = PopulatedNetwork.probe
                try Links.makeBridge(probe.record)
                try PacketRules.install([probe], table: "swiftbuild-probe")
            }
            _ = try? OwnedDescriptor(proof, O_WRONLY | O_CREAT, 0o600)
            return nil
        } catch {
            return .system(error)
        }
    }

    /// What an ordinary user's containers do not have, though they have networks, as a sentence; `nil` where that is nothing.
    public static var limit: String? {
        guard !BridgeSite.isMachine, let reason = WayOut.obstacle else { return nil }
        return "containers reach each other, but nothing outside the machine: \(reason)"
    }

    private static func probeOrdinary() throws(SystemError) {
        var sockets: [Int32] = [-1, -1]
        guard let made = OwnedDescriptor(sb_new_network(&sockets)), let routes = OwnedDescriptor(sockets[0]),
            let filters = OwnedDescriptor(sockets[1])
        else { throw SystemError("create", "network namespace") }
        // The sockets keep it.
        _ = consume made
        let probe = PopulatedNetwork.probe
        try Links.addBridge(probe.record, NetlinkSocket(.route, routes))
        try PacketRules.filter([probe], table: "swiftbuild-probe").install(through: NetlinkSocket(.netfilter, filters))
    }

    /// Lets an ordinary user's process make networks, once, while it has a single thread.
    ///
    /// - Throws: `NetworkError`.
    private func prepare() throws(NetworkError) {
        if !BridgeSite.isMachine { try StoreNamespace.enter(networks.store) }
    }

    /// Makes a network namespace that is in the networks of a request, with published ports and a name server.
    ///
    /// Everything is made from the calling thread's namespace, which is the machine's. Nothing is left when it throws.
    ///
    /// - Throws: `NetworkError`.
    public func start(_ request: NetworkRequest) throws(NetworkError) -> LiveNetworks {
        try prepare()
        let live = try LiveNetworks(networks, request)
        do throws(NetworkError) {
            try live.start()
        } catch {
            try? live.stop()
            throw error
        }
        return live
    }
}

/// The networks of a running container, served as long as this value lives.
public final class LiveNetworks: Sendable {
    /// What the processes of the container have to enter.
    public let namespace: NetworkNamespace
    /// The ports on the machine.
    public let ports: [BoundPort]

    private struct Connection: Sendable {
        let record: NetworkRecord
        var endpoint: NetworkEndpoint
    }

    private let store: NetworkStore
    private let request: NetworkRequest
    private let loop: SocketLoop
    /// That of the ports, in the namespace of the bridges.
    private let relays: SocketLoop
    private let proxies: Mutex<[PortProxy]>
    private let target = PortProxy.Target()
    private let connections = Mutex<[Connection]>([])

    fileprivate init(_ networks: NetworkStore, _ request: NetworkRequest) throws(NetworkError) {
        store = networks
        self.request = request
        var proxies: [PortProxy] = []
        for port in request.ports {
            do throws(NetworkError) {
                proxies += try PortProxy.reserve(port)
            } catch .portInUse(let port, _) {
                throw .portInUse(port, container: networks.holder(of: port))
            }
        }
        ports = proxies.map(\.bound)
        self.proxies = Mutex(proxies)
        let hasPorts = !proxies.isEmpty
        (namespace, loop, relays) = try NetworkError.wrapping {
            let loop = try SocketLoop()
            let site = hasPorts ? StoreNamespace.current : nil
            return (try NetworkNamespace(), loop, try site.map { try SocketLoop(in: $0) } ?? loop)
        }
    }

    /// The container's place in each of its networks, in the order in which it was connected.
    public var endpoints: [NetworkEndpoint] { connections.withLock { $0.map(\.endpoint) } }

    /// The address by which the container reaches this machine.
    public var gateway: IPv4Address? {
        connections.withLock { $0.first { !$0.record.isInternal } ?? $0.first }?.record.gateway
    }

    /// The content of `/etc/resolv.conf`.
    public var resolverFile: String { request.effectiveResolver.containerFile() }

    fileprivate func start() throws(NetworkError) {
        try change { networks, connections in
            // Of a supervisor of this container that was killed.
            try withdrawRest(&networks, connections)
            for attachment in request.attachments { try add(attachment, &networks, &connections) }
            if !ports.isEmpty, connections.allSatisfy(\.record.isInternal) { throw NetworkError.onlyInternal }
        }
        let sockets = try NetworkError.wrapping {
            try namespace.run { () throws(SystemError) in try NameServer.Sockets() }
        }
        let proxies = proxies.withLock { proxies in
            defer { proxies = [] }
            return proxies
        }
        relays.perform { [target] table in
            for proxy in proxies { proxy.serve(table, target: target) }
        }
        loop.perform { [store, request] table in
            let names = NameSource(store, request.container)
            NameServer(
                table,
                sockets,
                names: { names.table() },
                servers: { request.effectiveResolver.servers.map { SocketAddress($0, 53) } }
            ).start()
        }
    }

    /// Connects the running container to another network.
    public func connect(_ attachment: NetworkAttachment) throws(NetworkError) {
        do throws(NetworkError) {
            try change { networks, connections in try add(attachment, &networks, &connections) }
        } catch {
            try? change { networks, connections in try withdrawRest(&networks, connections) }
            throw error
        }
    }

    /// Disconnects the running container from a network.
    public func disconnect(_ reference: String) throws(NetworkError) {
        try change { networks, connections in
            let network = networks[try NetworkStore.index(of: reference, in: networks)].record
            guard let index = connections.firstIndex(where: { $0.record.id == network.id }) else {
                throw NetworkError.notConnected(container: request.containerName, network: network.name)
            }
            networks = try store.withdraw([connections[index].endpoint], from: networks)
            connections.remove(at: index)
        }
    }

    /// Leaves all networks, gives ports back, and removes what nothing else uses.
    public func stop() throws(NetworkError) {
        loop.stop()
        if relays !== loop { relays.stop() }
        proxies.withLock { $0 = [] }
        try store.locked(except: request.container) { networks in
            let own = networks.flatMap(\.endpoints).filter { $0.container == request.container }
            if !own.isEmpty { _ = try store.withdraw(own, from: networks) }
        }
        connections.withLock { $0 = [] }
    }

    // MARK: Changing

    /// Changes networks while no other process does, and brings everything else in line.
    private func change(
        _ body: (inout [PopulatedNetwork], inout [Connection]) throws -> Void
    ) throws(NetworkError) {
        try store.locked(except: request.container) { found in
            var networks = found
            try connections.withLock { connections in
                try body(&networks, &connections)
                try arrange(&networks, &connections)
            }
        }
    }

    /// Removes what there is of this container in networks that it is not connected to.
    private func withdrawRest(_ networks: inout [PopulatedNetwork], _ connections: [Connection]) throws {
        let rest = networks.flatMap(\.endpoints).filter { endpoint in
            endpoint.container == request.container && !connections.contains { $0.record.id == endpoint.network }
        }
        if !rest.isEmpty { networks = try store.withdraw(rest, from: networks) }
    }

    private func add(
        _ attachment: NetworkAttachment,
        _ networks: inout [PopulatedNetwork],
        _ connections: inout [Connection]
    ) throws {
        let used = Set(connections.map(\.endpoint.interface))
        let interface = (0...).lazy.map { "eth\($0)" }.first { !used.contains($0) } ?? "eth0"
        let (record, endpoint) = try store.connect(
            attachment,
            of: request,
            interface: interface,
            namespace,
            &networks
        )
        connections.append(Connection(record: record, endpoint: endpoint))
        try namespace.run { () throws(SystemError) in
            try Links.address(endpoint.address, in: record.subnet, of: interface)
        }
    }

    /// Gives the first network with a way out the default route and the published ports.
    private func arrange(_ networks: inout [PopulatedNetwork], _ connections: inout [Connection]) throws {
        let main = connections.firstIndex { !$0.record.isInternal }
        for index in connections.indices {
            let before = connections[index].endpoint
            connections[index].endpoint.ports = index == main ? ports : []
            let endpoint = connections[index].endpoint
            guard endpoint != before else { continue }
            try store.write(endpoint)
            for network in networks.indices where networks[network].record.id == endpoint.network {
                networks[network].endpoints.removeAll { $0.container == endpoint.container }
                networks[network].endpoints.append(endpoint)
            }
        }
        let (all, table) = (networks, PacketRules.table(of: store.store))
        _ = try BridgeSite.current.run { () throws(SystemError) in try PacketRules.install(all, table: table) }
        target.address.withLock { [address = main.map { connections[$0].endpoint.address }] in $0 = address }
        guard let main else { return }
        let (gateway, interface) = (connections[main].record.gateway, connections[main].endpoint.interface)
        try namespace.run { () throws(SystemError) in try Links.defaultRoute(through: gateway, interface) }
    }
}
