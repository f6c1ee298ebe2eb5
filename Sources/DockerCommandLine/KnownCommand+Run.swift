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
            .option("cpu-shares", "c", notYet),
            .toggle("disable-content-trust", nil, .ignored("there is no content trust to switch off")),
            .option("env", "e"),
            .option("group-add", nil, .different("groups by number")),
            .option("hostname", "h"),
            .toggle("interactive", "i"),
            .option("isolation", nil, .ignored("only Windows has a choice")),
            .option("label", "l"),
            .option("log-driver", nil, .missing("output is kept as Docker's json-file")),
            .option("log-opt", nil, .different("max-size and max-file")),
            .option("memory", "m"),
            .option("mount", nil, .missing("`-v SOURCE:PATH[:ro]` mounts directories and volumes")),
            .option("network"),
            .option("publish", "p"),
            .toggle("publish-all", "P"),
            .toggle("quiet", "q"),
            .option("security-opt", nil, .different("seccomp and no-new-privileges")),
            .toggle("tty", "t"),
            .toggle("use-api-socket", nil, .missing("there is no daemon")),
            .option("user", "u"),
            .option("volume", "v"),
            .option("workdir", "w"),
            root,
        ]
        + options(
            [
                "add-host", "cap-add", "cap-drop", "cidfile", "cpus", "cpuset-cpus", "dns", "dns-option", "dns-search",
                "entrypoint", "env-file", "expose",
                "health-cmd", "health-interval", "health-retries", "health-start-interval", "health-start-period",
                "health-timeout", "ip", "label-file", "memory-swap", "name", "network-alias", "pids-limit", "platform",
                "pull", "restart",
                "shm-size", "stop-signal", "stop-timeout", "sysctl", "tmpfs", "ulimit",
            ],
            .same
        )
        + options(
            [
                "annotation", "blkio-weight", "blkio-weight-device", "cgroup-parent", "cgroupns", "cpu-period",
                "cpu-quota", "cpu-rt-period", "cpu-rt-runtime", "cpuset-mems", "device", "device-cgroup-rule",
                "device-read-bps", "device-read-iops", "device-write-bps", "device-write-iops", "domainname", "gpus",
                "ipc", "kernel-memory", "memory-reservation", "memory-swappiness", "oom-score-adj", "pid", "runtime",
                "storage-opt", "userns", "uts", "volume-driver", "volumes-from",
            ],
            notYet
        )
        + options(["cpu-count", "cpu-percent", "io-maxbandwidth", "io-maxiops"], windows)
        + options(
            ["net", "net-alias", "dns-opt"],
            .different("older Docker's word for `--network`, `--network-alias`, `--dns-option`")
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
        + toggles(["no-healthcheck", "privileged", "read-only", "rm"], .same)
        + toggles(["init", "oom-kill-disable"], notYet)

    private static let notYet = CommandFlag.Support.missing("not supported yet")
    private static let windows = CommandFlag.Support.missing("only Windows has it")
}
