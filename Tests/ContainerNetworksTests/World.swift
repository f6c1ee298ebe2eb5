import ContentStore
import FileSystem
import Glibc
import OCI
import Synchronization
import SystemPackage
import TestSupport
import Testing

@testable import ContainerNetworks

/// A machine of its own, as a network namespace, with a store; whatever is done in it leaves the real one alone.
final class World: Sendable {
    /// Why tests of the kernel's side are skipped, `nil` when they run.
    static let obstacle: String? = {
        do {
            try NetworkNamespace().run { () throws(SystemError) in
                try PacketFilter.remove(table: "probe")
                try Links.remove("probe")
            }
            return nil
        } catch { return "\(error)" }
    }()
    static var canRun: Bool {
        if let obstacle { print("skipped: \(obstacle)") }
        return obstacle == nil
    }

    let scratch: ScratchDirectory
    let store: Store
    let machine: NetworkNamespace
    private let alive = Mutex<Set<ObjectID>>([])

    init() throws {
        scratch = try ScratchDirectory()
        store = try Store(root: scratch.path.appending("store"))
        machine = try NetworkNamespace()
    }

    var networking: ContainerNetworking {
        ContainerNetworking(store) { [weak self] id in self?.alive.withLock { $0.contains(id) } ?? false }
    }
    var networks: NetworkStore { networking.networks }

    func inMachine<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
        try World.run(in: machine, body)
    }

    static func run<Value: Sendable>(
        in namespace: NetworkNamespace,
        _ body: @escaping @Sendable () throws -> Value
    ) throws -> Value {
        try namespace.run { () throws(SystemError) in Result { try body() } }.get()
    }

    /// Starts a container without processes.
    func start(
        _ name: String,
        _ attachments: [NetworkAttachment] = [NetworkAttachment("bridge")],
        ports: [String] = [],
        resolver: ResolverConfiguration = ResolverConfiguration(),
        id: ObjectID = .random()
    ) throws -> LiveNetworks {
        alive.withLock { _ = $0.insert(id) }
        return try inMachine { [networking] in
            try networking.start(
                NetworkRequest(
                    container: id,
                    containerName: name,
                    attachments: attachments,
                    ports: try ports.flatMap { try PublishedPort.parse($0) },
                    resolver: resolver
                )
            )
        }
    }

    func stop(_ lives: LiveNetworks...) throws { for live in lives { try inMachine { try live.stop() } } }

    /// From now on nothing of the container's supervisor is there.
    func kill(_ live: LiveNetworks) { alive.withLock { $0.subtract(live.endpoints.map(\.container)) } }

    /// The names of the machine's interfaces.
    func interfaces() throws -> [String] {
        try inMachine {
            guard let list = if_nameindex() else { return [] }
            defer { if_freenameindex(list) }
            var names: [String] = []
            var position = list
            while let name = position.pointee.if_name {
                names.append(String(cString: name))
                position += 1
            }
            return names.filter { $0.hasPrefix("sb-") || $0.hasPrefix("veth") }
        }
    }

    /// Another machine, at 192.0.2.2, of a network in which this one has the address 192.0.2.1.
    func neighbour() throws -> NetworkNamespace {
        let outside = try NetworkNamespace()
        let (subnet, address) = (try #require(IPv4Subnet("192.0.2.0/24")), try #require(IPv4Address("192.0.2.2")))
        let uplink = NetworkRecord(
            id: .random(),
            name: "uplink",
            subnet: subnet,
            gateway: IPv4Address(number: address.number - 1),
            isSubnetAutomatic: false,
            isInternal: false,
            labels: [:],
            created: .epoch
        )
        let endpoint = NetworkEndpoint(
            network: uplink.id,
            networkName: uplink.name,
            container: .random(),
            containerName: "outside",
            aliases: [],
            address: address,
            prefixLength: subnet.prefixLength,
            gateway: uplink.gateway,
            interface: "eth0"
        )
        try inMachine {
            try Links.makeBridge(uplink)
            try Links.makePair(endpoint, bridge: uplink.interface, namespace: outside)
        }
        try World.run(in: outside) {
            try Links.address(address, in: subnet, of: "eth0")
            try Links.defaultRoute(through: uplink.gateway, "eth0")
        }
        return outside
    }
}
