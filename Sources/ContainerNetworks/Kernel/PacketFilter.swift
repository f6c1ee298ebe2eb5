internal import FileSystem
internal import Glibc

/// One table of nftables, replaced as a whole in one transaction (linux/netfilter/nf_tables.h), so that nft is not
/// needed.
///
/// The kernel's numbers: attributes are those of `NFTA_…`, in network order.
struct PacketFilter {
    enum Hook: UInt32 {
        case prerouting = 0
        case forward = 2
        case output = 3
        case postrouting = 4
    }

    /// What a rule tests or does; a test that fails ends the rule.
    enum Expression {
        case input(String, isEqual: Bool = true)
        case output(String, isEqual: Bool = true)
        case source(IPv4Subnet)
        case destination(IPv4Address)
        case transport(Transport)
        case destinationPort(UInt16)
        /// Not 127.0.0.0/8, but another address of this machine.
        case destinationIsOwn
        case isReply
        case hasNewDestination
        case newDestination(IPv4Address, UInt16)
        case masquerade
        case accept
        case drop
        case jump(String)
    }

    let table: String
    private var messages: [NetlinkMessage] = []

    init(table: String) {
        self.table = table
        // The second removes what the first made or found.
        messages = [Self.tableMessage(0, .create, table), Self.tableMessage(2, [], table)]
        messages.append(messages[0])
    }

    /// Adds a chain that other chains jump to.
    mutating func chain(_ name: String) { chain(name) { _ in } }

    /// Adds a chain through which packets go, NAT in it or a filter.
    mutating func chain(_ name: String, _ hook: Hook, isNAT: Bool, priority: Int32) {
        chain(name) { message in
            message.nest(4) { part in
                part.add(1, hook.rawValue.bigEndian)
                part.add(2, UInt32(bitPattern: priority).bigEndian)
            }
            message.add(5, UInt32(1).bigEndian)
            message.add(7, isNAT ? "nat" : "filter")
        }
    }

    private mutating func chain(_ name: String, _ build: (inout NetlinkMessage) -> Void) {
        var message = Self.message(3, .create)
        message.add(1, table)
        message.add(3, name)
        build(&message)
        messages.append(message)
    }

    mutating func rule(in chain: String, _ expressions: [Expression]) {
        var message = Self.message(6, [.create, .append])
        message.add(1, table)
        message.add(2, chain)
        message.nest(4) { list in
            for expression in expressions { expression.encode(into: &list) }
        }
        messages.append(message)
    }

    /// Puts the table in the place of the one of its name.
    ///
    /// - Throws: `SystemError`.
    func install() throws(SystemError) { try install(through: NetlinkSocket(.netfilter)) }

    /// The same in the namespace of a socket.
    func install(through socket: borrowing NetlinkSocket) throws(SystemError) {
        try Self.commit(messages, "install packet filter", table, socket)
    }

    /// Removes a table; a missing one is fine.
    static func remove(table: String) throws(SystemError) {
        try commit(
            [tableMessage(0, .create, table), tableMessage(2, [], table)],
            "remove packet filter",
            table,
            NetlinkSocket(.netfilter)
        )
    }

    /// Fails where rules may not be changed, or where there are none in this kernel.
    static func checkPermission() throws(SystemError) {
        // NFT_MSG_GETGEN, which like all the others needs CAP_NET_ADMIN.
        try NetlinkSocket(.netfilter).send([message(16, [])], "read packet filters", "nf_tables")
    }

    private static func commit(
        _ messages: [NetlinkMessage],
        _ operation: String,
        _ table: String,
        _ socket: borrowing NetlinkSocket
    ) throws(SystemError) {
        // NFNL_MSG_BATCH_BEGIN and _END for the subsystem 10, nf_tables.
        let begin = NetlinkMessage(0x10, header: [0, 0, 0, 10])
        let end = NetlinkMessage(0x11, header: [0, 0, 0, 10])
        try socket.send([begin] + messages, trailer: end, operation, table)
    }

    private static func tableMessage(_ type: UInt16, _ flags: NetlinkMessage.Flags, _ table: String) -> NetlinkMessage {
        var message = message(type, flags)
        message.add(1, table)
        return message
    }

    /// A message with the header `nfgenmsg` for IPv4.
    private static func message(_ type: UInt16, _ flags: NetlinkMessage.Flags) -> NetlinkMessage {
        NetlinkMessage(10 << 8 | type, flags, header: [UInt8(AF_INET), 0, 0, 0])
    }
}

