internal import Compose
internal import ContainerCommands
internal import Containers
internal import Reporting

/// How the containers of a service are reached.
extension ServiceRecipe {
    func setNetwork(_ flags: inout ContainerFlags) throws {
        let networking = service.networking
        flags.general.hostname = networking.hostName
        flags.machine.domainName = networking.domainName
        flags.network.networks = try networks()
        flags.network.exposed = networking.exposed
        flags.network.servers = networking.servers
        flags.network.searchDomains = networking.searchDomains
        flags.network.resolverOptions = networking.resolverOptions
        flags.network.hosts = networking.extraHosts.map { text in
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            return parts.count == 2 ? "\(parts[0]):\(parts[1])" : text
        }
        if publishesPorts { flags.network.published = networking.ports.map(\.option) }
    }

    private func networks() throws -> [String] {
        switch service.networking.mode {
        case .host: return ["host"]
        case .none: return ["none"]
        case .bridge: return ["bridge"]
        case .container(let name): return ["container:\(name)"]
        case .service(let name): return ["container:\(try project.container(of: name, index: nil).id)"]
        case .networks(let attachments):
            return attachments.map { attachment in
                let name = definition.networks[attachment.network]?.name ?? attachment.network
                let aliases = usesAliases ? [service.name] + attachment.aliases + linkNames : []
                let address = attachment.address.map { ",ip=\($0)" } ?? ""
                return "name=\(name)" + aliases.uniqued().map { ",alias=\($0)" }.joined() + address
            }
        }
    }

    /// What other services call this one in `links`.
    private var linkNames: [String] {
        definition.services.flatMap { other in
            other.networking.links.compactMap { link in
                let parts = link.split(separator: ":", maxSplits: 1).map(String.init)
                return parts.count == 2 && parts[0] == service.name ? parts[1] : nil
            }
        }
    }

    /// Whose namespace it is, with a container in the place of a service.
    func namespace(_ text: String) throws -> String {
        guard text.hasPrefix("service:") else { return text }
        return "container:\(try project.container(of: String(text.dropFirst(8)), index: nil).id)"
    }

    /// `--volumes-from` of `SERVICE[:ro]` or `container:NAME[:ro]`.
    func volumesFrom(_ text: String) throws -> String {
        var parts = text.split(separator: ":").map(String.init)
        guard parts.first != "container" else { return parts.dropFirst().joined(separator: ":") }
        guard let name = parts.first else { return text }
        parts[0] = "\(try project.container(of: name, index: nil).id)"
        return parts.joined(separator: ":")
    }
}

extension ServiceNetworking.Port {
    /// As `-p` has it.
    fileprivate var option: String {
        let host = address.map { $0.contains(":") && !$0.hasPrefix("[") ? "[\($0)]:" : "\($0):" } ?? ""
        let outside = published.map { "\($0):" } ?? (host.isEmpty ? "" : ":")
        return "\(host)\(outside)\(target)/\(transport.rawValue)"
    }
}

extension [String] {
    /// Without repetitions.
    fileprivate func uniqued() -> [String] {
        var seen: Set<String> = []
        return filter { seen.insert($0).inserted }
    }
}
