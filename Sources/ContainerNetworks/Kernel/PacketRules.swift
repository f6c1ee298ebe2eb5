internal import ContentStore
internal import FileSystem
internal import OCI
internal import SystemPackage

/// The rules for all networks of a store, as one table.
///
/// The table only ever drops what concerns its own bridges. What another program drops stays dropped, since each base
/// chain has its say: where the `FORWARD` chain of iptables has the policy `DROP`, as Docker sets it, bridges of other
/// programs need `iptables -I DOCKER-USER -i sb-+ -j ACCEPT`, and the same for `-o`. Ports are then still reachable from
/// the machine itself.
enum PacketRules {
    /// The table of a store, which no other store has.
    static func table(of store: Store) -> String {
        "swiftbuild-\(SHA256Hasher.digest(of: store.root.string).hex.prefix(8))"
    }

    /// Makes the rules those of these networks, of which only the ones with endpoints count.
    ///
    /// - Throws: `SystemError`.
    static func install(_ networks: [PopulatedNetwork], table: String) throws(SystemError) {
        let networks = networks.filter { !$0.endpoints.isEmpty }
        guard !networks.isEmpty else { return try PacketFilter.remove(table: table) }
        try filter(networks, table: table).install()
    }

    static func filter(_ networks: [PopulatedNetwork], table: String) -> PacketFilter {
        var filter = PacketFilter(table: table)
        publish(networks, &filter)
        masquerade(networks.map(\.record), &filter)
        isolate(networks.map(\.record), &filter)
        return filter
    }

    /// Directs published ports to their containers, whose services see the client's address.
    ///
    /// Clients at a loopback address have the proxy: a packet with such a source cannot leave the machine.
    private static func publish(_ networks: [PopulatedNetwork], _ filter: inout PacketFilter) {
        filter.chain("published")
        for endpoint in networks.flatMap(\.endpoints) {
            for port in endpoint.ports {
                guard case .v4(let address) = port.hostAddress, !address.isLoopback else { continue }
                filter.rule(
                    in: "published",
                    (port.hostAddress == .any4 ? [] : [.destination(address)]) + [
                        .transport(port.transport), .destinationPort(port.hostPort),
                        .newDestination(endpoint.address, port.containerPort),
                    ]
                )
            }
        }
        filter.chain("prerouting", .prerouting, isNAT: true, priority: -100)
        filter.chain("output", .output, isNAT: true, priority: -100)
        for chain in ["prerouting", "output"] { filter.rule(in: chain, [.destinationIsOwn, .jump("published")]) }
    }

    private static func masquerade(_ networks: [NetworkRecord], _ filter: inout PacketFilter) {
        filter.chain("postrouting", .postrouting, isNAT: true, priority: 100)
        for network in networks where !network.isInternal {
            filter.rule(
                in: "postrouting",
                [.source(network.subnet), .output(network.interface, isEqual: false), .masquerade]
            )
            // A container that uses a published port of its own network: the answer has to come back through here.
            filter.rule(
                in: "postrouting",
                [.source(network.subnet), .output(network.interface), .hasNewDestination, .masquerade]
            )
        }
    }

    /// Lets only answers and published ports into a network, and nothing out of an internal one.
    private static func isolate(_ networks: [NetworkRecord], _ filter: inout PacketFilter) {
        filter.chain("forward", .forward, isNAT: false, priority: 0)
        for network in networks where network.isInternal {
            filter.rule(in: "forward", [.input(network.interface), .output(network.interface, isEqual: false), .drop])
            filter.rule(in: "forward", [.output(network.interface), .input(network.interface, isEqual: false), .drop])
        }
        filter.rule(in: "forward", [.isReply, .accept])
        filter.rule(in: "forward", [.hasNewDestination, .accept])
        for network in networks where !network.isInternal {
            filter.rule(in: "forward", [.output(network.interface), .input(network.interface, isEqual: false), .drop])
        }
    }
}
