/// The commands of `compose` that are about containers.
extension KnownCommand {
    static let composeContainerCommands: [KnownCommand] = [
        KnownCommand(
            "compose up",
            docker: "docker compose up",
            composeFlags + composeCreation + [
                .toggle("detach", "d"), .toggle("no-start"), .toggle("wait"), .option("wait-timeout"),
                .toggle("explain", nil, .own), .toggle("abort-on-container-exit"),
                .toggle("abort-on-container-failure"), .option("exit-code-from"), .option("attach"),
                .option("no-attach"), .toggle("attach-dependencies"), .toggle("no-log-prefix"), .toggle("no-color"),
                .toggle("timestamps"), .toggle("always-recreate-deps"), .toggle("no-deps"),
                .toggle("renew-anon-volumes", "V"),
                .option("timeout", "t"),
                .toggle("menu", nil, .missing("signals and `compose` commands do what its keys do")),
                .toggle("watch", "w"),
            ]
        ),
        KnownCommand(
            "compose create",
            docker: "docker compose create",
            composeFlags + composeCreation + [
                .toggle("always-recreate-deps", nil, .own), .toggle("no-deps", nil, .own),
                .toggle("renew-anon-volumes", "V", .own), .option("timeout", "t", .own),
            ]
        ),
        KnownCommand(
            "compose explain",
            composeFlags
        ),
        KnownCommand(
            "compose down",
            docker: "docker compose down",
            composeFlags + [
                .toggle("remove-orphans"), .option("rmi"), .option("timeout", "t"), .toggle("volumes", "v"),
            ]
        ),
        KnownCommand(
            "compose run",
            docker: "docker compose run",
            foreign: .behindFirst,
            composeFlags + [
                .toggle("build"), .option("cap-add"), .option("cap-drop"), .toggle("detach", "d"),
                .option("entrypoint"), .option("env", "e"), .on("interactive", "i"), .option("label", "l"),
                .option("name"), .toggle("no-tty", "T"), .toggle("no-deps"), .option("publish", "p"),
                .option("pull"), .toggle("quiet-pull"), .toggle("remove-orphans"), .toggle("rm"),
                .toggle("service-ports", "P"), .toggle("use-aliases"), .option("user", "u"), .option("volume", "v"),
                .option("workdir", "w"),
                .option("env-from-file", nil, .missing("`env_file` of the service has files of variables")),
                .toggle("quiet", "q", .ignored("progress is what is done, a line for each")),
                .toggle("quiet-build", nil, .ignored("`--progress=quiet` hides builds")),
                .toggle("tty", "t", .ignored("the command has a terminal where there is one")),
            ]
        ),
        KnownCommand(
            "compose exec",
            docker: "docker compose exec",
            foreign: .behindFirst,
            composeFlags + [
                .toggle("detach", "d"), .option("env", "e"), .option("index"), .toggle("no-tty", "T"),
                .toggle("privileged"), .option("user", "u"), .option("workdir", "w"),
                .toggle("interactive", "i", .ignored("input is kept open")),
                .toggle("tty", "t", .ignored("the command has a terminal where there is one")),
            ]
        ),
        KnownCommand(
            "compose ps",
            docker: "docker compose ps",
            composeFlags + [
                .toggle("all", "a"), .option("filter"), .option("format"), .toggle("no-trunc"), .on("orphans"),
                .toggle("quiet", "q"), .toggle("services"), .option("status"),
            ]
        ),
        KnownCommand(
            "compose logs",
            docker: "docker compose logs",
            composeFlags + [
                .toggle("follow", "f"), .option("index"), .toggle("no-color"), .toggle("no-log-prefix"),
                .option("since"), .option("tail", "n"), .toggle("timestamps", "t"), .option("until"),
            ]
        ),
        KnownCommand(
            "compose start",
            docker: "docker compose start",
            composeFlags + [.toggle("wait"), .option("wait-timeout")]
        ),
        KnownCommand("compose stop", docker: "docker compose stop", composeFlags + [.option("timeout", "t")]),
        KnownCommand(
            "compose restart",
            docker: "docker compose restart",
            composeFlags + [.toggle("no-deps"), .option("timeout", "t")]
        ),
        KnownCommand(
            "compose kill",
            docker: "docker compose kill",
            composeFlags + [.toggle("remove-orphans"), .option("signal", "s")]
        ),
        KnownCommand(
            "compose rm",
            docker: "docker compose rm",
            composeFlags + [.toggle("force", "f"), .toggle("stop", "s"), .toggle("volumes", "v")]
        ),
        KnownCommand("compose pause", docker: "docker compose pause", composeFlags),
        KnownCommand("compose unpause", docker: "docker compose unpause", composeFlags),
        KnownCommand(
            "compose wait",
            docker: "docker compose wait",
            composeFlags + [.toggle("down-project", nil, .missing("`compose down` does it"))]
        ),
        KnownCommand("compose scale", docker: "docker compose scale", composeFlags + [.toggle("no-deps")]),
        KnownCommand(
            "compose port",
            docker: "docker compose port",
            composeFlags + [.option("index"), .option("protocol")]
        ),
        KnownCommand(
            "compose cp",
            docker: "docker compose cp",
            composeFlags + [
                .toggle("archive", "a"), .toggle("follow-link", "L"), .option("index"),
                .toggle("all", nil, .missing("only the containers of a service are copied to")),
            ]
        ),
        KnownCommand("compose top", docker: "docker compose top", composeFlags),
        KnownCommand(
            "compose events",
            docker: "docker compose events",
            composeFlags + [
                .toggle("json"), .option("since", nil, .missing("`swiftbuild events` has it")),
                .option("until", nil, .missing("`swiftbuild events` has it")),
            ]
        ),
        KnownCommand(
            "compose ls",
            docker: "docker compose ls",
            [.toggle("all", "a"), .option("filter"), .option("format"), .toggle("quiet", "q"), root]
        ),
    ]

    /// What `up` and `create` have in common.
    private static let composeCreation: [CommandFlag] = [
        .toggle("build"), .toggle("no-build"), .option("pull"), .toggle("quiet-pull"), .toggle("force-recreate"),
        .toggle("no-recreate"), .option("scale"), .toggle("remove-orphans"), .toggle("expect-cached", nil, .own),
        .toggle("quiet-build", nil, .ignored("`--progress=quiet` hides builds")),
        .toggle("yes", "y", .ignored("nothing is asked")),
    ]
}
