internal import ContentStore
internal import OCI

/// The ID of a network or a container: 64 lower-case hexadecimal digits, as Docker's.
public struct ObjectID: TextCodable {
    public let description: String

    /// - Returns: `nil` for anything but 64 lower-case hexadecimal digits.
    public init?(_ text: String) {
        guard text.utf8.count == 64, text.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
        else { return nil }
        description = text
    }

    /// Makes a new ID.
    public static func random() -> ObjectID {
        let digits = Array("0123456789abcdef")
        return ObjectID(unchecked: String((0..<64).map { _ in digits[Int.random(in: 0..<16)] }))
    }

    /// The one that follows from a text.
    init(digestOf text: String) { description = SHA256Hasher.digest(of: text).hex }

    private init(unchecked text: String) { description = text }

    /// The first twelve digits.
    public var short: String { String(description.prefix(12)) }
}
