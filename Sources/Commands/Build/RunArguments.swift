import ArgumentParser
import BuildService

/// What `build` takes for the processes of `RUN`.
struct RunArguments: ParsableArguments {
    @Option(
        name: .customLong("secret"),
        help: ArgumentHelp(
            "A secret for RUN --mount=type=secret; may repeat.",
            valueName: "id=name[,src=path|,env=variable]"
        )
    )
    var secrets: [String] = []

    @Option(
        name: .customLong("ssh"),
        help: ArgumentHelp("An ssh agent for RUN --mount=type=ssh; may repeat.", valueName: "default|id[=socket|key,…]")
    )
    var agents: [String] = []

    @Option(
        name: .customLong("add-host"),
        help: ArgumentHelp("A line for /etc/hosts in RUN; may repeat.", valueName: "name:address")
    )
    var hosts: [String] = []

    @Option(
        name: .customLong("network"),
        help: ArgumentHelp("The network that RUN sees: default, none or host.", valueName: "mode")
    )
    var network: String?

    @Option(
        name: .customLong("allow"),
        help: ArgumentHelp("Let RUN have network.host or security.insecure; may repeat.", valueName: "entitlement")
    )
    var entitlements: [String] = []

    @Option(name: .customLong("shm-size"), help: ArgumentHelp("The size of /dev/shm for RUN.", valueName: "size"))
    var sharedMemorySize: String?

    @Option(
        name: .customLong("ulimit"),
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("A resource limit for RUN; may repeat.", valueName: "name=soft[:hard]")
    )
    var limits: [String] = []

    func apply(to flags: inout RunFlags) {
        (flags.secrets, flags.agents, flags.hosts, flags.network) = (secrets, agents, hosts, network)
        (flags.entitlements, flags.sharedMemorySize, flags.limits) = (entitlements, sharedMemorySize, limits)
    }
}
