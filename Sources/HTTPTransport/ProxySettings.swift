internal import RemoteAddresses

/// Which proxy leads to which host, as `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` say, in either case.
public struct ProxySettings: Sendable {
    /// A server that passes requests on.
    struct Proxy: Hashable {
        let host: String
        let port: Int
        let credentials: Credentials?
        let isSOCKS: Bool

        /// `host:port`, an IPv6 address in brackets.
        var authorityText: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }
    }

    private let variables: [String: String]

    /// - Parameter environment: Names and values; only those of proxies are kept.
    public init(environment: [String: String]) {
        var variables: [String: String] = [:]
        for name in ["http_proxy", "https_proxy", "all_proxy", "no_proxy"] {
            // The lower-case form wins, as in curl.
            variables[name] = environment[name] ?? environment[name.uppercased()]
        }
        self.variables = variables.filter { !$0.value.isEmpty }
    }

    /// The proxy for an address; `nil` where it is reached directly.
    func proxy(for address: WebAddress) throws(HTTPError) -> Proxy? {
        let names = [address.scheme == .https ? "https_proxy" : "http_proxy", "all_proxy"]
        guard let name = names.first(where: { variables[$0] != nil }), let value = variables[name],
            !isExcepted(address)
        else { return nil }
        let isSOCKS = value.hasPrefix("socks5://") || value.hasPrefix("socks5h://")
        let text = value.firstRange(of: "://").map { String(value[$0.upperBound...]) } ?? value
        guard let proxy = try? WebAddress(parsing: "http://" + text) else {
            throw .proxy(variable: name.uppercased())
        }
        return Proxy(
            host: proxy.host,
            port: proxy.port ?? (isSOCKS ? 1080 : 80),
            credentials: proxy.credentials,
            isSOCKS: isSOCKS
        )
    }

    /// Names and their subdomains, addresses, and networks as `10.0.0.0/8`; never a proxy for this machine itself.
    private func isExcepted(_ address: WebAddress) -> Bool {
        let host = address.host
        if host == "localhost" || host == "::1" || IPv4(host)?.isLoopback == true { return true }
        for word in (variables["no_proxy"] ?? "").split(whereSeparator: { ", \t".contains($0) }) {
            var pattern = word.lowercased()
            if pattern == "*" { return true }
            if let colon = pattern.lastIndex(of: ":"), let port = Int(pattern[pattern.index(after: colon)...]),
                pattern.filter({ $0 == ":" }).count == 1
            {
                guard port == address.port ?? address.scheme.defaultPort else { continue }
                pattern = String(pattern[..<colon])
            }
            if let own = IPv4(host), let network = IPv4.Network(pattern) {
                if network.contains(own) { return true }
                continue
            }
            while pattern.hasPrefix("*") || pattern.hasPrefix(".") { pattern.removeFirst() }
            if !pattern.isEmpty, host == pattern || host.hasSuffix("." + pattern) { return true }
        }
        return false
    }
}

/// An Internet address of version 4.
private struct IPv4 {
    let bits: UInt32

    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map { UInt8($0) }
        guard parts.count == 4 else { return nil }
        var bits: UInt32 = 0
        for part in parts {
            guard let part else { return nil }
            bits = bits << 8 | UInt32(part)
        }
        self.bits = bits
    }

    var isLoopback: Bool { bits >> 24 == 127 }

    struct Network {
        let address: IPv4
        let length: UInt32

        init?(_ text: String) {
            let parts = text.split(separator: "/", maxSplits: 1)
            guard let first = parts.first, let address = IPv4(String(first)),
                let length = parts.count == 2 ? UInt32(parts[1]) : 32, length <= 32
            else { return nil }
            self.address = address
            self.length = length
        }

        func contains(_ other: IPv4) -> Bool { length == 0 || (address.bits ^ other.bits) >> (32 - length) == 0 }
    }
}
