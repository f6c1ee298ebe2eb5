import Glibc
public import Reporting

/// One argument of `EXPOSE`: `[[address:]host:]port[-port][/protocol]`.
public enum PortSpecification {
    /// The container's ports as `port/protocol`, in ascending order, a range as one for each port.
    ///
    /// Address and host port have no effect, but must be well-formed (Docker's `nat` package).
    /// - Throws: a diagnostic at `range`.
    public static func ports(_ text: String, at range: SourceRange) throws(Diagnostic) -> [String] {
        func invalid(_ reason: String) -> Diagnostic { Diagnostic("invalid port `\(text)`", at: range, label: reason) }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        let container = parts[parts.count - 1].split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let name = container.count > 1 && !container[1].isEmpty ? container[1].lowercased() : "tcp"
        guard ["tcp", "udp", "sctp"].contains(name) else { throw invalid("the protocol is tcp, udp or sctp") }
        guard parts.count < 3 || isAddress(parts.dropLast(2).joined(separator: ":")) else {
            throw invalid("the part before the ports is not an IP address")
        }
        guard let ports = bounds(container[0]) else { throw invalid("expected a number from 0 to 65535") }
        guard ports.first <= ports.last else { throw invalid("the range ends before it starts") }
        if parts.count > 1, !parts[parts.count - 2].isEmpty {
            guard let host = bounds(parts[parts.count - 2]), host.first <= host.last else {
                throw invalid("the host port is not a number from 0 to 65535")
            }
            guard ports.first == ports.last || host.last - host.first == ports.last - ports.first else {
                throw invalid("the two ranges differ in length")
            }
        }
        return (ports.first...ports.last).map { "\($0)/\(name)" }
    }

    private static func bounds(_ text: Substring) -> (first: UInt16, last: UInt16)? {
        let ends = text.split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count <= 2, let first = number(ends[0]), let last = number(ends[ends.count - 1]) else { return nil }
        return (first, last)
    }

    private static func number(_ text: Substring) -> UInt16? {
        text.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } ? UInt16(text) : nil
    }

    private static func isAddress(_ text: String) -> Bool {
        if text.isEmpty { return true }
        let isBracketed = text.hasPrefix("[") && text.hasSuffix("]") && text.utf8.count > 2
        var address = in6_addr()
        return inet_pton(AF_INET6, isBracketed ? String(text.dropFirst().dropLast()) : text, &address) == 1
            || inet_pton(AF_INET, text, &address) == 1
    }
}
