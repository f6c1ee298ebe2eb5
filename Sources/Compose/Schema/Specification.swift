/// The Compose specification as tables (schema/compose-spec.json of compose-spec, and Docker's order of fields).
enum Specification {
    static let project = Record([
        Field("version", .text),
        Field("name", .string),
        Field("include", .list(.short(.include, .record(include)), .none), merge: .replace),
        Field("services", .map(.record(service))),
        Field("networks", .map(.short(.resource, .record(network)))),
        Field("volumes", .map(.short(.resource, .record(volume)))),
        Field("secrets", .map(.short(.resource, .record(secret)))),
        Field("configs", .map(.short(.resource, .record(configuration)))),
        Field("models", .anything, .missing("language models are not run here")),
    ])

    static let include = Record(
        required: ["path"],
        [
            Field("path", .strings(.none)), Field("project_directory", .string), Field("env_file", .strings(.none)),
        ]
    )

    static let extends = Record(required: ["service"], [Field("service", .string), Field("file", .string)])

    static let network = Record([
        Field("name", .string),
        Field("driver", .choice(["bridge", "default"])),
        Field("driver_opts", .map(.text), .ignored("bridges have no options here")),
        Field(
            "ipam",
            .record(
                Record([
                    Field("driver", .choice(["default"])),
                    Field("config", .list(.record(pool), .field("subnet"))),
                    Field("options", .map(.text), .ignored("there is one way of giving addresses")),
                ])
            )
        ),
        Field("external", .boolean),
        Field("internal", .boolean),
        Field("attachable", .boolean, .ignored("only swarms have it")),
        Field("labels", .pairs(hasNull: false)),
        Field("enable_ipv4", .boolean, keepsZero: true),
        Field("enable_ipv6", .boolean, .ignored("networks have IPv4 only"), keepsZero: true),
    ])

    private static let pool = Record(
        keptEmpty: true,
        [
            Field("subnet", .string), Field("gateway", .string), Field("ip_range", .string),
            Field("aux_addresses", .map(.string), .missing("a network gives its addresses one by one")),
        ]
    )

    static let volume = Record([
        Field("name", .string),
        Field("driver", .choice(["local"])),
        Field("driver_opts", .map(.text), .missing("volumes are directories of the store; mount a directory instead")),
        Field("external", .boolean),
        Field("labels", .pairs(hasNull: false)),
    ])

    static let secret = Record([
        Field("name", .string), Field("file", .string), Field("environment", .string),
        Field("external", .boolean, .missing("secrets come from files and variables")),
        Field("labels", .pairs(hasNull: false), .ignored("secrets are files")),
        Field("driver", .string, .missing("secrets come from files and variables")),
        Field("driver_opts", .map(.text), .missing("secrets come from files and variables")),
        Field("template_driver", .string, .missing("only swarms have it")),
    ])

    static let configuration = Record([
        Field("name", .string), Field("file", .string), Field("environment", .string), Field("content", .string),
        Field("external", .boolean, .missing("configs come from files, variables and `content`")),
        Field("labels", .pairs(hasNull: false), .ignored("configs are files")),
        Field("template_driver", .string, .missing("only swarms have it")),
    ])
}
