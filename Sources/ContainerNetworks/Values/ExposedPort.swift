/// A port that a container says it serves, such as `80/tcp`.
public struct ExposedPort: TextCodable, Comparable {
    public let number: UInt16
    public let transport: Transport

    public init(_ number: UInt16, _ transport: Transport) { (self.number, self.transport) = (number, transport) }

    /// Reads `PORT[/tcp|udp]`.
    public init?(_ text: String) {
        guard let ports = try? ExposedPort.parse(text), ports.count == 1 else { return nil }
        self = ports[0]
    }

    /// Reads `PORT[-PORT][/tcp|udp]`, as `--expose` and image configurations have it.
    ///
    /// - Throws: `NetworkError.invalidPort`.
    public static func parse(_ text: String) throws(NetworkError) -> [ExposedPort] {
        guard !text.contains(":") else { throw .invalidPort(text, "expected, for example, 80/tcp") }
        return try PublishedPort.parse(text).map { ExposedPort($0.containerPort, $0.transport) }
    }

    public var description: String { "\(number)/\(transport.rawValue)" }

    public static func < (left: ExposedPort, right: ExposedPort) -> Bool {
        (left.number, left.transport.rawValue) < (right.number, right.transport.rawValue)
    }
}
