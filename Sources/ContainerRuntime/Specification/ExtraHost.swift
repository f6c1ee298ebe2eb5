internal import Glibc

/// A line of `/etc/hosts`.
public struct ExtraHost: Sendable, Hashable, Codable {
    public let name: String
    /// An IPv4 or IPv6 address as text.
    public let address: String
    /// Whether this machine is meant, which has another address where the process has a network of its own.
    public let isMachine: Bool

    public init(name: String, address: String) { (self.name, self.address, isMachine) = (name, address, false) }

    /// Parses `NAME:ADDRESS` or `NAME=ADDRESS`.
    ///
    /// The address may stand in brackets, and `host-gateway` is this machine, whose network processes share.
    /// - Throws: `ContainerError.invalidSetting`.
    public init(parsing text: String) throws(ContainerError) {
        guard let separator = text.firstIndex(of: "=") ?? text.firstIndex(of: ":") else {
            throw .invalidSetting(text, reason: "expected NAME:ADDRESS")
        }
        name = String(text[..<separator])
        var address = String(text[text.index(after: separator)...])
        if address.hasPrefix("["), address.hasSuffix("]") { address = String(address.dropFirst().dropLast()) }
        isMachine = address == "host-gateway"
        if isMachine { address = "127.0.0.1" }
        guard !name.isEmpty, !name.utf8.contains(where: { $0 <= 0x20 }) else {
            throw .invalidSetting(text, reason: "the name is empty or has blanks")
        }
        guard ExtraHost.isAddress(address) else {
            throw .invalidSetting(text, reason: "`\(address)` is not an IP address")
        }
        self.address = address
    }

    /// Whether a text is an IPv4 or IPv6 address as `inet_pton(3)` reads it.
    private static func isAddress(_ text: String) -> Bool {
        var storage = in6_addr()
        return inet_pton(AF_INET, text, &storage) == 1 || inet_pton(AF_INET6, text, &storage) == 1
    }
}
