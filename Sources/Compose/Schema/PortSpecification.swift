/// A port in its short form: `[[address:][published]:]target[/protocol]`, each of the two a number or a range.
struct PortSpecification {
    struct Failure: Error {
        let reason: String
    }

    struct Port {
        let address: String?
        let target: Int
        let published: String?
        let transport: String

        /// What Docker sorts by.
        var key: String { "\(target)/\(transport)" }
    }

    let ports: [Port]

    init(parsing text: String) throws(Failure) {
        var rest = text[...]
        var transport = "tcp"
        if let slash = rest.lastIndex(of: "/") {
            transport = rest[rest.index(after: slash)...].lowercased()
            rest = rest[..<slash]
            guard ["tcp", "udp", "sctp"].contains(transport) else {
                throw Failure(reason: "unknown protocol `\(transport)`")
            }
        }
        let targetText = rest.split(separator: ":", omittingEmptySubsequences: false).last ?? ""
        rest = rest.dropLast(targetText.count)
        let target = try Self.range(targetText)
        guard rest.last == ":" else {
            ports = target.map { Port(address: nil, target: $0, published: nil, transport: transport) }
            return
        }
        rest = rest.dropLast()
        let publishedText = rest.split(separator: ":", omittingEmptySubsequences: false).last ?? ""
        rest = rest.dropLast(publishedText.count)
        var address: String?
        if rest.last == ":" {
            var text = rest.dropLast()
            if text.hasPrefix("["), text.hasSuffix("]") { text = text.dropFirst().dropLast() }
            guard text.utf8.allSatisfy({ $0.isDigit || $0.beginsName || ".:%-".utf8.contains($0) }) else {
                throw Failure(reason: "invalid address `\(text)`")
            }
            address = text.isEmpty ? nil : String(text)
        }
        guard !publishedText.isEmpty else {
            ports = target.map { Port(address: address, target: $0, published: nil, transport: transport) }
            return
        }
        let published = try Self.range(publishedText, lowest: 0)
        if published.count == target.count {
            ports = zip(target, published).map {
                Port(address: address, target: $0, published: "\($1)", transport: transport)
            }
        } else if target.count == 1 {
            // Any free one of the range.
            ports = [
                Port(
                    address: address,
                    target: target.lowerBound,
                    published: String(publishedText),
                    transport: transport
                )
            ]
        } else {
            throw Failure(reason: "the ranges `\(publishedText)` and `\(targetText)` differ in length")
        }
    }

    private static func range(_ text: Substring, lowest: Int = 1) throws(Failure) -> ClosedRange<Int> {
        let bounds = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let numbers = bounds.compactMap { $0.utf8.allSatisfy(\.isDigit) ? Int($0) : nil }
        guard numbers.count == bounds.count, let first = numbers.first, let last = numbers.last,
            (lowest...65535).contains(first), (lowest...65535).contains(last), first <= last
        else { throw Failure(reason: "`\(text)` is neither a port nor a range of ports") }
        return first...last
    }
}
