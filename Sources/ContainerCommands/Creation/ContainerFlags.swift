package import ArgumentParser
package import Distribution

/// What `run` and `create` take: everything that decides what a container is.
package struct ContainerFlags: ParsableArguments {
    @OptionGroup package var process: ProcessFlags

    @Option(name: .customLong("name"), help: ArgumentHelp("What the container is called.", valueName: "name"))
    package var name: String?

    @Flag(name: .customLong("rm"), help: "Remove the container once it has ended.")
    package var removes = false

    @Option(
        name: [.customShort("l"), .customLong("label")],
        help: ArgumentHelp("Set a label; may repeat.", valueName: "name[=value]")
    )
    package var labels: [String] = []

    @Option(
        name: .customLong("label-file"),
        help: ArgumentHelp("Read labels from a file; may repeat.", valueName: "file")
    )
    package var labelFiles: [String] = []

    @Option(
        name: .customLong("group-add"),
        help: ArgumentHelp("A further group of the command; may repeat.", valueName: "group")
    )
    package var groups: [String] = []

    @Option(
        name: [.customShort("h"), .customLong("hostname")],
        help: ArgumentHelp("The container's host name.", valueName: "name")
    )
    package var hostname: String?

    @Option(
        name: .customLong("entrypoint"),
        help: ArgumentHelp("Replace the image's ENTRYPOINT.", valueName: "command")
    )
    package var entrypoint: String?

    @Option(
        name: [.customShort("v"), .customLong("volume")],
        help: ArgumentHelp("Mount a directory of this machine or a volume; may repeat.", valueName: "source:path[:ro]")
    )
    package var volumes: [String] = []

    @Option(
        name: .customLong("mount"),
        help: ArgumentHelp(
            "Mount a directory of this machine (bind), a volume or memory (tmpfs); may repeat.",
            valueName: "type=kind,source=path,target=path,…"
        )
    )
    package var mounts: [String] = []

    @Option(
        name: .customLong("volumes-from"),
        help: ArgumentHelp("Mount what another container has mounted; may repeat.", valueName: "container[:ro]")
    )
    package var volumesFrom: [String] = []

    @Option(
        name: .customLong("tmpfs"),
        help: ArgumentHelp("Mount a filesystem in memory; may repeat.", valueName: "path[:size=n]")
    )
    package var memoryFilesystems: [String] = []

    @Flag(name: .customLong("read-only"), help: "Let the container change nothing but its volumes.")
    package var isReadOnly = false

    @Option(
        name: .customLong("restart"),
        help: ArgumentHelp(
            "When the container is started again: no (the default), on-failure[:n], always, unless-stopped.",
            valueName: "policy"
        )
    )
    package var restart: String?

    @Option(
        name: .customLong("stop-signal"),
        help: ArgumentHelp("The signal that asks the command to end.", valueName: "signal")
    )
    package var stopSignal: String?

    @Option(
        name: .customLong("stop-timeout"),
        help: ArgumentHelp("Seconds until it is killed then (default: 10).", valueName: "seconds")
    )
    package var stopTimeout: Int?

    @OptionGroup package var network: NetworkFlags
    @OptionGroup package var limits: LimitFlags
    @OptionGroup package var privileges: PrivilegeFlags
    @OptionGroup package var machine: MachineFlags
    @OptionGroup package var health: HealthFlags

    @Option(
        name: .customLong("log-opt"),
        help: ArgumentHelp(
            "How much of the output is kept: max-size=10m, max-file=3; may repeat.",
            valueName: "name=value"
        )
    )
    package var logOptions: [String] = []

    @Option(
        name: .customLong("cidfile"),
        help: ArgumentHelp("Write the container's ID to a new file.", valueName: "file")
    )
    package var idFile: String?

    @Option(
        name: .customLong("pull"),
        help: ArgumentHelp("When the image is pulled: missing (the default), always, never.", valueName: "when")
    )
    package var pull = PullPolicy.missing

    @Option(
        name: .customLong("platform"),
        help: ArgumentHelp("Which of the image's platforms.", valueName: "os/arch")
    )
    package var platform: String?

    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Do not show how the image is pulled.")
    package var isQuiet = false

    package init() {}
}

