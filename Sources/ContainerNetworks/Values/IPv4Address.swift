/// An IPv4 address.
public struct IPv4Address: TextCodable, Comparable {
    /// The four octets as one number, the first one most significant.
    public let number: UInt32

    public init(number: UInt32) { self.number = number }

    /// Reads four decimal octets without leading zeros.
    public init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var number: UInt32 = 0
        for part in parts {
            guard let octet = UInt8(part), String(octet) == part else { return nil }
            number = number << 8 | UInt32(octet)
        }
        self.number = number
    }

    /// The octets in network order.
    public var bytes: [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: number >> (24 - 8 * $0)) } }

    public var description: String { bytes.map(String.init).joined(separator: ".") }

    var isLoopback: Bool { number >> 24 == 127 }

    public static func < (left: IPv4Address, right: IPv4Address) -> Bool { left.number < right.number }
}
