import ArgumentParser
import Distribution

/// What `run` and `create` take: everything that decides what a container is.
struct ContainerFlags: ParsableArguments {
    @OptionGroup var process: ProcessFlags

    @Option(name: .customLong("name"), help: ArgumentHelp("What the container is called.", valueName: "name"))
    var name: String?

    @Flag(name: .customLong("rm"), help: "Remove the container once it has ended.")
    var removes = false

    @Option(
        name: [.customShort("l"), .customLong("label")],
        help: ArgumentHelp("Set a label; may repeat.", valueName: "name[=value]")
    )
    var labels: [String] = []

    @Option(
        name: .customLong("label-file"),
        help: ArgumentHelp("Read labels from a file; may repeat.", valueName: "file")
    )
    var labelFiles: [String] = []

    @Option(
        name: .customLong("group-add"),
        help: ArgumentHelp("A further group of the command; may repeat.", valueName: "group")
    )
    var groups: [String] = []

    @Option(
        name: [.customShort("h"), .customLong("hostname")],
        help: ArgumentHelp("The container's host name.", valueName: "name")
    )
    var hostname: String?

    @Option(
        name: .customLong("entrypoint"),
        help: ArgumentHelp("Replace the image's ENTRYPOINT.", valueName: "command")
    )
    var entrypoint: String?

    @Option(
        name: [.customShort("v"), .customLong("volume")],
        help: ArgumentHelp("Mount a directory of this machine or a volume; may repeat.", valueName: "source:path[:ro]")
    )
    var volumes: [String] = []

    @Option(
        name: .customLong("mount"),
        help: ArgumentHelp(
            "Mount a directory of this machine (bind), a volume or memory (tmpfs); may repeat.",
            valueName: "type=kind,source=path,target=path,…"
        )
    )
    var mounts: [String] = []

    @Option(
        name: .customLong("volumes-from"),
        help: ArgumentHelp("Mount what another container has mounted; may repeat.", valueName: "container[:ro]")
    )
    var volumesFrom: [String] = []

    @Option(
        name: .customLong("tmpfs"),
        help: ArgumentHelp("Mount a filesystem in memory; may repeat.", valueName: "path[:size=n]")
    )
    var memoryFilesystems: [String] = []

    @Flag(name: .customLong("read-only"), help: "Let the container change nothing but its volumes.")
    var isReadOnly = false

    @Option(
        name: .customLong("restart"),
        help: ArgumentHelp(
            "When the container is started again: no (the default), on-failure[:n], always, unless-stopped.",
            valueName: "policy"
        )
    )
    var restart: String?

    @Option(
        name: .customLong("stop-signal"),
        help: ArgumentHelp("The signal that asks the command to end.", valueName: "signal")
    )
    var stopSignal: String?

    @Option(
        name: .customLong("stop-timeout"),
        help: ArgumentHelp("Seconds until it is killed then (default: 10).", valueName: "seconds")
    )
    var stopTimeout: Int?

    @OptionGroup var network: NetworkFlags
    @OptionGroup var limits: LimitFlags
    @OptionGroup var privileges: PrivilegeFlags
    @OptionGroup var machine: MachineFlags
    @OptionGroup var health: HealthFlags

    @Option(
        name: .customLong("log-opt"),
        help: ArgumentHelp(
            "How much of the output is kept: max-size=10m, max-file=3; may repeat.",
            valueName: "name=value"
        )
    )
    var logOptions: [String] = []

    @Option(
        name: .customLong("cidfile"),
        help: ArgumentHelp("Write the container's ID to a new file.", valueName: "file")
    )
    var idFile: String?

    @Option(
        name: .customLong("pull"),
        help: ArgumentHelp("When the image is pulled: missing (the default), always, never.", valueName: "when")
    )
    var pull = PullPolicy.missing

    @Option(
        name: .customLong("platform"),
        help: ArgumentHelp("Which of the image's platforms.", valueName: "os/arch")
    )
    var platform: String?

    @Flag(name: [.customShort("q"), .customLong("quiet")], help: "Do not show how the image is pulled.")
    var isQuiet = false
}

/// What a container may use.
struct LimitFlags: ParsableArguments {
    @Option(
        name: [.customShort("m"), .customLong("memory")],
        help: ArgumentHelp("How much memory the container may use.", valueName: "size")
    )
    var memory: String?