/// What a container may use.
package struct LimitFlags: ParsableArguments {
    @Option(
        name: [.customShort("m"), .customLong("memory")],
        help: ArgumentHelp("How much memory the container may use.", valueName: "size")
    )
    package var memory: String?

    @Option(
        name: .customLong("memory-swap"),
        help: ArgumentHelp("Memory and swap together; -1 for any amount.", valueName: "size")
    )
    package var memoryAndSwap: String?

    @Option(
        name: .customLong("memory-reservation"),
        help: ArgumentHelp("How much memory is left to it when memory gets short.", valueName: "size")
    )
    package var memoryReservation: String?

    @Option(name: .customLong("cpus"), help: ArgumentHelp("How many processors' time it may use.", valueName: "number"))
    package var processors: Double?

    @Option(name: .customLong("cpuset-cpus"), help: ArgumentHelp("On which processors it may run.", valueName: "list"))
    package var processorSet: String?

    @Option(
        name: .customLong("cpuset-mems"),
        help: ArgumentHelp("Which memory nodes it may use.", valueName: "list")
    )
    package var memoryNodes: String?

    @Option(
        name: [.customShort("c"), .customLong("cpu-shares")],
        help: ArgumentHelp("Its share of the processors that several compete for; 1024 is usual.", valueName: "number")
    )
    package var processorShares: Int64?

    @Option(
        name: .customLong("cpu-period"),
        help: ArgumentHelp("The period of --cpu-quota, in microseconds.", valueName: "number")
    )
    package var processorPeriod: Int64?

    @Option(
        name: .customLong("cpu-quota"),
        help: ArgumentHelp("Processor time in each period, in microseconds.", valueName: "number")
    )
    package var processorQuota: Int64?

    @Option(name: .customLong("pids-limit"), help: ArgumentHelp("How many processes it may have.", valueName: "number"))
    package var processes: Int64?

    @Option(
        name: .customLong("shm-size"),
        help: ArgumentHelp("The size of /dev/shm (default: 64m).", valueName: "size")
    )
    package var sharedMemorySize: String?

    @Option(
        name: .customLong("ulimit"),
        help: ArgumentHelp("Set a resource limit of its processes; may repeat.", valueName: "name=soft[:hard]")
    )
    package var resourceLimits: [String] = []

    package init() {}
}

/// What a container may do to the machine.
package struct PrivilegeFlags: ParsableArguments {
    @Option(name: .customLong("cap-add"), help: ArgumentHelp("Add a capability; may repeat.", valueName: "name"))
    package var addedCapabilities: [String] = []

    @Option(name: .customLong("cap-drop"), help: ArgumentHelp("Take a capability away; may repeat.", valueName: "name"))
    package var droppedCapabilities: [String] = []

    @Option(
        name: .customLong("security-opt"),
        help: ArgumentHelp(
            "What the command may do: seccomp=unconfined, seccomp=FILE (a profile as Docker has it), no-new-privileges or systempaths=unconfined; may repeat.",
            valueName: "option"
        )
    )
    package var securityOptions: [String] = []

    @Flag(name: .customLong("privileged"), help: "Let the command do what root may do on this machine.")
    package var isPrivileged = false

    /// Read before everything else (`SwiftBuild.prepareUsers`).
    @Option(name: .customLong("isolation"), help: .hidden)
    var isolation: String?

    @Option(
        name: .customLong("sysctl"),
        help: ArgumentHelp("Set a kernel parameter of the container; may repeat.", valueName: "name=value")
    )
    package var kernelParameters: [String] = []

    package init() {}
}

/// How a container tells whether it works.
package struct HealthFlags: ParsableArguments {
    @Option(name: .customLong("health-cmd"), help: ArgumentHelp("The command that checks it.", valueName: "command"))
    package var command: String?

    @Option(
        name: .customLong("health-interval"),
        help: ArgumentHelp("The time between checks (default: 30s).", valueName: "time")
    )
    package var interval: String?

    @Option(
        name: .customLong("health-timeout"),
        help: ArgumentHelp("How long a check may take (default: 30s).", valueName: "time")
    )
    package var timeout: String?

    @Option(
        name: .customLong("health-retries"),
        help: ArgumentHelp("How many failures in a row it takes (default: 3).", valueName: "number")
    )
    package var retries: Int?

    @Option(
        name: .customLong("health-start-period"),
        help: ArgumentHelp("The time in which failures do not count.", valueName: "time")
    )
    package var startPeriod: String?

    @Option(
        name: .customLong("health-start-interval"),
        help: ArgumentHelp("The time between checks in that period (default: 5s).", valueName: "time")
    )
    package var startInterval: String?

    @Flag(name: .customLong("no-healthcheck"), help: "Do not run the image's HEALTHCHECK.")
    package var isOff = false

    package init() {}
}
