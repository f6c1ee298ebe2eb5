extension KnownCommand {
    /// The commands for containers, apart from `run`.
    static let containerCommands: [KnownCommand] =
        [
            KnownCommand("create", docker: "docker create", foreign: .behindFirst, create),
            KnownCommand(
                "exec",
                docker: "docker exec",
                foreign: .behindFirst,
                [
                    .toggle("detach", "d"), .option("detach-keys", nil, ownTerminal), .option("env", "e"),
                    .option("env-file"), .toggle("interactive", "i"),
                    .toggle("privileged"), .toggle("tty", "t"), .option("user", "u"), .option("workdir", "w"), root,
                ]
            ),
            KnownCommand(
                "ps",
                docker: "docker ps",
                [
                    .toggle("all", "a"), .option("filter", "f"), .option("format"), .option("last", "n"),
                    .toggle("latest", "l"), .toggle("no-trunc"), .toggle("quiet", "q"),
                    .toggle("size", "s"), root,
                ]
            ),
            KnownCommand(
                "logs",
                docker: "docker logs",
                [
                    .toggle("details", nil, .ignored("there are no further details")), .toggle("follow", "f"),
                    .option("since"), .option("tail", "n"), .toggle("timestamps", "t"), .option("until"), root,
                ]
            ),
            KnownCommand(
                "start",
                docker: "docker start",
                [
                    .toggle("attach", "a"), .option("checkpoint", nil, checkpoint),
                    .option("checkpoint-dir", nil, checkpoint),
                    .option("detach-keys"), .toggle("interactive", "i"), root,
                ]
            ),
            KnownCommand(
                "attach",
                docker: "docker attach",
                [
                    .option("detach-keys"), .toggle("no-stdin"),
                    CommandFlag(name: "sig-proxy", letter: nil, value: .on, support: .same), root,
                ]
            ),
            KnownCommand("stop", docker: "docker stop", stopFlags),
            KnownCommand("restart", docker: "docker restart", stopFlags),
            KnownCommand("kill", docker: "docker kill", [.option("signal", "s"), root]),
            KnownCommand("pause", docker: "docker pause", [root]),
            KnownCommand("unpause", docker: "docker unpause", [root]),
            KnownCommand("wait", docker: "docker wait", [.option("condition", nil, .own), root]),
            KnownCommand("rename", docker: "docker rename", [root]),
            KnownCommand("export", docker: "docker export", [.option("output", "o"), root]),
            KnownCommand(
                "rm",
                docker: "docker rm",
                [
                    .toggle("force", "f"), .toggle("link", "l", .missing("containers have no links")),
                    .toggle("volumes", "v"), root,
                ]
            ),
            KnownCommand(
                "container prune",
                docker: "docker container prune",
                [.option("filter"), .toggle("force", "f"), root]
            ),
            KnownCommand(
                "events",
                docker: "docker events",
                [
                    .option("filter", "f", .different("of containers, volumes and networks")), .option("format"),
                    .option("since"), .option("until"), root,
                ]
            ),
            KnownCommand("top", docker: "docker top", foreign: .behindFirst, [root]),
            KnownCommand(
                "stats",
                docker: "docker stats",
                [.toggle("all", "a"), .option("format"), .toggle("no-stream"), .toggle("no-trunc"), root]
            ),
            KnownCommand("port", docker: "docker port", [root]),
        ]

    private static let stopFlags: [CommandFlag] = [
        .option("signal", "s"), .option("timeout", "t"), root,
    ]
    private static let ownTerminal = CommandFlag.Support.missing("the command ends when its terminal closes")
    private static let checkpoint = CommandFlag.Support.missing("processes are not written to disk")
}
