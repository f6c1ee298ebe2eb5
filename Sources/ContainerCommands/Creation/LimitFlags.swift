package import ArgumentParser

/// What a container may use.
package struct LimitFlags: ParsableArguments, Sendable {
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
