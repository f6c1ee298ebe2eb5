import ContainerNetworks
import Containers

extension ContainerSummary {
    /// Its ports as `ps` prints them: `127.0.0.1:8000->8000/tcp, 9000/udp`, neighbours as ranges.
    var portsText: String {
        let (bound, exposed) = ports
        let published = Set(bound.map { ExposedPort($0.containerPort, $0.transport) })
        let ranges =
            bound.map { PortRange($0) } + exposed.filter { !published.contains($0) }.map { PortRange($0) }
        var merged: [PortRange] = []
        for range in ranges.sorted(by: { $0.order < $1.order }) {
            if let last = merged.last, last.isFollowed(by: range) {
                merged[merged.count - 1].count += 1
            } else {
                merged.append(range)
            }
        }
        return merged.map(\.description).joined(separator: ", ")
    }
}

/// Consecutive ports of one address and transport.
private struct PortRange: CustomStringConvertible {
    /// `nil` for ports that are not published.
    let host: (address: String, port: UInt16)?
    let port: UInt16
    let transport: Transport
    var count: UInt16 = 1

    init(_ bound: BoundPort) {
        host = (bound.hostAddress.hostText, bound.hostPort)
        (port, transport) = (bound.containerPort, bound.transport)
    }

    init(_ exposed: ExposedPort) {
        host = nil
        (port, transport) = (exposed.number, exposed.transport)
    }

    var order: (String, String, UInt16) { (transport.rawValue, host?.address ?? "", port) }

    func isFollowed(by other: PortRange) -> Bool {
        transport == other.transport && host?.address == other.host?.address && port + count == other.port
            && host.map { $0.port + count == other.host?.port } ?? true
    }

    var description: String {
        func text(_ first: UInt16) -> String { count == 1 ? "\(first)" : "\(first)-\(first + (count - 1))" }
        return (host.map { "\($0.address):\(text($0.port))->" } ?? "") + "\(text(port))/\(transport.rawValue)"
    }
}
