internal import FileSystem
internal import Glibc
internal import SystemPackage

/// Network interfaces by rtnetlink(7), so that iproute2 is not needed.
enum Links {
    private static let newLink: UInt16 = 16
    private static let deleteLink: UInt16 = 17
    private static let newAddress: UInt16 = 20
    private static let newRoute: UInt16 = 24
    /// `IFLA_…` of linux/if_link.h.
    private enum Attribute {
        static let address: UInt16 = 1
        static let name: UInt16 = 3
        static let master: UInt16 = 10
        static let information: UInt16 = 18
        static let namespace: UInt16 = 28
    }

    static func exists(_ name: String) -> Bool { if_nametoindex(name) != 0 }

    /// Makes a bridge with the network's gateway address.
    static func makeBridge(_ network: NetworkRecord) throws(SystemError) {
        let socket = try NetlinkSocket(.route)
        try addBridge(network, socket)
        try address(network.gateway, in: network.subnet, of: network.interface, socket)
    }

    /// Makes a bridge without an address, in the namespace of the socket.
    static func addBridge(_ network: NetworkRecord, _ socket: borrowing NetlinkSocket) throws(SystemError) {
        var message = NetlinkMessage(newLink, [.create, .exclusive], header: header(isUp: true))
        message.add(Attribute.name, network.interface)
        // Otherwise the bridge has the lowest address of its ports, which changes with them.
        message.add(Attribute.address, [0x02, 0x42] + network.gateway.bytes)
        message.nest(Attribute.information) { $0.add(1, "bridge") }
        try socket.send([message], "create network bridge", network.interface)
    }

    /// Makes a pair of interfaces: one a port of the network's bridge, the other in a namespace.
    static func makePair(
        _ endpoint: NetworkEndpoint,
        bridge: String,
        namespace: NetworkNamespace
    ) throws(SystemError) {
        var message = NetlinkMessage(newLink, [.create, .exclusive], header: header(isUp: true))
        message.add(Attribute.name, endpoint.hostInterface)
        message.add(Attribute.master, if_nametoindex(bridge))
        message.nest(Attribute.information) { information in
            information.add(1, "veth")
            information.nest(2) { data in
                data.nest(1, header: header()) { peer in
                    peer.add(Attribute.name, endpoint.interface)
                    peer.add(Attribute.address, endpoint.hardwareAddress)
                    peer.add(Attribute.namespace, UInt32(namespace.descriptor))
                }
            }
        }
        // A container may use its own published port, also where the bridge itself redirects it (br_netfilter).
        var hairpin = NetlinkMessage(newLink, header: header())
        hairpin.add(Attribute.name, endpoint.hostInterface)
        hairpin.nest(Attribute.information) { information in
            information.add(4, "bridge")
            information.nest(5) { $0.add(4, [1]) }
        }
        try NetlinkSocket(.route).send([message, hairpin], "create network interface", endpoint.hostInterface)
    }

    /// Removes an interface, and with it the other end of a pair; a missing one is fine.
    static func remove(_ name: String) throws(SystemError) {
        guard exists(name) else { return }
        var message = NetlinkMessage(deleteLink, header: header())
        message.add(Attribute.name, name)
        do throws(SystemError) {
            try NetlinkSocket(.route).send([message], "remove network interface", name)
        } catch {
            if error.errno != Errno(rawValue: ENODEV) { throw error }
        }
    }

    // MARK: Inside the namespace of the calling thread

    static func raiseLoopback() throws(SystemError) {
        try NetlinkSocket(.route).send([enabling("lo")], "enable network interface", "lo")
    }

    /// Gives an interface its address and enables it.
    static func address(_ address: IPv4Address, in subnet: IPv4Subnet, of interface: String) throws(SystemError) {
        try self.address(address, in: subnet, of: interface, NetlinkSocket(.route))
    }

    private static func address(
        _ address: IPv4Address,
        in subnet: IPv4Subnet,
        of interface: String,
        _ socket: borrowing NetlinkSocket
    ) throws(SystemError) {
        // struct ifaddrmsg: family, prefix length, flags, scope, index.
        let index = NetlinkMessage.bytes(if_nametoindex(interface))
        let header = [UInt8(AF_INET), UInt8(subnet.prefixLength), 0, 0] + index
        var message = NetlinkMessage(newAddress, [.create, .exclusive], header: header)
        message.add(1, address.bytes)
        message.add(2, address.bytes)
        message.add(4, subnet.broadcast.bytes)
        // Not when it is made: the kernel enables no interface whose other end is not there yet.
        try socket.send([message, enabling(interface)], "set address \(address) of network interface", interface)
    }

    /// Sends everything that has no other way to a gateway.
    static func defaultRoute(through gateway: IPv4Address, _ interface: String) throws(SystemError) {
        // struct rtmsg: family, lengths of destination and source, tos, table main, protocol boot, scope, unicast, flags.
        let header: [UInt8] = [UInt8(AF_INET), 0, 0, 0, 254, 3, 0, 1, 0, 0, 0, 0]
        var message = NetlinkMessage(newRoute, [.create, .replace], header: header)
        message.add(5, gateway.bytes)
        message.add(4, if_nametoindex(interface))
        try NetlinkSocket(.route).send([message], "set the default route through", interface)
    }

    private static func enabling(_ interface: String) -> NetlinkMessage {
        var message = NetlinkMessage(newLink, header: header(isUp: true))
        message.add(Attribute.name, interface)
        return message
    }

    /// struct ifinfomsg: family, padding, type, index, flags, mask of flags; IFF_UP is 1.
    private static func header(isUp: Bool = false) -> [UInt8] {
        let flags = NetlinkMessage.bytes(UInt32(isUp ? 1 : 0))
        return [UInt8](repeating: 0, count: 8) + flags + flags
    }
}
