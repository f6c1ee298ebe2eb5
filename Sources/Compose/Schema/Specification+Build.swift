extension Specification {
    static let build = Record(
        keptEmpty: true,
        [
            Field("context", .string),
            Field("dockerfile", .string),
            Field("dockerfile_inline", .string),
            Field("entitlements", .list(.string, .none), .ignored("steps have no entitlements to ask for")),
            Field("args", .pairs(hasNull: true)),
            Field("provenance", .text),
            Field("sbom", .text),
            Field("ssh", .short(.ssh, .list(.string, .name))),
            Field("labels", .pairs(hasNull: false)),
            Field("cache_from", .list(.string, .none)),
            Field("cache_to", .list(.string, .none)),
            Field("no_cache", .boolean),
            Field("no_cache_filter", .strings(.none)),
            Field("additional_contexts", .pairs(hasNull: false)),
            Field("pull", .boolean),
            Field("extra_hosts", .short(.extraHosts, .list(.string, .whole))),
            Field("isolation", .string, .ignored("only Windows has a choice")),
            Field("network", .string),
            Field("target", .string),
            Field("secrets", .list(.short(.fileReference, .record(buildSecret)), .mount(""))),
            Field("shm_size", .bytes),
            Field("tags", .list(.string, .whole)),
            Field("ulimits", .map(.anyOf(.signed, .anything))),
            Field("platforms", .list(.string, .whole)),
            Field("privileged", .boolean, .missing("RUN has no more rights than a container")),
        ]
    )

    private static let ofMount = Field.Support.ignored("`RUN --mount=type=secret` decides about owner and mode")

    private static let buildSecret = Record([
        Field("source", .string), Field("target", .string), Field("uid", .text, ofMount), Field("gid", .text, ofMount),
        Field("mode", .fileMode, ofMount),
    ])

    static let develop = Record(keptEmpty: true, [Field("watch", .list(.record(watch), .none))])

    static let watch = Record(
        required: ["path", "action"],
        [
            Field("path", .string),
            Field("action", .choice(["sync", "rebuild", "restart", "sync+restart", "sync+exec"])),
            Field("target", .string),
            Field("exec", .record(hook)),
            Field("include", .strings(.none)), Field("ignore", .strings(.none)),
            Field("initial_sync", .boolean),
        ]
    )

    static let hook = Record(
        required: ["command"],
        [
            Field("command", .command, merge: .replace, keepsZero: true),
            Field("user", .text), Field("privileged", .boolean), Field("working_dir", .string),
            Field("environment", .pairs(hasNull: true)),
        ]
    )
}
