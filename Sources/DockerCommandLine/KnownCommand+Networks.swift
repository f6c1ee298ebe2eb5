extension KnownCommand {
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
    ]
    private static let noAddressManagement = CommandFlag.Support.missing("addresses are given out by one rule")
}
