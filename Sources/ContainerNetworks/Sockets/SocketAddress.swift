internal import Glibc

/// An IP address and a port.
struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    let address: IPAddress
    let port: UInt16

    var description: String { "\(address.hostText):\(port)" }

    init(_ address: IPAddress, _ port: UInt16) {
        self.address = address
        self.port = port
    }

    init?(_ storage: sockaddr_storage) {
        var storage = storage
        let result: SocketAddress? = withUnsafeBytes(of: &storage) { raw in
            switch Int32(raw.loadUnaligned(as: sa_family_t.self)) {
            case AF_INET:
                let value = raw.loadUnaligned(as: sockaddr_in.self)
                return SocketAddress(
                    .v4(IPv4Address(number: value.sin_addr.s_addr.bigEndian)),
                    value.sin_port.bigEndian
                )
            case AF_INET6:
                let value = raw.loadUnaligned(as: sockaddr_in6.self)
                return SocketAddress(.v6(IPAddress.IPv6Address(value.sin6_addr)), value.sin6_port.bigEndian)
            default: return nil
            }
        }
        guard let result else { return nil }
        self = result
    }

    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        func pass<Value>(_ value: Value) -> Result {
            withUnsafePointer(to: value) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<Value>.size)) }
            }
        }
        switch address {
        case .v4(let address):
            var value = sockaddr_in()
            value.sin_family = sa_family_t(AF_INET)
            value.sin_port = port.bigEndian
            value.sin_addr.s_addr = address.number.bigEndian
            return pass(value)
        case .v6(let address):
            var value = sockaddr_in6()
            value.sin6_family = sa_family_t(AF_INET6)
            value.sin6_port = port.bigEndian
            value.sin6_addr = address.raw
            return pass(value)
        }
    }
}
