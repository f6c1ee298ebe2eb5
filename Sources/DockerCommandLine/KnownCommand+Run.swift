extension KnownCommand {
    static let run: [CommandFlag] =
        [
            .option("attach", "a", .missing("all streams are attached; `-i` attaches the input")),
            .option("cpu-shares", "c", limit),
            .toggle("detach", "d", .missing("containers run in the foreground")),
            .option("detach-keys", nil, .missing("containers run in the foreground")),
            .toggle("disable-content-trust", nil, .ignored("there is no content trust to switch off")),
            .option("entrypoint"),
            .option("env", "e"),
            .option("hostname", "h"),
            .toggle("interactive", "i"),
            .option("isolation", nil, .ignored("only Windows has a choice")),
            .option("label", "l", notKept),
            .option("memory", "m", limit),
            .option("mount", nil, .missing("`-v HOST:CONTAINER[:ro]` shows a directory of this machine")),
            .option("name", nil, .different("is also the host name, where that is not given")),
            .toggle("no-healthcheck", nil, .ignored("health is not checked")),
            .option("platform"),
            .option("publish", "p", network),
            .toggle("publish-all", "P", network),
            .option("pull"),
            .toggle("quiet", "q"),
            .toggle("rm", nil, .ignored("a container is always removed when it ends")),
            .option("security-opt", nil, .different("seccomp and no-new-privileges")),
            CommandFlag(name: "sig-proxy", letter: nil, value: .on, support: .same),
            .toggle("tty", "t"),
            .toggle("use-api-socket", nil, .missing("there is no daemon")),
            .option("user", "u"),
            .option("volume", "v", .different("directories and files of this machine; no volumes with names")),
            .option("workdir", "w"),
            root,
            .toggle("oom-kill-disable", nil, limit),
        ]
        + options(
            [
                "add-host", "annotation", "cap-add", "cap-drop", "cgroupns", "device", "domainname", "env-file", "gpus",
                "group-add", "ipc", "pid", "runtime", "shm-size", "storage-opt", "sysctl", "tmpfs", "userns", "uts",
                "volume-driver",
            ],
            notYet
        )
        + options(
            [
                "blkio-weight", "blkio-weight-device", "cgroup-parent", "cpu-period", "cpu-quota", "cpu-rt-period",
                "cpu-rt-runtime", "cpus", "cpuset-cpus", "cpuset-mems", "device-cgroup-rule", "device-read-bps",
                "device-read-iops", "device-write-bps", "device-write-iops", "kernel-memory", "memory-reservation",
                "memory-swap", "memory-swappiness", "oom-score-adj", "pids-limit", "ulimit",
            ],
            limit
        )
        + options(
            [
                "cidfile", "label-file", "log-driver", "log-opt", "restart", "stop-signal", "stop-timeout",
                "volumes-from",
            ],
            notKept
        )
        + options(["cpu-count", "cpu-percent", "io-maxbandwidth", "io-maxiops"], windows)
        + options(
            [
                "dns", "dns-option", "dns-search", "expose", "ip", "ip6", "link", "link-local-ip", "mac-address",
                "network", "network-alias",
            ],
            network
        )
        + options(
            [
                "health-cmd", "health-interval", "health-retries", "health-start-interval", "health-start-period",
                "health-timeout",
            ],
            health
        )
        + toggles(["init", "privileged", "read-only"], notYet)

    private static let notYet = CommandFlag.Support.missing("not supported yet")
    private static let notKept = CommandFlag.Support.missing("containers run in the foreground and are not kept")
    private static let network = CommandFlag.Support.missing("containers share the network of this machine")
    private static let limit = CommandFlag.Support.missing("containers are not limited yet")
    private static let health = CommandFlag.Support.missing("health is not checked")
    private static let windows = CommandFlag.Support.missing("only Windows has it")
}
