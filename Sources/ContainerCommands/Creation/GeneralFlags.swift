package import ArgumentParser
package import Distribution

/// What a container is called and mounts, and how it begins and ends.
package struct GeneralFlags: ParsableArguments, Sendable {
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
            "Mount a directory of this machine (bind), a volume, memory (tmpfs) or an image; may repeat.",
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
