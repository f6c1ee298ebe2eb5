public import SystemPackage

/// A service of a project: what its containers are made of.
public struct Service: Sendable {
    public let name: String
    /// What its containers are made of.
    public internal(set) var configuration: ServiceConfiguration
    public let profiles: [String]
    /// Without one, the image that is built has the name of project and service.
    public let image: String?
    public let build: BuildDefinition?
    public let platform: String?
    public let pullPolicy: ServicePullPolicy?
    /// How many containers.
    public let replicas: Int
    public let containerName: String?
    public let process: ServiceProcess
    public let networking: ServiceNetworking
    public let mounts: [ServiceMount]
    /// Mounts in memory: `path` or `path:options`.
    public let temporaryFileSystems: [String]
    /// Services or containers whose volumes it has.
    public let volumesFrom: [String]
    public let secrets: [FileReference]
    public let configs: [FileReference]
    public let dependencies: [Dependency]
    public let healthCheck: HealthCheck?
    public let restart: RestartRule
    public let stop: StopRule
    /// Run in each container once it has started, one after the other.
    public let postStart: [ServiceHook]
    /// Run in each container before it is stopped, one after the other.
    public let preStop: [ServiceHook]
    public let logging: Logging?
    public let privileges: ServicePrivileges
    public let resources: ServiceResources
    public let labels: [String: String]
    public let watch: [WatchRule]
    public let source: ServiceSource

    init(_ name: String, _ fields: Fields, _ configuration: ServiceConfiguration) {
        self.name = name
        self.configuration = configuration
        profiles = fields.strings("profiles")
        image = fields.text("image")
        build = fields.record("build").map(BuildDefinition.init)
        platform = fields.text("platform")
        pullPolicy = fields.parsed(
            "pull_policy",
            expecting: "always, missing, never, build, daily, weekly or every_12h",
            ServicePullPolicy.init
        )
        let deploy = fields.record("deploy")
        replicas = Int(clamping: fields.integer("scale") ?? deploy?.integer("replicas") ?? 1)
        containerName = fields.text("container_name")
        process = ServiceProcess(fields)
        networking = ServiceNetworking(fields)
        mounts = fields.list("volumes").compactMap(ServiceMount.init)
        temporaryFileSystems = fields.strings("tmpfs")
        volumesFrom = fields.strings("volumes_from")
        secrets = fields.list("secrets").compactMap { FileReference($0, below: "/run/secrets/") }
        configs = fields.list("configs").compactMap { FileReference($0, below: "/") }
        dependencies = fields.members("depends_on").map(Dependency.init)
        healthCheck = fields.record("healthcheck").map(HealthCheck.init)
        restart = RestartRule(fields, deploy)
        stop = StopRule(fields)
        postStart = fields.list("post_start").map(ServiceHook.init)
        preStop = fields.list("pre_stop").map(ServiceHook.init)
        logging = fields.record("logging").map { Logging(driver: $0.text("driver"), options: $0.texts("options")) }
        privileges = ServicePrivileges(fields)
        resources = ServiceResources(fields, deploy)
        labels = fields.texts("labels")
        source = ServiceSource(name: name, node: fields.node)
        watch = fields.record("develop")?.list("watch").compactMap(WatchRule.init) ?? []
    }
}

/// What runs in the containers of a service.
public struct ServiceProcess: Sendable {
    /// `nil` for the image's.
    public let command: [String]?
    public let entrypoint: [String]?
    public let environment: [String: String]
    public let workingDirectory: String?
    public let user: String?
    public let groups: [String]
    public let hasTerminal: Bool
    public let keepsInputOpen: Bool
    /// `nil` for what the program's default is.
    public let hasInit: Bool?

    init(_ fields: Fields) {
        command = fields.words("command")
        entrypoint = fields.words("entrypoint")
        environment = fields.valuesOnly("environment")
        workingDirectory = fields.text("working_dir")
        user = fields.text("user")
        groups = fields.strings("group_add")
        hasTerminal = fields.isOn("tty")
        keepsInputOpen = fields.isOn("stdin_open")
        hasInit = fields.boolean("init")
    }
}

/// Another service that has to be there first.
public struct Dependency: Sendable, Equatable {
    public enum Condition: String, Sendable {
        case started = "service_started"
        case healthy = "service_healthy"
        case completed = "service_completed_successfully"
    }

    public let service: String
    public let condition: Condition
    /// Whether this one is restarted when the other one is.
    public let restarts: Bool
    public let isRequired: Bool

    init(_ service: String, _ fields: Fields) {
        self.service = service
        condition = fields.text("condition").flatMap(Condition.init) ?? .started
        restarts = fields.isOn("restart")
        isRequired = fields.boolean("required") ?? true
    }
}

/// A secret or config in a container.
public struct FileReference: Sendable, Equatable {
    /// The name of the secret or config.
    public let source: String
    /// An absolute path.
    public let target: FilePath
    public let user: String?
    public let group: String?
    public let mode: UInt16?

    init?(_ fields: Fields, below directory: String) {
        guard let source = fields.text("source") else { return nil }
        self.source = source
        target = FilePath(directory).pushing(FilePath(fields.text("target") ?? source))
        user = fields.text("uid")
        group = fields.text("gid")
        mode = fields.mode("mode")
    }
}

/// Where the output of a service's containers is kept.
public struct Logging: Sendable, Equatable {
    public let driver: String?
    public let options: [String: String]
}
