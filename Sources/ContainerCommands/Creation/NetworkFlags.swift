package import ArgumentParser
import ContainerNetworks
import ContainerRuntime
import Containers
import FileSystem
import Glibc
import OCI
import Reporting
import TerminalUI

/// What a container sees of the network, and who reaches it.
package struct NetworkFlags: ParsableArguments, Sendable {
    @Option(
        name: [.customLong("network"), .customLong("net")],
        help: ArgumentHelp(
            "The network: bridge (the default), host, none, container:NAME, or one that was created; may repeat.",
            valueName: "network"
        )
    )
    package var networks: [String] = []

    @Option(
        name: [.customLong("network-alias"), .customLong("net-alias")],
        help: ArgumentHelp("A further name for the container in its network; may repeat.", valueName: "name")
    )
    package var aliases: [String] = []

    @Option(name: .customLong("ip"), help: ArgumentHelp("The container's IPv4 address.", valueName: "address"))
    package var address: String?

    @Option(
        name: [.customShort("p"), .customLong("publish")],
        help: ArgumentHelp(
            "Make a port reachable through this machine; may repeat.",
            valueName: "[[address:]port:]port[/udp]"
        )
    )
    package var published: [String] = []

    @Flag(
        name: [.customShort("P"), .customLong("publish-all")],
        help: "Publish every exposed port on a free port of this machine."
    )
    package var publishesAll = false

    @Option(name: .customLong("expose"), help: ArgumentHelp("A port that it serves; may repeat.", valueName: "port"))
    package var exposed: [String] = []

    @Option(name: .customLong("dns"), help: ArgumentHelp("A name server; may repeat.", valueName: "address"))
    package var servers: [String] = []

    @Option(
        name: .customLong("dns-search"),
        help: ArgumentHelp("A domain in which names are looked up; may repeat.", valueName: "domain")
    )
    package var searchDomains: [String] = []

    @Option(
        name: [.customLong("dns-option"), .customLong("dns-opt")],
        help: ArgumentHelp("An option of resolv.conf; may repeat.", valueName: "option")
    )
    package var resolverOptions: [String] = []

    @Option(
        name: .customLong("add-host"),
        help: ArgumentHelp("Add a line to /etc/hosts; may repeat.", valueName: "name:address")
    )
    package var hosts: [String] = []

    package init() {}
}

extension NetworkFlags {
    /// Writes into the record of a container what these flags and its image say.
    ///
    /// - Parameter imagePorts: Those of the image's EXPOSE.
    /// - Throws: `UserError`, `NetworkError`, `ContainerStoreError`.
    func apply(to record: inout ContainerRecord, imagePorts: some Sequence<String>, in store: ContainerStore) throws {
        record.process.hosts = try hosts.map { text in
            try UserError.reading("--add-host", text, ExtraHost.init(parsing:))
        }
        record.resolver = try resolver()
        // Of an image's ports those that no flag could name, such as SCTP's, cannot be published either.
        var ports = Set(imagePorts.flatMap { (try? ExposedPort.parse($0)) ?? [] })
        for text in exposed { ports.formUnion(try ExposedPort.parse(text)) }
        record.publishedPorts = try published.flatMap { text throws(NetworkError) in try PublishedPort.parse(text) }
        ports.formUnion(record.publishedPorts.map { ExposedPort($0.containerPort, $0.transport) })
        record.exposedPorts = ports.sorted()
        if !ports.isEmpty {
            record.configuration.exposedPorts = Dictionary(ports.map { ("\($0)", .init()) }) { first, _ in first }
        }
        record.publishesAllPorts = publishesAll
        if publishesAll {
            let known = Set(record.publishedPorts.map { ExposedPort($0.containerPort, $0.transport) })
            record.publishedPorts += record.exposedPorts.filter { !known.contains($0) }.map {
                PublishedPort(containerPort: $0.number, transport: $0.transport)
            }
        }
        record.network = try network(in: store)
        record.process.network = record.network == .none ? .none : .host
        if case .networks = record.network { return }
        if !record.publishedPorts.isEmpty {
            let name = record.network.names[0]
            Terminal.write("note: ports are not published in the network \(name)\n", to: STDERR_FILENO)
            record.publishedPorts = []
        }
        if case .container = record.network { return }
        record.process.resolverFile = record.resolver.machineFile
    }

