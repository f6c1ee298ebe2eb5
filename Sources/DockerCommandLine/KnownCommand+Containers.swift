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
        ] + volumeCommands

    /// The commands for networks.
    static let networkCommands: [KnownCommand] = [
        KnownCommand(
            "network create",
            docker: "docker network create",
            [
                .toggle("attachable", nil, .ignored("every container may be connected")),
                .option("aux-address", nil, noAddressManagement),
                .toggle("config-only", nil, .missing("one machine only")),
                .option("config-from", nil, .missing("one machine only")),
                .option("driver", "d", .different("bridge")), .option("gateway"),
                .toggle("ingress", nil, .missing("one machine only")), .toggle("internal"),
                .option("ip-range", nil, noAddressManagement), .option("ipam-driver", nil, noAddressManagement),
                .option("ipam-opt", nil, noAddressManagement),
                CommandFlag(
                    name: "ipv4",
                    letter: nil,
                    value: .on,
                    support: .ignored("every network has IPv4 addresses")
                ),
                .toggle("ipv6", nil, .missing("networks have IPv4 only")), .option("label"),
                .option("opt", "o", .missing("bridges have no further options")),
                .option("scope", nil, .missing("one machine only")), .option("subnet"), root,
            ]
        ),
        KnownCommand(
            "network connect",
            docker: "docker network connect",
            [
                .option("alias"), .option("driver-opt", nil, .missing("bridges have no further options")),
                .option("gw-priority", nil, .missing("the first network with a way out has the default route")),
                .option("ip"), .option("ip6", nil, .missing("networks have IPv4 only")),
                .option("link", nil, .missing("containers of a network find each other by name")),
                .option("link-local-ip", nil, .missing("networks have IPv4 only")), root,
            ]
        ),
        KnownCommand(
            "network disconnect",
            docker: "docker network disconnect",
            [.toggle("force", "f", .ignored("what a killed container has left is removed anyway")), root]
        ),
        KnownCommand(
            "network inspect",
            docker: "docker network inspect",
            [.option("format", "f"), .toggle("verbose", "v", .ignored("there is nothing further to print")), root]
        ),
        KnownCommand(
            "network ls",
            docker: "docker network ls",
            [.option("filter", "f"), .option("format"), .toggle("no-trunc"), .toggle("quiet", "q"), root]
        ),
        KnownCommand(
            "network prune",
            docker: "docker network prune",
            [.option("filter"), .toggle("force", "f"), root]
        ),
        KnownCommand("network rm", docker: "docker network rm", [.toggle("force", "f"), root]),
        KnownCommand("port", docker: "docker port", [root]),
    ]
    private static let noAddressManagement = CommandFlag.Support.missing("addresses are given out by one rule")

    private static let stopFlags: [CommandFlag] = [
        .option("signal", "s"), .option("timeout", "t"), root,
    ]
    private static let ownTerminal = CommandFlag.Support.missing("the command ends when its terminal closes")
    private static let checkpoint = CommandFlag.Support.missing("processes are not written to disk")
}