    @Option(
        name: .customLong("memory-swap"),
        help: ArgumentHelp("Memory and swap together; -1 for any amount.", valueName: "size")
    )
    var memoryAndSwap: String?

    @Option(
        name: .customLong("memory-reservation"),
        help: ArgumentHelp("How much memory is left to it when memory gets short.", valueName: "size")
    )
    var memoryReservation: String?

    @Option(name: .customLong("cpus"), help: ArgumentHelp("How many processors' time it may use.", valueName: "number"))
    var processors: Double?

    @Option(name: .customLong("cpuset-cpus"), help: ArgumentHelp("On which processors it may run.", valueName: "list"))
    var processorSet: String?

    @Option(
        name: .customLong("cpuset-mems"),
        help: ArgumentHelp("Which memory nodes it may use.", valueName: "list")
    )
    var memoryNodes: String?

    @Option(
        name: [.customShort("c"), .customLong("cpu-shares")],
        help: ArgumentHelp("Its share of the processors that several compete for; 1024 is usual.", valueName: "number")
    )
    var processorShares: Int64?

    @Option(
        name: .customLong("cpu-period"),
        help: ArgumentHelp("The period of --cpu-quota, in microseconds.", valueName: "number")
    )
    var processorPeriod: Int64?

    @Option(
        name: .customLong("cpu-quota"),
        help: ArgumentHelp("Processor time in each period, in microseconds.", valueName: "number")
    )
    var processorQuota: Int64?

    @Option(name: .customLong("pids-limit"), help: ArgumentHelp("How many processes it may have.", valueName: "number"))
    var processes: Int64?

    @Option(
        name: .customLong("shm-size"),
        help: ArgumentHelp("The size of /dev/shm (default: 64m).", valueName: "size")
    )
    var sharedMemorySize: String?

    @Option(
        name: .customLong("ulimit"),
        help: ArgumentHelp("Set a resource limit of its processes; may repeat.", valueName: "name=soft[:hard]")
    )
    var resourceLimits: [String] = []
}

/// What a container may do to the machine.
struct PrivilegeFlags: ParsableArguments {
    @Option(name: .customLong("cap-add"), help: ArgumentHelp("Add a capability; may repeat.", valueName: "name"))
    var addedCapabilities: [String] = []

    @Option(name: .customLong("cap-drop"), help: ArgumentHelp("Take a capability away; may repeat.", valueName: "name"))
    var droppedCapabilities: [String] = []

    @Option(
        name: .customLong("security-opt"),
        help: ArgumentHelp(
            "What the command may do: seccomp=unconfined, seccomp=FILE (a profile as Docker has it), no-new-privileges or systempaths=unconfined; may repeat.",
            valueName: "option"
        )
    )
    var securityOptions: [String] = []

    @Flag(name: .customLong("privileged"), help: "Let the command do what root may do on this machine.")
    var isPrivileged = false

    @Option(
        name: .customLong("sysctl"),
        help: ArgumentHelp("Set a kernel parameter of the container; may repeat.", valueName: "name=value")
    )
    var kernelParameters: [String] = []
}

/// How a container tells whether it works.
struct HealthFlags: ParsableArguments {
    @Option(name: .customLong("health-cmd"), help: ArgumentHelp("The command that checks it.", valueName: "command"))
    var command: String?

    @Option(
        name: .customLong("health-interval"),
        help: ArgumentHelp("The time between checks (default: 30s).", valueName: "time")
    )
    var interval: String?

    @Option(
        name: .customLong("health-timeout"),
        help: ArgumentHelp("How long a check may take (default: 30s).", valueName: "time")
    )
    var timeout: String?

    @Option(
        name: .customLong("health-retries"),
        help: ArgumentHelp("How many failures in a row it takes (default: 3).", valueName: "number")
    )
    var retries: Int?

    @Option(
        name: .customLong("health-start-period"),
        help: ArgumentHelp("The time in which failures do not count.", valueName: "time")
    )
    var startPeriod: String?

    @Option(
        name: .customLong("health-start-interval"),
        help: ArgumentHelp("The time between checks in that period (default: 5s).", valueName: "time")
    )
    var startInterval: String?

    @Flag(name: .customLong("no-healthcheck"), help: "Do not run the image's HEALTHCHECK.")
    var isOff = false
}
