extension KnownCommand {
    /// Those of `docker build`, of `docker buildx build`, and our own.
    static let build: [CommandFlag] =
        [
            .option("annotation", nil, .different("for the manifest and its descriptor")),
            .option("attest", nil, .different("only to disable attestations, which are not supported")),
            .option("builder", nil, .missing("there are no builders to choose from")),
            .option("cache-from", nil, .different("type=registry and type=local")),
            .option("cache-to", nil, .different("type=registry and type=local")),
            .option("call", nil, .different("build and check")),
            .toggle("check"),
            .toggle("compress", nil, .ignored("the context is not sent")),
            .option("cpu-shares", "c", limit),
            .toggle("debug", "D", .missing("`--progress plain` and `--explain` show more")),
            .toggle("disable-content-trust", nil, .ignored("content trust is not used")),
            .toggle("force-rm", nil, .ignored("only the latest 3 steps that failed leave containers")),
            .option("isolation", nil, .different("how processes are separated: [unprivileged](unprivileged.md)")),
            .toggle("load", nil, .ignored("an image always goes to the store")),
            .option("memory", "m", limit),
            .toggle("no-cache"),
            .option("output", "o", .different("types oci, docker, tar and local")),
            .option("provenance", nil, .different("only `false`: attestations are not supported")),
            .option("pull", implying: "always", .different("also `--pull=missing` and `--pull=never`")),
            .toggle("push"),
            .toggle("quiet", "q"),
            .toggle("rm", nil, .ignored("there are no intermediate containers")),
            .option("sbom", nil, .different("only `false`: attestations are not supported")),
            .option("security-opt", nil, .different("accepted without effect")),
            .toggle(
                "squash",
                nil,
                .missing("layers are not squashed; a stage that copies from the others has the same effect")
            ),
            .option("tag", "t"),
            root,
            .toggle("expect-cached", nil, .own),
            .toggle("explain", nil, .own),
        ]
        + options(
            [
                "add-host", "allow", "build-context", "iidfile", "label", "metadata-file", "network",
                "no-cache-filter", "progress", "secret", "shm-size", "ssh", "ulimit",
            ],
            .same
        )
        + options(
            ["cgroup-parent", "cpu-period", "cpu-quota", "cpuset-cpus", "cpuset-mems", "memory-swap", "resource"],
            limit
        )
        + options(["build-arg-file", "image-format", "jobs", "on-error", "source-date-epoch", "timestamp"], .own)
        + inputs + compression

    /// What a build and a check are of.
    static let inputs: [CommandFlag] = [
        .option("file", "f"), .option("target"), .option("build-arg"),
        .option("platform", nil, .different("one platform")),
    ]

    /// How layers are sent to registries.
    static let compression =
        options(["compression", "compression-level"], .own) + [.toggle("force-compression", nil, .own)]

    private static let limit = CommandFlag.Support.different("accepted without effect, with a note")
}
