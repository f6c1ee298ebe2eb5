extension KnownCommand {
    static let run: [CommandFlag] =
        [
            .toggle("detach", "d"), .option("detach-keys"),
            CommandFlag(name: "sig-proxy", letter: nil, value: .on, support: .same),
        ] + create

    /// What decides what a container is.
    static let create: [CommandFlag] =
        [
            .option("attach", "a", .missing("all streams are attached; `-i` attaches the input")),
            .option("cpu-shares", "c"),
            .toggle("disable-content-trust", nil, .ignored("there is no content trust to switch off")),
            .option("env", "e"),
            .option("group-add"),
            .option("hostname", "h"),
            .toggle("interactive", "i"),
            .option("isolation", nil, .different("how processes are separated: [unprivileged](unprivileged.md)")),
            .option("label", "l"),
            .option("log-driver", nil, .missing("output is kept as Docker's json-file")),
            .option("log-opt", nil, .different("max-size and max-file")),
            .option("memory", "m"),
            .option("mount", nil, .different("the types bind, volume and tmpfs, with private propagation")),
            .option("network"),
            .option("publish", "p"),
            .toggle("publish-all", "P"),
            .toggle("quiet", "q"),
            .option(
                "security-opt",
                nil,
                .different("seccomp, no-new-privileges and systempaths; no labels and profiles of AppArmor")
            ),
            .toggle("tty", "t"),
            .toggle("use-api-socket", nil, .missing("there is no daemon")),
            .option("user", "u"),
            .option("volume", "v", .different("private propagation; `z` and `Z` only where SELinux is off")),
            .option("workdir", "w"),
            root,
        ]
        + options(
            [
                "add-host", "annotation", "cap-add", "cap-drop", "cidfile", "cpu-period", "cpu-quota", "cpus",
                "cpuset-cpus", "cpuset-mems", "device", "device-cgroup-rule", "dns", "dns-option", "dns-search",
                "domainname",
                "entrypoint", "env-file", "expose",
                "health-cmd", "health-interval", "health-retries", "health-start-interval", "health-start-period",
                "health-timeout", "ip", "label-file", "memory-reservation", "memory-swap", "name", "network-alias",
                "oom-score-adj",
                "pids-limit", "platform", "pull", "restart",
                "shm-size", "stop-signal", "stop-timeout", "sysctl", "tmpfs", "ulimit", "volumes-from",
            ],
            .same
        )
        + options(["cpu-count", "cpu-percent", "io-maxbandwidth", "io-maxiops"], windows)
        + options(
            ["net", "net-alias", "dns-opt"],
            .different("the same as `--network`, `--network-alias` and `--dns-option`")
        )
        + options(["ip6", "link-local-ip"], .missing("networks have IPv4 only"))
        + options(
            ["link"],
            .missing("containers of a network that was created find each other by name")
        )
        + options(
            ["mac-address"],
            .missing("the hardware address follows from the IP address")
        )
        + toggles(["init", "no-healthcheck", "privileged", "read-only", "rm"], .same)
        + namespaces + missing

    private static let namespaces: [CommandFlag] = [
        .option("cgroupns", nil, .missing("containers see no control groups")),
        .option("ipc"), .option("pid"),
        .option("userns", nil, .different("host, which is the default")),
        .option("uts"),
    ]

    private static let missing: [CommandFlag] =
        [
            .option(
                "cgroup-parent",
                nil,
                .missing("control groups are below `swiftbuild`, where they are found again")
            ),
            .option("gpus", nil, .missing("it needs a vendor's hooks; `--device` gives the container device files")),
            .option("kernel-memory", nil, .missing("Linux has had no such limit since 5.16")),
            .option("memory-swappiness", nil, .missing("control groups of version 2 have no such setting")),
            .toggle("oom-kill-disable", nil, .missing("control groups of version 2 have no such setting")),
            .option("runtime", nil, .missing("processes are started without a runtime")),
            .option("storage-opt", nil, .missing("the store has no quotas")),
            .option("volume-driver", nil, .missing("volumes are directories of the store")),
        ]
        + options(["blkio-weight", "blkio-weight-device"], .missing("only disks with the scheduler BFQ have weights"))
        + options(
            ["device-read-bps", "device-read-iops", "device-write-bps", "device-write-iops"],
            .missing("the rates of disks are not limited")
        )
        + options(["cpu-rt-period", "cpu-rt-runtime"], .missing("control groups of version 2 have no such setting"))

    private static let windows = CommandFlag.Support.missing("only Windows has it")
}
