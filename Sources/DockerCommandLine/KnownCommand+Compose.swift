extension KnownCommand {
    static let composeCommands = composeContainerCommands + composeImageCommands

    private static let composeImageCommands: [KnownCommand] = [
        KnownCommand(
            "compose build",
            docker: "docker compose build",
            composeFlags + [
                .option("build-arg"), .toggle("no-cache"), .toggle("pull"), .toggle("push"), .toggle("quiet", "q"),
                .option("ssh"), .toggle("with-dependencies"), .toggle("explain", nil, .own),
                .toggle("expect-cached", nil, .own),
                .option("builder", nil, .ignored("there is one builder")),
                .toggle("check"),
                .option("memory", "m", .ignored("build processes have no resource limits")),
                .toggle("print"),
                .option("provenance", nil, .different("only `false`: attestations are not supported")),
                .option("sbom", nil, .different("only `false`: attestations are not supported")),
                .toggle("compress", nil, .ignored("there is no daemon to send the context to")),
                .toggle("force-rm", nil, .ignored("no container is left of a build")),
                .toggle("no-rm", nil, .ignored("no container is left of a build")),
            ]
        ),
        KnownCommand(
            "compose pull",
            docker: "docker compose pull",
            composeFlags + [
                .toggle("ignore-buildable"), .toggle("ignore-pull-failures"), .toggle("include-deps"),
                .option("policy"), .toggle("quiet", "q"),
                .toggle("no-parallel", nil, .ignored("the machine decides")),
            ]
        ),
        KnownCommand(
            "compose push",
            docker: "docker compose push",
            composeFlags + [.toggle("ignore-push-failures"), .toggle("include-deps"), .toggle("quiet", "q")]
        ),
        KnownCommand(
            "compose images",
            docker: "docker compose images",
            composeFlags + [.option("format"), .toggle("quiet", "q")]
        ),
        KnownCommand(
            "compose watch",
            docker: "docker compose watch",
            composeFlags + [
                .toggle("no-up"), .toggle("quiet"),
                .toggle("prune", nil, .ignored("`swiftbuild prune` removes what no image uses")),
            ]
        ),
        KnownCommand(
            "compose version",
            docker: "docker compose version",
            composeFlags + [.option("format", "f"), .toggle("short")]
        ),
        KnownCommand(
            "compose config",
            docker: "docker compose config",
            composeFlags + [
                .option("format"), .toggle("services"), .toggle("volumes"), .toggle("networks"), .toggle("images"),
                .toggle("profiles"), .toggle("environment"), .option("hash"), .toggle("quiet", "q"),
                .toggle("no-interpolate"), .toggle("no-normalize"), .toggle("no-path-resolution"),
                .toggle("no-consistency"), .toggle("no-env-resolution"), .option("output", "o"),
                .toggle("models", nil, .missing("language models are not run here")),
                .toggle("variables"), .toggle("resolve-image-digests"), .toggle("lock-image-digests"),
            ]
        ),
    ]

    /// Those of every command of `compose`, which may stand before it.
    static let composeFlags: [CommandFlag] = [
        .option("file"), .option("project-name"), .option("project-directory"), .option("profile"), .option("env-file"),
        .toggle("all-resources"), root,
        .option("ansi", nil, .ignored("NO_COLOR and the terminal decide")),
        .option("progress"),
        .option("parallel", nil, .ignored("the machine decides")),
        .toggle("compatibility", nil, .missing("names have hyphens")),
        .toggle("dry-run", nil, .missing("`config` shows what would be made")),
        .toggle("verbose", nil, .ignored("there is no daemon to talk with")),
    ]
}
