import Containers
import OCI

/// Everything about a container's networks that `inspect` shows is here.
extension ContainerInspection {
    /// Docker's `HostConfig.NetworkMode`.
    var networkMode: String { "\(record.network)" }

    /// Docker's `HostConfig.PortBindings`: what is to be published.
    var portBindings: JSONValue { .object([:]) }

    /// Docker's `NetworkSettings`: what the container has got.
    var networkSettings: JSONValue {
        var result: [String: JSONValue] = [
            "HairpinMode": .boolean(false),
            "Ports": .object([:]),
            "SandboxKey": .string(state.processID > 0 ? "/proc/\(state.processID)/ns/net" : ""),
            "SecondaryIPAddresses": .null,
            "SecondaryIPv6Addresses": .null,
            "Networks": .object([networkMode: endpoint]),
        ]
        for name in [
            "Bridge", "SandboxID", "LinkLocalIPv6Address", "EndpointID", "Gateway", "GlobalIPv6Address", "IPAddress",
            "IPv6Gateway", "MacAddress",
        ] {
            result[name] = ""
        }
        for name in ["LinkLocalIPv6PrefixLen", "GlobalIPv6PrefixLen", "IPPrefixLen"] { result[name] = .integer(0) }
        return .object(result)
    }

    /// Docker's `EndpointSettings` of a container without an address of its own.
    private var endpoint: JSONValue {
        var result: [String: JSONValue] = ["IPPrefixLen": .integer(0), "GlobalIPv6PrefixLen": .integer(0)]
        for name in ["IPAMConfig", "Links", "Aliases", "DriverOpts", "DNSNames"] { result[name] = .null }
        for name in [
            "NetworkID", "EndpointID", "Gateway", "IPAddress", "IPv6Gateway", "GlobalIPv6Address", "MacAddress",
        ] {
            result[name] = ""
        }
        return .object(result)
    }
}
