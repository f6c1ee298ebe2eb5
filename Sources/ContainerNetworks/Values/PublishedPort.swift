/// A transport protocol whose ports can be published.
public enum Transport: String, Sendable, Codable {
    case tcp
    case udp
}

/// One port of a container that is asked to be reachable through the machine.
public struct PublishedPort: Sendable, Codable, Hashable {
    /// `nil` for all addresses of the machine.
    public let hostAddress: IPAddress?
    /// Ports of which the first free one is taken; `0...0` for any.
    public let hostPorts: ClosedRange<UInt16>
    public let containerPort: UInt16
    public let transport: Transport

    public init(
        hostAddress: IPAddress? = nil,
        hostPorts: ClosedRange<UInt16> = 0...0,
        containerPort: UInt16,
        transport: Transport
    ) {
        self.hostAddress = hostAddress
        self.hostPorts = hostPorts
        self.containerPort = containerPort
        self.transport = transport
    }

    /// Reads `[[ADDRESS:][HOST PORTS]:]CONTAINER PORTS[/PROTOCOL]` (docker-run(1), `--publish`), in which ports may be
    /// ranges.
    ///
    /// - Throws: `NetworkError.invalidPort`.
    public static func parse(_ text: String) throws(NetworkError) -> [PublishedPort] {
        let (body, transport) = try transport(of: text)
        let (address, rest) = try address(of: body, in: text)
        let parts = rest.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 2, let last = parts.last else {
            throw .invalidPort(text, "expected, for example, 127.0.0.1:8080:80/tcp")
        }
        let container = try range(last, "container port", in: text)
        let host = parts.count == 2 && !parts[0].isEmpty ? try range(parts[0], "host port", in: text) : nil
        if let host, container.count > 1, host.count != container.count {
            throw .invalidPort(text, "the ranges have different lengths: \(host.count) and \(container.count) ports")
        }
        return container.enumerated().map { index, port in
            let hostPorts: ClosedRange<UInt16>
            if let host {
                let chosen = host.lowerBound + UInt16(index)
                hostPorts = container.count > 1 ? chosen...chosen : host
            } else {
                hostPorts = 0...0
            }
            return PublishedPort(
                hostAddress: address,
                hostPorts: hostPorts,
                containerPort: port,
                transport: transport
            )
        }
    }

    private static func transport(of text: String) throws(NetworkError) -> (Substring, Transport) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return (text[...], .tcp) }
        guard let transport = Transport(rawValue: parts[1].lowercased()) else {
            throw .invalidPort(text, "unsupported protocol `\(parts[1])`: expected tcp or udp")
        }
        return (parts[0], transport)
    }

    /// The address before the last two fields, if there is one.
    private static func address(of body: Substring, in text: String) throws(NetworkError) -> (IPAddress?, Substring) {
        let addressText: Substring
        let rest: Substring
        if body.first == "[" {
            guard let end = body.firstIndex(of: "]"), body[end...].dropFirst().first == ":" else {
                throw .invalidPort(text, "expected `]:` after the IPv6 address")
            }
            addressText = body[..<end].dropFirst()
            rest = body[end...].dropFirst(2)
        } else {
            let parts = body.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3 else { return (nil, body) }
            guard !parts[2].contains(":") else {
                throw .invalidPort(text, "an IPv6 address needs brackets, as in [::1]:8080:80")
            }
            addressText = parts[0]
            rest = body[parts[1].startIndex...]
        }
        guard rest.contains(":") else { throw .invalidPort(text, "expected a host port and a container port") }
        if addressText.isEmpty { return (nil, rest) }
        guard let address = IPAddress(String(addressText)) else {
            throw .invalidPort(text, "invalid IP address `\(addressText)`")
        }
        return (address, rest)
    }

    private static func range(_ field: Substring, _ what: String, in text: String) throws(NetworkError)
        -> ClosedRange<UInt16>
    {
        let ends = field.split(separator: "-", omittingEmptySubsequences: false)
        let numbers = ends.compactMap { end in end.utf8.allSatisfy { (0x30...0x39).contains($0) } ? UInt16(end) : nil }
        guard ends.count <= 2, numbers.count == ends.count, let first = numbers.first, let last = numbers.last,
            first > 0 || what == "host port" && last == 0
        else { throw .invalidPort(text, "invalid \(what) `\(field)`: expected a number from 1 to 65535, or a range") }
        guard first <= last else { throw .invalidPort(text, "the range `\(field)` ends before it starts") }
        return first...last
    }
}

/// A published port that is reserved on the machine.
public struct BoundPort: Sendable, Codable, Hashable {
    public let hostAddress: IPAddress
    public let hostPort: UInt16
    public let containerPort: UInt16
    public let transport: Transport
}
