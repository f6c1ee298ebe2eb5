extension KnownCommand {
    static let volumeCommands: [KnownCommand] = [
        KnownCommand(
            "volume create",
            docker: "docker volume create",
            [
                .option("driver", "d", .different("only `local`")), .option("label"),
                .option("opt", "o", .missing("`run -v DIRECTORY:PATH` mounts a directory, `run --tmpfs` memory")), root,
            ]
                + options(
                    [
                        "availability", "group", "limit-bytes", "required-bytes", "scope", "secret", "sharing",
                        "topology-preferred", "topology-required", "type",
                    ],
                    cluster
                )
        ),
        KnownCommand(
            "volume ls",
            docker: "docker volume ls",
            [
                .toggle("cluster", nil, cluster), .option("filter", "f"), .option("format"), .toggle("quiet", "q"),
                root,
            ]
        ),
        KnownCommand("volume inspect", docker: "docker volume inspect", [.option("format", "f"), root]),
        KnownCommand("volume rm", docker: "docker volume rm", [.toggle("force", "f"), root]),
        KnownCommand(
            "volume prune",
            docker: "docker volume prune",
            [.toggle("all", "a"), .option("filter"), .toggle("force", "f"), root]
        ),
    ]

    private static let cluster = CommandFlag.Support.missing("one machine only")
}
