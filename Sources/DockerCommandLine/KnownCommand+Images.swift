extension KnownCommand {
    /// The commands that Docker has too, apart from `build` and `run`.
    static let imageCommands: [KnownCommand] = [
        KnownCommand(
            "images",
            docker: "docker images",
            [
                .toggle("all", "a", .ignored("there are no intermediate images")),
                .toggle("digests"), .option("filter", "f"), .option("format"), .toggle("no-trunc"),
                .toggle("quiet", "q"), .toggle("tree", nil, .missing("`swiftbuild inspect` shows what an index joins")),
                root,
            ]
        ),
        KnownCommand(
            "inspect",
            docker: "docker inspect",
            [
                .option("format", "f"), .option("platform"),
                .toggle("size", "s"),
                .option("type", nil, .different("container, image, network and volume")), root,
            ]
        ),
        KnownCommand(
            "history",
            docker: "docker history",
            [
                .option("format"), .toggle("human", "H", .ignored("sizes and times are always for people")),
                .toggle("no-trunc"), .option("platform"), .toggle("quiet", "q"),
                root,
            ]
        ),
        KnownCommand("tag", docker: "docker tag", [root]),
        KnownCommand(
            "rmi",
            docker: "docker rmi",
            [
                .toggle("force", "f"), .toggle("no-prune", nil, .ignored("content stays until `swiftbuild prune`")),
                .option("platform", nil, .missing("not supported yet")), root,
            ]
        ),
        KnownCommand(
            "save",
            docker: "docker save",
            [
                .option("output", "o"), .option("platform"), .option("format", nil, .own), root,
            ]
        ),
        KnownCommand(
            "load",
            docker: "docker load",
            [
                .option("input", "i"), .option("platform", nil, .missing("not supported yet")), .toggle("quiet", "q"),
                root,
            ]
        ),
        KnownCommand(
            "import",
            docker: "docker import",
            [.option("change", "c"), .option("message", "m"), .option("platform"), root]
        ),
        KnownCommand(
            "commit",
            docker: "docker commit",
            [
                .option("author", "a"), .option("change", "c"), .option("message", "m"),
                CommandFlag(name: "pause", letter: "p", value: .on, support: .same), root,
            ]
        ),
        KnownCommand(
            "pull",
            docker: "docker pull",
            [.toggle("all-tags", "a"), contentTrust, .option("platform"), .toggle("quiet", "q"), root]
        ),
        KnownCommand(
            "push",
            docker: "docker push",
            [
                .toggle("all-tags", "a"), contentTrust, .option("platform", nil, .missing("not supported yet")),
                .toggle("quiet", "q"), .option("format", nil, .own), root,
            ] + compression
        ),
        KnownCommand(
            "login",
            docker: "docker login",
            [
                .option("username", "u"), .toggle("password-stdin"),
                .option("password", "p", .different("refused: everyone on the machine could read it")),
            ]
        ),
        KnownCommand("logout", docker: "docker logout", []),
        KnownCommand("system df", docker: "docker system df", [.option("format"), .toggle("verbose", "v"), root]),
        KnownCommand(
            "system prune",
            docker: "docker system prune",
            [
                .toggle("all", "a"),
                .option(
                    "filter",
                    nil,
                    .different("with `label`, images and the build cache stay: they are not looked for by it")
                ),
                .toggle("force", "f"), .toggle("volumes"), root,
            ]
        ),
        KnownCommand(
            "prune",
            docker: "docker image prune",
            [
                .toggle("all", "a", .different("also unpacked layers and cache mounts; images with names stay")),
                .option("filter", nil, .different("only `until=`")),
                .toggle("force", "f", .different("it never asks")),
                .toggle("dry-run", "n", .own),
                .option("older-than", nil, .own), .option("keep-storage", nil, .own),
                .option("max-used-space", nil, .own), .option("min-free", nil, .own),
                .option("min-free-space", nil, .own), root,
            ]
        ),
        KnownCommand("version", docker: "docker version", [.option("format", "f")]),
    ]

    /// The commands that Docker does not have.
    static let ownCommands: [KnownCommand] = [
        KnownCommand("df", [.option("format", nil, .own), .toggle("verbose", "v", .own), root]),
        KnownCommand("check", inputs + own(["format", "root"])),
        KnownCommand("explain", own(["step", "format", "root"])),
        KnownCommand("build-logs", own(["step", "root"])),
        KnownCommand("analyze", own(["depth", "max-wasted", "min-efficiency", "format", "platform", "root"])),
        KnownCommand("diff", docker: "docker diff", own(["step", "format", "platform", "root"])),
        KnownCommand(
            "ls",
            [.toggle("", "l", .own), .toggle("recursive", "R", .own), .toggle("directory", "d", .own)]
                + own(["format", "platform", "root"])
        ),
        KnownCommand("cat", own(["platform", "root"])),
        KnownCommand(
            "cp",
            docker: "docker cp",
            [
                .toggle("archive", "a"), .toggle("follow-link", "L"),
                .toggle("quiet", "q", .ignored("no progress is shown")), .option("platform", nil, .own), root,
            ]
        ),
        KnownCommand("report", own(["output", "root"], letters: ["output": "o"])),
        KnownCommand("doctor", [.toggle("repair", nil, .own)] + own(["format", "root"])),
        KnownCommand("index create", own(["annotation", "root"])),
        KnownCommand(
            "index push",
            [.toggle("quiet", "q", .own)] + compression + own(["format", "root"])
        ),
        KnownCommand("debug tables", []),
        KnownCommand("debug manual", []),
        KnownCommand("debug compatibility", []),
        KnownCommand("context ls", own(["file", "why", "format"], letters: ["file": "f"])),
    ]

    private static let contentTrust = CommandFlag.toggle(
        "disable-content-trust",
        nil,
        .ignored("content trust is not used")
    )

    private static func own(_ options: [String], letters: [String: Character] = [:]) -> [CommandFlag] {
        options.map { .option($0, letters[$0], .own) }
    }
}

extension KnownCommand {
    /// Options without letters for which the same is true.
    static func options(_ names: [String], _ support: CommandFlag.Support) -> [CommandFlag] {
        names.map { .option($0, nil, support) }
    }

    /// Switches without letters for which the same is true.
    static func toggles(_ names: [String], _ support: CommandFlag.Support) -> [CommandFlag] {
        names.map { .toggle($0, nil, support) }
    }
}
