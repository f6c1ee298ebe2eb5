public import ContainerNetworks
public import ContainerRuntime
public import Layers
public import OCI

/// What was asked for when a container was created: `container.json`, which changes only when it is renamed or updated.
public struct ContainerRecord: Sendable, Codable {
    public let id: ContainerID
    public var name: ContainerName
    /// When it was created.
    public let created: Timestamp
    /// What the user called the image; empty where there is none.
    public let image: String
    /// `nil` for a stage that is not an image yet.
    public let imageID: Digest?
    public let platform: Platform
    /// The image's layers, lowest first; the container keeps them from being pruned.
    public let layers: [Layer]
    public var process: ProcessSpecification
    /// The image's configuration with what the command line changes of it, as Docker keeps it: `process` was made of it, and
    /// no longer tells an entry point from its arguments, or the image's variables from those that every container has.
    public var configuration: ImageConfiguration.Execution
    public var network: ContainerNetwork
    /// Which of its ports are reachable through the machine.
    public var publishedPorts: [PublishedPort]
    /// Whether those were all exposed ones, asked for at once.
    public var publishesAllPorts: Bool
    /// Ports that it says it serves, such as `80/tcp`, published or not.
    public var exposedPorts: [ExposedPort]
    /// What it asks about names that are not those of containers; each empty part is the machine's.
    public var resolver: ResolverConfiguration
    public var labels: [String: String]
    /// The groups that its processes have besides those of their user.
    public var addedGroups: [String]
    /// The names of the volumes among its mounts.
    public var volumes: [String]
    /// The signal that asks the process to end.
    public var stopSignal: Int32
    /// Seconds between that signal and SIGKILL.
    public var stopTimeout: Int
    public var restart: RestartPolicy
    /// Whether it is removed once it has ended.
    public var isRemovedAfterwards: Bool
    /// Whether it can change only its volumes.
    public var isRootReadOnly: Bool
    /// Kernel parameters of its namespaces, by name.
    public var kernelParameters: [String: String]
    /// Whether its standard input stays open without a client.
    public var isInteractive: Bool
    public var health: HealthCheck?
    public var log: LogLimits
    public var limits: ContainerLimits
    public var machine: MachineAccess
    /// Whether its first process is an init, and the program a child of that.
    public var usesInit: Bool
    /// The name of its NIS domain.
    public var domainName: String?
    /// What is said about it for other programs, as with OCI's runtimes.
    public var annotations: [String: String]
    /// The step of a build that has left it; `nil` where it was created by a command.
    public internal(set) var failedStep: FailedStep?

    public init(
        id: ContainerID = .random(),
        name: ContainerName,
        created: Timestamp,
        image: String,
        imageID: Digest?,
        platform: Platform,
        layers: [Layer],
        process: ProcessSpecification
    ) {
        self.id = id
        self.name = name
        self.created = created
        self.image = image
        self.imageID = imageID
        self.platform = platform
        self.layers = layers
        self.process = process
        configuration = ImageConfiguration.Execution()
        network = .host
        publishedPorts = []
        publishesAllPorts = false
        exposedPorts = []
        resolver = ResolverConfiguration()
        labels = [:]
        addedGroups = []
        volumes = []
        stopSignal = 15
        stopTimeout = 10
        restart = .no
        isRemovedAfterwards = false
        isRootReadOnly = false
        kernelParameters = [:]
        isInteractive = false
        log = LogLimits()
        limits = ContainerLimits()
        machine = MachineAccess()
        usesInit = false
        annotations = [:]
    }
}

/// How much of what a container writes is kept, as `--log-opt` has it.
public struct LogLimits: Sendable, Hashable, Codable {
    /// Bytes of one file; `nil` for no limit.
    public var fileSize: Int64?
    /// How many files there are, the one that is written among them.
    public var fileCount = 1

    public init() {}
}

/// What a container may use of the machine; `nil` is no limit.
public struct ContainerLimits: Sendable, Hashable, Codable {
    /// Bytes.
    public var memory: Int64?
    /// Bytes of memory and swap together; -1 for no limit.
    public var memoryAndSwap: Int64?
    /// Bytes that are left to it when memory gets short.
    public var memoryReservation: Int64?
    /// Billionths of a processor, as `--cpus` has it.
    public var nanoCPUs: Int64?
    /// The processors it may run on, such as `0-2,7`.
    public var processors: String?
    /// Microseconds of processor time in each period; -1 for no limit.
    public var processorQuota: Int64?
    /// Microseconds; the kernel's 100,000 where it is `nil`.
    public var processorPeriod: Int64?
    /// The share of the time that several compete for; 1024 is usual.
    public var processorShares: Int64?
    /// The memory nodes that it may use, such as `0-1`.
    public var memoryNodes: String?
    public var processes: Int64?

    public init() {}

    public var isEmpty: Bool { self == ContainerLimits() }
}

/// How a container tells whether it works, as HEALTHCHECK has it.
public struct HealthCheck: Sendable, Hashable, Codable {
    public var command: [String]
    /// Nanoseconds between the end of one check and the start of the next.
    public var interval: Int64 = 30_000_000_000
    /// Nanoseconds after which a check has failed.
    public var timeout: Int64 = 30_000_000_000
    /// Nanoseconds in which failures do not count.
    public var startPeriod: Int64 = 0
    /// Nanoseconds between checks in that time.
    public var startInterval: Int64 = 5_000_000_000
    /// How many failures in a row it takes.
    public var retries = 3

    public init(command: [String]) { self.command = command }
}
