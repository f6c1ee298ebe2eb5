extension Specification {
    private static let noSuchControl = Field.Support.missing("control groups of version 2 have no such setting")
    private static let swarm = Field.Support.ignored("only swarms have it")
    private static let windows = Field.Support.missing("only Windows has it")
    private static let logDriver = Shape.choice(["json-file", "local", "none"])

    static let service = Record(
        first + cpu + second + third + fourth + [
            // Of version 1; they become `build.dockerfile`, `network_mode` and `logging`.
            Field("dockerfile", .string), Field("net", .string), Field("log_driver", logDriver),
            Field("log_opt", .map(.text)),
        ]
    )

    private static let first = [
        Field("profiles", .list(.string, .name)),
        Field("annotations", .pairs(hasNull: false), .ignored("no runtime reads them")),
        Field("attach", .boolean, keepsZero: true),
        Field("build", .short(.build, .record(build))),
        Field("develop", .record(develop)),
        Field("blkio_config", .anything, .missing("the rates of disks are not limited")),
        Field("cap_add", .list(.string, .name)),
        Field("cap_drop", .list(.string, .name)),
        Field("cgroup_parent", .string, .missing("control groups are below `swiftbuild`")),
        Field("cgroup", .choice(["host", "private"]), .ignored("containers see no control groups")),
    ]

    private static let cpu = [
        Field("cpu_count", .natural, windows),
        Field("cpu_percent", .number, windows),
        Field("cpu_period", .anyOf(.natural, .duration)),
        Field("cpu_quota", .anyOf(.signed, .duration)),
        Field("cpu_rt_period", .anyOf(.natural, .duration), noSuchControl),
        Field("cpu_rt_runtime", .anyOf(.natural, .duration), noSuchControl),
        Field("cpus", .number),
        Field("cpuset", .text),
        Field("cpu_shares", .natural),
    ]

    private static let second = [
        Field("command", .command, merge: .replace, keepsZero: true),
        Field("configs", .list(.short(.fileReference, .record(fileReference)), .mount(""))),
        Field("container_name", .string),
        Field("credential_spec", .anything, windows),
        Field("depends_on", .short(.dependencies, .map(.record(dependency)))),
        Field("deploy", .record(deploy)),
        Field("device_cgroup_rules", .list(.string, .none), .missing("`devices` allows what it adds")),
        Field("devices", .list(.short(.device, .record(device)), .field("target"))),
        Field("dns", .strings(.name)),
        Field("dns_opt", .list(.string, .name)),
        Field("dns_search", .strings(.name)),
        Field("domainname", .string),
        Field("entrypoint", .command, merge: .replace, keepsZero: true),
        Field("provider", .anything, .missing("only containers are run")),
        Field("environment", .pairs(hasNull: true)),
        Field("env_file", .short(.environmentFiles, .list(.record(environmentFile), .field("path")))),
        Field("expose", .list(.text, .whole)),
        Field("extends", .short(.extends, .record(extends)), merge: .replace),
        Field("external_links", .list(.string, .none), .missing("join the network of the other container instead")),
        Field("extra_hosts", .short(.extraHosts, .list(.string, .whole))),
        Field("group_add", .list(.text, .none)),
        Field("gpus", .anything, .missing("it needs a vendor's hooks; `devices` gives the container device files")),
    ]

    private static let third = [
        Field("hostname", .string),
        Field("healthcheck", .record(healthCheck)),
        Field("image", .string),
        Field("init", .boolean, keepsZero: true),
        Field("ipc", .string),
        Field("isolation", .string, .ignored("only Windows has a choice")),
        Field("labels", .pairs(hasNull: false)),
        Field("label_file", .strings(.none)),
        Field("links", .list(.string, .name)),
        Field("logging", .record(logging), merge: .logging),
        Field("mem_limit", .bytes),
        Field("mem_reservation", .bytes),
        Field("memswap_limit", .bytes),
        Field("mem_swappiness", .bytes, noSuchControl),
        Field("mac_address", .string, .missing("the hardware address follows from the IP address")),
        Field("models", .anything, .missing("language models are not run here")),
        Field("network_mode", .string),
        Field("networks", .short(.names, .map(.record(attachment)))),
        Field("oom_kill_disable", .boolean, noSuchControl),
        Field("oom_score_adj", .whole(-1000...1000)),
        Field("pid", .string),
        Field("pids_limit", .signed),
        Field("platform", .string),
        Field("ports", .short(.ports, .list(.record(port), .port))),
        Field("privileged", .boolean),
        Field("pull_policy", .string),
    ]

    private static let fourth = [
        Field("pull_refresh_after", .string, .missing("`pull_policy` takes `daily`, `weekly` and `every_DURATION`")),
        Field("read_only", .boolean),
        Field("restart", .string),
        Field("runtime", .string, .missing("processes are started without a runtime")),
        Field("scale", .natural, keepsZero: true),
        Field("secrets", .list(.short(.fileReference, .record(fileReference)), .mount("/run/secrets"))),
        Field("security_opt", .list(.string, .none)),
        Field("shm_size", .bytes),
        Field("stdin_open", .boolean),
        Field("stop_grace_period", .duration, keepsZero: true),
        Field("stop_signal", .string),
        Field("storage_opt", .anything, .missing("the store has no quotas")),
        Field("sysctls", .pairs(hasNull: false)),
        Field("tmpfs", .strings(.name)),
        Field("tty", .boolean),
        Field("ulimits", .map(.anyOf(.signed, .record(ulimit)))),
        Field("use_api_socket", .boolean, .missing("there is no daemon")),
        Field("user", .text),
        Field("userns_mode", .string),
        Field("uts", .string),
        Field("volume_driver", .string, .missing("volumes are directories of the store")),
        Field("volumes", .list(.short(.volume, .record(mount)), .field("target"))),
        Field("volumes_from", .list(.string, .none)),
        Field("working_dir", .string),
        Field("pre_start", .anything, .missing("`depends_on` a service that completes runs something before")),
        Field("post_start", .list(.record(hook), .none)),
        Field("pre_stop", .list(.record(hook), .none)),
    ]

    private static let dependency = Record(
        required: ["condition"],
        keptEmpty: true,
        [
            Field("condition", .choice(["service_started", "service_healthy", "service_completed_successfully"])),
            Field("restart", .boolean), Field("required", .boolean, keepsZero: true),
        ]
    )

    private static let device = Record(
        required: ["source"],
        [Field("source", .string), Field("target", .string), Field("permissions", .string)]
    )

    private static let environmentFile = Record(
        required: ["path"],
        [Field("path", .string), Field("required", .boolean, keepsZero: true), Field("format", .choice(["raw"]))]
    )

    private static let fileReference = Record([
        Field("source", .string), Field("target", .string), Field("uid", .text), Field("gid", .text),
        Field("mode", .fileMode),
    ])

    private static let healthCheck = Record(
        keptEmpty: true,
        [
            Field("test", .short(.healthTest, .list(.text, .none)), merge: .replace),
            Field("timeout", .duration, keepsZero: true), Field("interval", .duration, keepsZero: true),
            Field("retries", .natural, keepsZero: true), Field("start_period", .duration, keepsZero: true),
            Field("start_interval", .duration, keepsZero: true), Field("disable", .boolean),
        ]
    )

    private static let logging = Record(
        keptEmpty: true,
        [
            Field("driver", logDriver), Field("options", .map(.text)),
        ]
    )

    private static let attachment = Record(
        keptEmpty: true,
        [
            Field("aliases", .list(.string, .name)),
            Field("driver_opts", .map(.text), .ignored("bridges have no options here")),
            Field("gw_priority", .signed),
            Field("interface_name", .string, .missing("interfaces are named eth0, eth1, …")),
            Field("ipv4_address", .string), Field("ipv6_address", .string, .missing("networks have IPv4 only")),
            Field("link_local_ips", .list(.string, .name), .missing("networks have IPv4 only")),
            Field("mac_address", .string, .missing("the hardware address follows from the IP address")),
            Field("priority", .signed),
        ]
    )

    private static let port = Record(
        required: ["target"],
        [
            Field("name", .string), Field("mode", .choice(["ingress", "host"])), Field("host_ip", .string),
            Field("target", .whole(1...65535)), Field("published", .text),
            Field("protocol", .choice(["tcp", "udp", "sctp"])), Field("app_protocol", .string),
        ]
    )

    private static let ulimit = Record(
        required: ["soft", "hard"],
        [Field("soft", .signed, keepsZero: true), Field("hard", .signed, keepsZero: true)]
    )

    private static let mount = Record(
        required: ["type", "target"],
        [
            Field("type", .choice(["bind", "volume", "tmpfs", "image"])),
            Field("source", .string), Field("target", .string), Field("read_only", .boolean),
            Field("consistency", .string, .ignored("files are the same on both sides at any time")),
            Field(
                "bind",
                .record(
                    Record(
                        keptEmpty: true,
                        [
                            Field("selinux", .choice(["z", "Z"]), .ignored("nothing is labelled")),
                            Field(
                                "propagation",
                                .choice(["rprivate", "private", "rshared", "shared", "rslave", "slave"])
                            ),
                            Field("create_host_path", .boolean, keepsZero: true),
                            Field("recursive", .choice(["enabled", "disabled", "writable", "readonly"])),
                        ]
                    )
                )
            ),
            Field(
                "volume",
                .record(
                    Record(
                        keptEmpty: true,
                        [
                            Field("labels", .pairs(hasNull: false)), Field("nocopy", .boolean),
                            Field("subpath", .string),
                        ]
                    )
                )
            ),
            Field(
                "tmpfs",
                .record(Record(keptEmpty: true, [Field("size", .bytes), Field("mode", .whole(0...0o7777))]))
            ),
            Field("image", .record(Record(keptEmpty: true, [Field("subpath", .string)]))),
        ]
    )

    static let deploy = Record(
        keptEmpty: true,
        [
            Field("mode", .choice(["replicated", "global", "replicated-job", "global-job"]), swarm),
            Field("replicas", .natural, keepsZero: true),
            Field("labels", .pairs(hasNull: false), swarm),
            Field("update_config", .anything, swarm),
            Field("rollback_config", .anything, swarm),
            Field(
                "resources",
                .record(
                    Record([
                        Field(
                            "limits",
                            .record(
                                Record(
                                    keptEmpty: true,
                                    [
                                        Field("cpus", .number), Field("memory", .bytes), Field("pids", .signed),
                                    ]
                                )
                            )
                        ),
                        Field(
                            "reservations",
                            .record(
                                Record(
                                    keptEmpty: true,
                                    [
                                        Field("cpus", .number, swarm), Field("memory", .bytes),
                                        Field(
                                            "devices",
                                            .anything,
                                            .missing(
                                                "it needs a vendor's hooks; `devices` gives the container device files"
                                            )
                                        ),
                                        Field("generic_resources", .anything, swarm),
                                    ]
                                )
                            )
                        ),
                    ])
                )
            ),
            Field(
                "restart_policy",
                .record(
                    Record(
                        keptEmpty: true,
                        [
                            Field("condition", .choice(["none", "on-failure", "any"])),
                            Field("delay", .duration, swarm, keepsZero: true),
                            Field("max_attempts", .natural, keepsZero: true),
                            Field("window", .duration, swarm, keepsZero: true),
                        ]
                    )
                )
            ),
            Field("placement", .anything, swarm),
            Field("endpoint_mode", .string, swarm),
        ]
    )
}
