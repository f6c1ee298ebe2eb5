internal import Glibc

/// An address of either version, as the machine's own addresses and resolvers have it.
public enum IPAddress: TextCodable {
    case v4(IPv4Address)
    /// Sixteen bytes.
    case v6(IPv6Address)

    public struct IPv6Address: Sendable, Hashable {
        let bytes: [UInt8]

        init(_ raw: in6_addr) { bytes = withUnsafeBytes(of: raw) { Array($0) } }

        var raw: in6_addr {
            var raw = in6_addr()
            withUnsafeMutableBytes(of: &raw) { $0.copyBytes(from: bytes) }
            return raw
        }
    }

    /// Reads an address without brackets and without a zone.
    public init?(_ text: String) {
        if let address = IPv4Address(text) {
            self = .v4(address)
            return
        }
        var raw = in6_addr()
        guard inet_pton(AF_INET6, text, &raw) == 1 else { return nil }
        self = .v6(IPv6Address(raw))
    }

    /// Any address of this machine.
    public static let any4 = IPAddress.v4(IPv4Address(number: 0))
    public static let any6 = IPAddress.v6(IPv6Address(in6_addr()))

    public var description: String {
        switch self {
        case .v4(let address): return address.description
        case .v6(let address):
            var raw = address.raw
            var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
            inet_ntop(AF_INET6, &raw, &text, socklen_t(text.count))
            return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }

    /// The address as it stands before a port.
    public var hostText: String { if case .v6 = self { "[\(self)]" } else { description } }
}