    private func resolver() throws -> ResolverConfiguration {
        var result = ResolverConfiguration()
        result.servers = try servers.map { text in
            guard let address = IPAddress(text) else {
                throw UserError("--dns: `\(text)` is not an IP address", status: .usage)
            }
            return address
        }
        (result.search, result.options) = (searchDomains, resolverOptions)
        return result
    }

    private func network(in store: ContainerStore) throws -> ContainerNetwork {
        let attachments = try networks.map(attachment)
        let single = attachments.count < 2 ? attachments.first?.network ?? "default" : nil
        if let single, !["default", NetworkRecord.defaultName].contains(single), let shared = try shared(single, store)
        {
            guard aliases.isEmpty, address == nil else {
                throw UserError("--network-alias and --ip need a network that was created", status: .usage)
            }
            return shared
        }
        if attachments.isEmpty, let reason = ContainerNetworking.obstacle() {
            guard aliases.isEmpty, address == nil, published.isEmpty, !publishesAll else { throw reason }
            Terminal.write("note: the container has the machine's network: \(reason)\n", to: STDERR_FILENO)
            return .host
        }
        var result: [NetworkAttachment] = []
        for attachment in attachments.isEmpty ? [NetworkAttachment(NetworkRecord.defaultName)] : attachments {
            let name = attachment.network == "default" ? NetworkRecord.defaultName : attachment.network
            guard try shared(name, store) == nil else {
                throw UserError("--network: `\(name)` excludes other networks", status: .usage)
            }
            let record = try store.networks.find(name).record
            if record.isDefault, !aliases.isEmpty {
                throw UserError(
                    "--network-alias: the network `\(record.name)` has no names",
                    hints: ["`swiftbuild network create NAME` makes one that has"],
                    status: .usage
                )
            }
            guard !result.contains(where: { $0.network == record.name }) else {
                throw UserError("--network: `\(record.name)` is named twice", status: .usage)
            }
            result.append(
                NetworkAttachment(
                    record.name,
                    aliases: attachment.aliases + (result.isEmpty ? aliases : []),
                    address: try attachment.address ?? (result.isEmpty ? ownAddress() : nil)
                )
            )
        }
        if let limit = ContainerNetworking.limit { Terminal.write("note: \(limit)\n", to: STDERR_FILENO) }
        return .networks(result)
    }

    /// What is not a network with interfaces; `nil` for one that is.
    private func shared(_ name: String, _ store: ContainerStore) throws -> ContainerNetwork? {
        switch name {
        case "host": return .host
        case "none": return ContainerNetwork.none
        default:
            guard name.hasPrefix("container:") else { return nil }
            return .container(try store.find(String(name.dropFirst("container:".count))).id)
        }
    }

    private func ownAddress() throws -> IPv4Address? {
        try address.map { try NetworkFlags.address("--ip", $0) }
    }

    static func address(_ option: String, _ text: String) throws -> IPv4Address {
        guard let address = IPv4Address(text) else {
            throw UserError("\(option): `\(text)` is not an IPv4 address", status: .usage)
        }
        return address
    }

    /// Reads `NETWORK` or `name=NETWORK,alias=NAME,ip=ADDRESS`.
    private func attachment(_ text: String) throws -> NetworkAttachment {
        guard text.contains("=") else { return NetworkAttachment(text) }
        var (name, aliases, address) = ("", [String](), IPv4Address?.none)
        for field in text.split(separator: ",") {
            let pair = field.split(separator: "=", maxSplits: 1).map(String.init)
            switch (pair[0], pair.count == 2 ? pair[1] : "") {
            case ("name", let value): name = value
            case ("alias", let value): aliases.append(value)
            case ("ip", let value): address = try NetworkFlags.address("--network ip", value)
            default: throw UserError("--network: unknown `\(field)`; known are name, alias and ip", status: .usage)
            }
        }
        guard !name.isEmpty else { throw UserError("--network: `\(text)` has no name", status: .usage) }
        return NetworkAttachment(name, aliases: aliases, address: address)
    }
}
