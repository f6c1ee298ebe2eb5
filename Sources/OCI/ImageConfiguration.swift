/// The configuration of an image (config.md), with the fields that Docker adds to it.
///
/// Its canonical JSON's SHA-256 is the image ID. BuildKit writes the Docker fields into OCI images too, and so do we:
/// `HEALTHCHECK`, `ONBUILD` and `SHELL` would be lost otherwise.
public struct ImageConfiguration: Sendable, Hashable, Codable {
    /// RFC 3339, UTC.
    public var created: Timestamp?
    public var author: String?
    public var architecture: String
    public var os: String
    public var osVersion: String?
    /// What the operating system must offer; nothing here asks for it, but images built on this one keep it.
    public var osFeatures: [String]?
    public var variant: String?
    public var config: Execution
    public var rootfs: RootFilesystem
    public var history: [HistoryEntry]

    enum CodingKeys: String, CodingKey {
        case created, author, architecture, os, variant, config, rootfs, history
        case osVersion = "os.version", osFeatures = "os.features"
    }

    public init(platform: Platform) {
        architecture = platform.architecture
        os = platform.os
        variant = platform.variant
        config = Execution()
        rootfs = RootFilesystem()
        history = []
    }

    /// Decodes leniently: everything that a base image may leave out has an empty value.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        created = try container.decodeIfPresent(Timestamp.self, forKey: .created)?.ifValid
        author = try container.decodeIfPresent(String.self, forKey: .author)
        architecture = try container.decodeIfPresent(String.self, forKey: .architecture) ?? Platform.host.architecture
        os = try container.decodeIfPresent(String.self, forKey: .os) ?? "linux"
        osVersion = try container.decodeIfPresent(String.self, forKey: .osVersion)
        osFeatures = try container.decodeIfPresent([String].self, forKey: .osFeatures)
        variant = try container.decodeIfPresent(String.self, forKey: .variant)
        config = try container.decodeIfPresent(Execution.self, forKey: .config) ?? Execution()
        rootfs = try container.decodeIfPresent(RootFilesystem.self, forKey: .rootfs) ?? RootFilesystem()
        history = try container.decodeIfPresent([HistoryEntry].self, forKey: .history) ?? []
    }

    public var platform: Platform { Platform(os: os, architecture: architecture, variant: variant) }

    /// The search path of images that set none.
    public static let defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    /// How a container of the image runs; `nil` and missing mean the same.
    public struct Execution: Sendable, Hashable, Codable {
        public var user: String?
        /// `"80/tcp": {}`.
        public var exposedPorts: [String: EmptyObject]?
        /// `NAME=value`, in the order in which the names were first set.
        public var env: [String]?
        public var entrypoint: [String]?
        public var cmd: [String]?
        public var volumes: [String: EmptyObject]?
        public var workingDir: String?
        public var labels: [String: String]?
        public var stopSignal: String?
        /// Docker: `Cmd` is one shell command that is not to be escaped again.
        public var argsEscaped: Bool?
        public var healthcheck: Healthcheck?
        /// Docker: trigger instructions for a build from this image.
        public var onBuild: [String]?
        public var shell: [String]?
        /// Seconds.
        public var stopTimeout: Int?
        public var hostname: String?
        public var domainname: String?

        enum CodingKeys: String, CodingKey {
            case user = "User", exposedPorts = "ExposedPorts", env = "Env", entrypoint = "Entrypoint", cmd = "Cmd"
            case volumes = "Volumes", workingDir = "WorkingDir", labels = "Labels", stopSignal = "StopSignal"
            case argsEscaped = "ArgsEscaped", healthcheck = "Healthcheck", onBuild = "OnBuild", shell = "Shell"
            case stopTimeout = "StopTimeout", hostname = "Hostname", domainname = "Domainname"
        }

        public init() {}
    }

    /// Docker's health check; durations in nanoseconds, 0 or `nil` is Docker's default.
    public struct Healthcheck: Sendable, Hashable, Codable {
        /// `["NONE"]`, `["CMD", argument…]` or `["CMD-SHELL", command]`.
        public var test: [String]?
        public var interval: Int64?
        public var timeout: Int64?
        public var startPeriod: Int64?
        public var startInterval: Int64?
        public var retries: Int?

        enum CodingKeys: String, CodingKey {
            case test = "Test", interval = "Interval", timeout = "Timeout", startPeriod = "StartPeriod"
            case startInterval = "StartInterval", retries = "Retries"
        }

        public init(
            test: [String]?,
            interval: Int64? = nil,
            timeout: Int64? = nil,
            startPeriod: Int64? = nil,
            startInterval: Int64? = nil,
            retries: Int? = nil
        ) {
            self.test = test
            self.interval = interval
            self.timeout = timeout
            self.startPeriod = startPeriod
            self.startInterval = startInterval
            self.retries = retries
        }
    }

    /// The digests of the uncompressed layers, lowest first.
    public struct RootFilesystem: Sendable, Hashable, Codable {
        public var type = "layers"
        public var diffIDs: [Digest]

        enum CodingKeys: String, CodingKey {
            case type
            case diffIDs = "diff_ids"
        }

        public init(diffIDs: [Digest] = []) { self.diffIDs = diffIDs }

        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            diffIDs = try container.decodeIfPresent([Digest].self, forKey: .diffIDs) ?? []
        }
    }

    /// One instruction of the build; those with `emptyLayer` have no layer.
    public struct HistoryEntry: Sendable, Hashable, Codable {
        public var created: Timestamp?
        public var createdBy: String?
        public var author: String?
        public var comment: String?
        public var emptyLayer: Bool?

        enum CodingKeys: String, CodingKey {
            case created, author, comment
            case createdBy = "created_by"
            case emptyLayer = "empty_layer"
        }

        public init(
            created: Timestamp?,
            createdBy: String?,
            author: String? = nil,
            comment: String? = nil,
            emptyLayer: Bool? = nil
        ) {
            self.created = created
            self.createdBy = createdBy
            self.author = author
            self.comment = comment
            self.emptyLayer = emptyLayer
        }

        public init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            created = try container.decodeIfPresent(Timestamp.self, forKey: .created)?.ifValid
            createdBy = try container.decodeIfPresent(String.self, forKey: .createdBy)
            author = try container.decodeIfPresent(String.self, forKey: .author)
            comment = try container.decodeIfPresent(String.self, forKey: .comment)
            emptyLayer = try container.decodeIfPresent(Bool.self, forKey: .emptyLayer)
        }
    }

    /// The JSON object `{}`.
    public struct EmptyObject: Sendable, Hashable, Codable {
        public init() {}
    }
}
