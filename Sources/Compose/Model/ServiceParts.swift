/// How the containers of a service are reached.
public struct ServiceNetworking: Sendable {
    public enum Mode: Sendable, Equatable {
        case networks([Attachment])
        case host, none
        case bridge
        case service(String)
        case container(String)
    }

    public struct Attachment: Sendable, Equatable {
        /// The key of the network in the project.
        public let network: String
        public let aliases: [String]
        public let address: String?
        /// Higher ones are connected first.
        public let priority: Int
    }

    public struct Port: Sendable, Equatable {
        public enum Transport: String, Sendable { case tcp, udp, sctp }

        public let address: String?
        /// A port or a range of which a free one is taken; `nil` for any free one.
        public let published: String?
        public let target: UInt16
        public let transport: Transport
    }

    public let mode: Mode
    public let ports: [Port]
    public let exposed: [String]
    public let hostName: String?
    public let domainName: String?
    public let servers: [String]
    public let searchDomains: [String]
    public let resolverOptions: [String]
    /// `host=address`.
    public let extraHosts: [String]
    /// `service` or `service:alias`.
    public let links: [String]

    init(_ fields: Fields) {
        let attachments = fields.members("networks").map { name, network in
            Attachment(
                network: name,
                aliases: network.strings("aliases"),
                address: network.text("ipv4_address"),
                priority: Int(clamping: network.integer("priority") ?? 0)
            )
        }
        let other = fields.parsed(
            "network_mode",
            expecting: "host, none, bridge, service:NAME or container:NAME",
            ServiceNetworking.mode
        )
        mode = other ?? .networks(attachments.sorted { ($1.priority, $0.network) < ($0.priority, $1.network) })
        ports = fields.list("ports").compactMap { port in
            guard let target = port.integer("target").flatMap({ UInt16(exactly: $0) }) else { return nil }
            let transport = port.text("protocol").flatMap(Port.Transport.init) ?? .tcp
            return Port(
                address: port.text("host_ip"),
                published: port.text("published"),
                target: target,
                transport: transport
            )
        }
        exposed = fields.strings("expose")
        hostName = fields.text("hostname")
        domainName = fields.text("domainname")
        servers = fields.strings("dns")
        searchDomains = fields.strings("dns_search")
        resolverOptions = fields.strings("dns_opt")
        extraHosts = fields.strings("extra_hosts")
        links = fields.strings("links")
    }

    private static func mode(_ text: String) -> Mode? {
        switch text {
        case "host": return .host
        case "none": return Mode.none
        case "bridge", "default": return .bridge
        default: break
        }
        let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return nil }
        switch parts[0] {
        case "service": return .service(parts[1])
        case "container": return .container(parts[1])
        default: return nil
        }
    }
}

/// A mount in the containers of a service.
public struct ServiceMount: Sendable, Equatable {
    public enum Source: Sendable, Equatable {
        /// A directory or file; made where it is missing, unless that is switched off.
        case bind(path: String, isMade: Bool, propagation: String?)
        /// The key of a volume in the project; `nil` for one without a name.
        case volume(String?, isCopied: Bool, subpath: String?)
        /// Bytes and permission bits.
        case memory(size: Int64?, mode: UInt16?)
        case image(String, subpath: String?)
    }

    public let source: Source
    public let target: String
    public let isReadOnly: Bool

    init?(_ fields: Fields) {
        guard let target = fields.text("target") else { return nil }
        self.target = target
        isReadOnly = fields.isOn("read_only")
        let name = fields.text("source")
        switch fields.text("type") {
        case "bind":
            let bind = fields.record("bind")
            source = .bind(
                path: name ?? "",
                isMade: bind?.boolean("create_host_path") ?? true,
                propagation: bind?.text("propagation")
            )
        case "tmpfs":
            let memory = fields.record("tmpfs")
            source = .memory(
                size: memory?.integer("size"),
                mode: memory?.integer("mode").flatMap(UInt16.init(exactly:))
            )
        case "image": source = .image(name ?? "", subpath: fields.record("image")?.text("subpath"))
        default:
            let volume = fields.record("volume")
            source = .volume(name, isCopied: !(volume?.isOn("nocopy") ?? false), subpath: volume?.text("subpath"))
        }
    }
}

/// What the containers of a service may do.
public struct ServicePrivileges: Sendable {
    public let isPrivileged: Bool
    public let hasReadOnlyRoot: Bool
    public let added: [String]
    public let dropped: [String]
    public let securityOptions: [String]
    /// `source`, `target` and `permissions`.
    public let devices: [[String]]
    public let sysctls: [String: String]
    public let ipc: String?
    public let pid: String?
    public let uts: String?
    public let userNamespace: String?

    init(_ fields: Fields) {
        isPrivileged = fields.isOn("privileged")
        hasReadOnlyRoot = fields.isOn("read_only")
        added = fields.strings("cap_add")
        dropped = fields.strings("cap_drop")
        securityOptions = fields.strings("security_opt")
        devices = fields.list("devices").map { device in
            ["source", "target", "permissions"].compactMap(device.text)
        }
        sysctls = fields.texts("sysctls")
        ipc = fields.text("ipc")
        pid = fields.text("pid")
        uts = fields.text("uts")
        userNamespace = fields.text("userns_mode")
    }
}

/// How much of the machine the containers of a service get.
public struct ServiceResources: Sendable {
    public struct Limit: Sendable, Equatable {
        public let soft: Int64
        public let hard: Int64

        static func all(_ fields: Fields) -> [String: Limit] {
            let limits = fields.members("ulimits").compactMap { name, limit -> (String, Limit)? in
                if let single = limit.node.integer { return (name, Limit(soft: single, hard: single)) }
                guard let soft = limit.integer("soft"), let hard = limit.integer("hard") else { return nil }
                return (name, Limit(soft: soft, hard: hard))
            }
            return Dictionary(limits) { $1 }
        }
    }

    public let cpus: Double?
    public let cpuShares: Int64?
    public let cpuPeriod: Int64?
    public let cpuQuota: Int64?
    public let cpuSet: String?
    /// Bytes.
    public let memory: Int64?
    public let memoryReservation: Int64?
    public let memoryAndSwap: Int64?
    public let sharedMemory: Int64?
    public let processes: Int64?
    public let outOfMemoryScore: Int64?
    public let limits: [String: Limit]

    init(_ fields: Fields, _ deploy: Fields?) {
        let limits = deploy?.record("resources")?.record("limits")
        cpus = fields.number("cpus") ?? limits?.number("cpus")
        cpuShares = fields.integer("cpu_shares")
        cpuPeriod = fields.integer("cpu_period")
        cpuQuota = fields.integer("cpu_quota")
        cpuSet = fields.text("cpuset")
        memory = fields.integer("mem_limit") ?? limits?.integer("memory")
        memoryReservation =
            fields.integer("mem_reservation") ?? deploy?.record("resources")?.record("reservations")?.integer("memory")
        memoryAndSwap = fields.integer("memswap_limit")
        sharedMemory = fields.integer("shm_size")
        processes = fields.integer("pids_limit") ?? limits?.integer("pids")
        outOfMemoryScore = fields.integer("oom_score_adj")
        self.limits = Limit.all(fields)
    }
}
