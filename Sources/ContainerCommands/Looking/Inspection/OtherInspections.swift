import ContainerNetworks
import Containers
import OCI
import SystemPackage

extension VolumeStore.Volume {
    /// What Docker's API has at `/volumes/NAME`.
    var inspection: JSONValue {
        .object([
            "Name": .string(name),
            "CreatedAt": .string("\(record.created)"),
            "Driver": "local",
            "Scope": "local",
            "Mountpoint": .string(files.string),
            "Labels": record.labels.isEmpty ? .null : .object(record.labels.mapValues { .string($0) }),
            "Options": .null,
        ])
    }
}

extension NetworkRecord {
    /// What Docker's API has at `/networks/ID`.
    func inspection(_ endpoints: [NetworkEndpoint]) -> JSONValue {
        let containers = endpoints.map { endpoint in
            (
                "\(endpoint.container)",
                JSONValue.object([
                    "Name": .string(endpoint.containerName), "EndpointID": "",
                    "MacAddress": .string(endpoint.macAddress),
                    "IPv4Address": .string("\(endpoint.address)/\(subnet.prefixLength)"), "IPv6Address": "",
                ])
            )
        }
        return .object([
            "Name": .string(name),
            "Id": .string("\(id)"),
            "Created": .string("\(created)"),
            "Scope": "local",
            "Driver": .string(driver),
            "EnableIPv4": .boolean(true),
            "EnableIPv6": .boolean(false),
            "IPAM": .object([
                "Driver": "default", "Options": .null,
                "Config": .list([.object(["Subnet": .string("\(subnet)"), "Gateway": .string("\(gateway)")])]),
            ]),
            "Internal": .boolean(isInternal),
            "Attachable": .boolean(false),
            "Ingress": .boolean(false),
            "ConfigFrom": .object(["Network": ""]),
            "ConfigOnly": .boolean(false),
            "Containers": .object(Dictionary(containers) { first, _ in first }),
            "Options": .object([:]),
            "Labels": .object(labels.mapValues { .string($0) }),
        ])
    }
}
