import ContainerNetworks
import Containers
import OCI

/// Everything about a container's networks that `inspect` shows is here.
extension ContainerInspection {
    /// Docker's `HostConfig.NetworkMode`.
    var networkMode: String { record.network.names[0] }

    /// Docker's `HostConfig.PortBindings`: what is to be published.
    var portBindings: JSONValue {
        ports(
            record.publishedPorts.map { port in
                let text =
                    port.hostPorts.lowerBound == port.hostPorts.upperBound
                    ? (port.hostPorts == 0...0 ? "" : "\(port.hostPorts.lowerBound)")
                    : "\(port.hostPorts.lowerBound)-\(port.hostPorts.upperBound)"
                return (ExposedPort(port.containerPort, port.transport), port.hostAddress.map { "\($0)" } ?? "", text)
            },
            exposed: []
        )
    }

    /// Docker's `NetworkSettings`: what the container has got.
    var networkSettings: JSONValue {
        let bound = state.endpoints.flatMap(\.ports).map { port in
            (ExposedPort(port.containerPort, port.transport), "\(port.hostAddress)", "\(port.hostPort)")
        }
        var networks: [String: JSONValue] = [:]
        for (position, name) in record.network.names.enumerated() {
            let endpoint = state.endpoints.first { $0.networkName == name }
            networks[name] = settings(attachment(position), endpoint)
        }
        // Docker's fields from before there were several networks are those of the default one.
        let usual = state.endpoints.first { $0.networkName == NetworkRecord.defaultName }
        var result: [String: JSONValue] = [
            "HairpinMode": .boolean(false),
            "Ports": ports(bound, exposed: state.endpoints.isEmpty ? [] : record.exposedPorts),
            "SandboxKey": .string(state.processID > 0 ? "/proc/\(state.processID)/ns/net" : ""),
            "SecondaryIPAddresses": .null,
            "SecondaryIPv6Addresses": .null,
            "Networks": .object(networks),
        ]
        for name in ["Bridge", "SandboxID", "LinkLocalIPv6Address"] { result[name] = "" }
        result["LinkLocalIPv6PrefixLen"] = .integer(0)
        return .object(result.merging(addresses(usual)) { $1 })
    }

    private func attachment(_ position: Int) -> NetworkAttachment? {
        if case .networks(let attachments) = record.network { attachments[position] } else { nil }
    }

    /// Docker's `EndpointSettings`.
    private func settings(_ attachment: NetworkAttachment?, _ endpoint: NetworkEndpoint?) -> JSONValue {
        var result = addresses(endpoint)
        for name in ["IPAMConfig", "Links", "Aliases", "DriverOpts", "DNSNames"] { result[name] = .null }
        result["NetworkID"] = .string(endpoint.map { "\($0.network)" } ?? "")
        if let attachment, attachment.network != NetworkRecord.defaultName {
            if !attachment.aliases.isEmpty { result["Aliases"] = .list(attachment.aliases.map { .string($0) }) }
            if let address = attachment.address {
                result["IPAMConfig"] = .object(["IPv4Address": .string("\(address)")])
            }
            let names = [record.name.description] + attachment.aliases + [record.id.short]
            result["DNSNames"] = .list(names.map { .string($0) })
        }
        return .object(result)
    }

    private func addresses(_ endpoint: NetworkEndpoint?) -> [String: JSONValue] {
        [
            "EndpointID": .string(endpoint.map { "\($0.id)" } ?? ""),
            "Gateway": .string(endpoint.map { "\($0.gateway)" } ?? ""),
            "IPAddress": .string(endpoint.map { "\($0.address)" } ?? ""),
            "IPPrefixLen": .integer(Int64(endpoint?.prefixLength ?? 0)),
            "MacAddress": .string(endpoint?.macAddress ?? ""),
            "GlobalIPv6Address": "", "GlobalIPv6PrefixLen": .integer(0), "IPv6Gateway": "",
        ]
    }

    private func ports(_ bound: [(ExposedPort, String, String)], exposed: [ExposedPort]) -> JSONValue {
        var result = Dictionary(exposed.map { ("\($0)", JSONValue.null) }) { $1 }
        for (port, bindings) in Dictionary(grouping: bound, by: \.0) {
            result["\(port)"] = .list(
                bindings.map { .object(["HostIp": .string($0.1), "HostPort": .string($0.2)]) }
            )
        }
        return .object(result)
    }
}
