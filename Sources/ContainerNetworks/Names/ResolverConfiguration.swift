internal import FileSystem
internal import SystemPackage

/// What resolv.conf(5) says, or what a container is told in its place.
public struct ResolverConfiguration: Sendable, Codable, Equatable {
    public var servers: [IPAddress] = []
    public var search: [String] = []
    public var options: [String] = []

    public init() {}

    /// Reads a file's lines; what is not understood is left out, like an address with a zone.
    public init(text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.prefix { $0 != "#" && $0 != ";" }.split(whereSeparator: \.isWhitespace).map(String.init)
            switch words.first {
            case "nameserver": servers += words.dropFirst().prefix(1).compactMap { IPAddress($0) }
            case "search", "domain": search = Array(words.dropFirst())
            case "options": options += words.dropFirst()
            default: break
            }
        }
    }

    /// The machine's own, read anew each time since it changes with the machine's networks.
    static func machine() -> ResolverConfiguration {
        let bytes = (try? FileOperations.read("/etc/resolv.conf", limit: 1 << 20)) ?? []
        return ResolverConfiguration(text: String(decoding: bytes, as: UTF8.self))
    }

    /// The file of a container that has the machine's network; `nil` for the machine's own.
    public var machineFile: String? {
        guard self != ResolverConfiguration() else { return nil }
        let machine = ResolverConfiguration.machine()
        func line(_ name: String, _ own: [String], _ other: [String]) -> String {
            let words = own.isEmpty ? other : own
            return words.isEmpty ? "" : "\(name) \(words.joined(separator: " "))\n"
        }
        return (servers.isEmpty ? machine.servers : servers).map { "nameserver \($0)\n" }.joined()
            + line("search", search, machine.search) + line("options", options, machine.options)
    }

    /// The file of a container whose queries are answered by `NameServer`.
    ///
    /// Docker's `ndots:0`: otherwise names of containers are first looked for in the domains of `search`.
    func containerFile() -> String {
        let options = options.contains { $0.hasPrefix("ndots:") } ? options : options + ["ndots:0"]
        return "nameserver \(NameServer.address)\n"
            + (search.isEmpty ? "" : "search \(search.joined(separator: " "))\n")
            + "options \(options.joined(separator: " "))\n"
    }
}
