package import ArgumentParser

/// What a container has of the machine itself.
package struct MachineFlags: ParsableArguments, Sendable {
    @Flag(name: .customLong("init"), help: "Let an init be process 1: it hands signals on and collects orphans.")
    package var usesInit = false

    @Option(
        name: .customLong("device"),
        help: ArgumentHelp("Give the container a device of this machine; may repeat.", valueName: "path[:path][:rwm]")
    )
    package var devices: [String] = []

    @Option(
        name: .customLong("device-cgroup-rule"),
        help: ArgumentHelp("Allow a kind of device, such as `c 189:* rw`; may repeat.", valueName: "rule")
    )
    package var deviceRules: [String] = []

    @Option(
        name: .customLong("oom-score-adj"),
        help: ArgumentHelp("Be killed sooner or later when memory runs out, -1000 to 1000.", valueName: "number")
    )
    package var memoryScore: Int32?

    @Option(
        name: .customLong("domainname"),
        help: ArgumentHelp("The container's NIS domain.", valueName: "name")
    )
    package var domainName: String?

    @Option(
        name: .customLong("pid"),
        help: ArgumentHelp(
            "host: see the processes of this machine; container:NAME: those of a container.",
            valueName: "mode"
        )
    )
    package var processes: String?

    @Option(
        name: .customLong("ipc"),
        help: ArgumentHelp(
            "host, container:NAME: share memory and queues with this machine or a container; private (the default).",
            valueName: "mode"
        )
    )
    package var ipc: String?

    @Option(name: .customLong("uts"), help: ArgumentHelp("host: share this machine's host name.", valueName: "mode"))
    package var names: String?

    @Option(
        name: .customLong("userns"),
        help: ArgumentHelp("host (the default): the users of the container are the builder's.", valueName: "mode")
    )
    package var users: String?

    @Option(
        name: .customLong("annotation"),
        help: ArgumentHelp("Set an annotation; may repeat.", valueName: "name=value")
    )
    package var annotations: [String] = []

    package init() {}
}