extension PacketFilter.Expression {
    /// Appends what `nft` would make of this; registers are 1 and 2, 0 is the verdict.
    fileprivate func encode(into list: inout NetlinkMessage) {
        switch self {
        case .input(let name, let isEqual): list.interface(key: 6, name, isEqual)
        case .output(let name, let isEqual): list.interface(key: 7, name, isEqual)
        case .source(let subnet):
            list.load("payload", [(2, 1), (3, 12), (4, 4)])
            list.mask(subnet.mask.bytes)
            list.compare(subnet.network.bytes)
        case .destination(let address):
            list.load("payload", [(2, 1), (3, 16), (4, 4)])
            list.compare(address.bytes)
        case .transport(let transport):
            list.load("meta", [(2, 16)])
            list.compare([UInt8(transport == .tcp ? IPPROTO_TCP : IPPROTO_UDP)])
        case .destinationPort(let port):
            list.load("payload", [(2, 2), (3, 2), (4, 2)])
            list.compare(NetlinkMessage.bytes(port.bigEndian))
        case .destinationIsOwn:
            // Address type of the destination: RTN_LOCAL.
            list.load("fib", [(2, 3), (3, 2)])
            list.compare(NetlinkMessage.bytes(UInt32(2)))
            list.load("payload", [(2, 1), (3, 16), (4, 1)])
            list.compare([127], isEqual: false)
        case .isReply:
            // ct state established or related.
            list.load("ct", [(2, 0)])
            list.mask(NetlinkMessage.bytes(UInt32(6)))
            list.compare([0, 0, 0, 0], isEqual: false)
        case .hasNewDestination:
            // ct status dnat.
            list.load("ct", [(2, 2)])
            list.mask(NetlinkMessage.bytes(UInt32(32)))
            list.compare([0, 0, 0, 0], isEqual: false)
        case .newDestination(let address, let port):
            list.immediate(address.bytes, register: 1)
            list.immediate(NetlinkMessage.bytes(port.bigEndian), register: 2)
            list.expression("nat") { data in
                for (attribute, value) in [(1, 1), (2, AF_INET), (3, 1), (5, 2)] as [(UInt16, Int32)] {
                    data.add(attribute, UInt32(value).bigEndian)
                }
            }
        case .masquerade: list.expression("masq") { _ in }
        case .accept: list.verdict(1)
        case .drop: list.verdict(0)
        case .jump(let chain): list.verdict(-3, chain: chain)
        }
    }
}

extension NetlinkMessage {
    fileprivate mutating func expression(_ name: String, _ build: (inout NetlinkMessage) -> Void) {
        nest(1) { element in
            element.add(1, name)
            element.nest(2, build)
        }
    }

    /// Loads something into register 1; in each expression that does so the register is the attribute 1.
    fileprivate mutating func load(_ expression: String, _ attributes: [(UInt16, UInt32)]) {
        self.expression(expression) { data in
            data.add(1, UInt32(1).bigEndian)
            for (attribute, value) in attributes { data.add(attribute, value.bigEndian) }
        }
    }

    fileprivate mutating func interface(key: UInt32, _ name: String, _ isEqual: Bool) {
        load("meta", [(2, key)])
        let bytes = Array(name.utf8.prefix(15))
        compare(bytes + [UInt8](repeating: 0, count: 16 - bytes.count), isEqual: isEqual)
    }

    fileprivate mutating func compare(_ value: [UInt8], isEqual: Bool = true) {
        expression("cmp") { data in
            data.add(1, UInt32(1).bigEndian)
            data.add(2, UInt32(isEqual ? 0 : 1).bigEndian)
            data.nest(3) { $0.add(1, value) }
        }
    }

    fileprivate mutating func mask(_ mask: [UInt8]) {
        expression("bitwise") { data in
            data.add(1, UInt32(1).bigEndian)
            data.add(2, UInt32(1).bigEndian)
            data.add(3, UInt32(mask.count).bigEndian)
            data.nest(4) { $0.add(1, mask) }
            data.nest(5) { $0.add(1, [UInt8](repeating: 0, count: mask.count)) }
        }
    }

    fileprivate mutating func immediate(_ value: [UInt8], register: UInt32) {
        expression("immediate") { data in
            data.add(1, register.bigEndian)
            data.nest(2) { $0.add(1, value) }
        }
    }

    fileprivate mutating func verdict(_ code: Int32, chain: String? = nil) {
        expression("immediate") { data in
            data.add(1, UInt32(0))
            data.nest(2) { value in
                value.nest(2) { verdict in
                    verdict.add(1, UInt32(bitPattern: code).bigEndian)
                    if let chain { verdict.add(2, chain) }
                }
            }
        }
    }
}
