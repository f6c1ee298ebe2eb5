/// A block of IPv4 addresses of which at least two can be given to interfaces.
public struct IPv4Subnet: TextCodable {
    /// The first address, of which all bits behind the prefix are zero.
    public let network: IPv4Address
    /// Between 1 and 30.
    public let prefixLength: Int

    /// Makes the block that an address lies in; `nil` for a prefix length that is too short or too long.
    public init?(of address: IPv4Address, prefixLength: Int) {
        guard (1...30).contains(prefixLength) else { return nil }
        self.prefixLength = prefixLength
        network = IPv4Address(number: address.number & ~(UInt32.max >> prefixLength))
    }

    /// Reads an address and a prefix length, such as `172.28.0.0/16`; bits behind the prefix are cleared.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPv4Address(String(parts[0])), let length = Int(parts[1]),
            String(length) == parts[1]
        else { return nil }
        self.init(of: address, prefixLength: length)
    }

    public var description: String { "\(network)/\(prefixLength)" }

    var broadcast: IPv4Address { IPv4Address(number: network.number | UInt32.max >> prefixLength) }
    var mask: IPv4Address { IPv4Address(number: ~(UInt32.max >> prefixLength)) }

    /// The addresses that interfaces may have: all but the first and the last one.
    var hosts: ClosedRange<UInt32> { network.number + 1...broadcast.number - 1 }

    public func contains(_ address: IPv4Address) -> Bool { address.number & mask.number == network.number }

    public func overlaps(_ other: IPv4Subnet) -> Bool { contains(other.network) || other.contains(network) }
}
