internal import Glibc

/// What a container is called for ever: 64 hexadecimal digits, as Docker has them.
public struct ContainerID: Sendable, Hashable, Codable, CustomStringConvertible {
    public let description: String

    /// A new one, which no other container has.
    public static func random() -> ContainerID {
        ContainerID(
            unchecked: (0..<32).map { _ in
                let digits = String(UInt8.random(in: 0...255), radix: 16)
                return digits.count == 1 ? "0" + digits : digits
            }.joined()
        )
    }

    private init(unchecked text: String) { description = text }

    /// - Returns: `nil` for anything else than 64 lower-case hexadecimal digits.
    public init?(_ text: String) {
        guard text.utf8.count == 64, text.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else { return nil }
        description = text
    }

    /// The first twelve digits, by which people call it.
    public var short: String { String(description.prefix(12)) }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let id = ContainerID(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "invalid container ID")
        }
        self = id
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
