/// When an image is pulled.
public enum ServicePullPolicy: Sendable, Equatable {
    case always, missing, never, build
    /// When the last time is longer ago, in nanoseconds.
    case every(Int64)

    init?(_ text: String) {
        let day: Int64 = 86_400_000_000_000
        switch text {
        case "always": self = .always
        case "missing", "if_not_present": self = .missing
        case "never": self = .never
        case "build": self = .build
        case "daily": self = .every(day)
        case "weekly": self = .every(7 * day)
        default:
            guard text.hasPrefix("every_"), let duration = DurationText.nanoseconds(String(text.dropFirst(6))),
                duration > 0
            else { return nil }
            self = .every(duration)
        }
    }
}

/// What happens when a container of a service ends.
public enum RestartRule: Sendable, Equatable {
    case no, always, unlessStopped
    case onFailure(atMost: Int?)

    init?(_ text: String) {
        switch text {
        case "no", "false", "none": self = .no
        case "always", "any": self = .always
        case "unless-stopped": self = .unlessStopped
        case "on-failure": self = .onFailure(atMost: nil)
        default:
            guard text.hasPrefix("on-failure:"), let count = Int(text.dropFirst(11)), count >= 0 else { return nil }
            self = .onFailure(atMost: count)
        }
    }

    init(_ fields: Fields, _ deploy: Fields?) {
        if fields.node["restart"] != nil {
            let expected = "no, always, unless-stopped, on-failure or on-failure:3"
            self = fields.parsed("restart", expecting: expected, RestartRule.init) ?? .no
        } else if let policy = deploy?.record("restart_policy") {
            switch policy.text("condition") {
            case "none": self = .no
            case "on-failure": self = .onFailure(atMost: policy.integer("max_attempts").map { Int(clamping: $0) })
            default: self = .always
            }
        } else {
            self = .no
        }
    }
}

/// How the containers of a service are stopped.
public struct StopRule: Sendable, Equatable {
    /// As it is written: `SIGINT`, `INT` or a number; `nil` for the image's.
    public let signal: String?
    /// Nanoseconds before SIGKILL; `nil` for the usual 10 seconds.
    public let gracePeriod: Int64?

    init(_ fields: Fields) {
        signal = fields.text("stop_signal")
        gracePeriod = fields.duration("stop_grace_period")
    }
}

/// How it is found out whether a container works.
public struct HealthCheck: Sendable, Equatable {
    public enum Test: Sendable, Equatable {
        case image, none
        case shell(String)
        case program([String])
    }

    public let test: Test
    /// Nanoseconds.
    public let interval: Int64?
    public let timeout: Int64?
    public let startPeriod: Int64?
    public let startInterval: Int64?
    public let retries: Int?

    init(_ fields: Fields) {
        let words = fields.words("test") ?? []
        switch words.first {
        case _ where fields.isOn("disable"): test = .none
        case "NONE": test = .none
        case "CMD-SHELL": test = .shell(words.dropFirst().joined(separator: " "))
        case "CMD": test = .program(Array(words.dropFirst()))
        default: test = .image
        }
        interval = fields.duration("interval")
        timeout = fields.duration("timeout")
        startPeriod = fields.duration("start_period")
        startInterval = fields.duration("start_interval")
        retries = fields.integer("retries").map { Int(clamping: $0) }
    }
}

/// What `watch` does when files change.
public struct WatchRule: Sendable, Equatable {
    public enum Action: String, Sendable {
        case sync, rebuild, restart
        case syncAndRestart = "sync+restart"
        case syncAndExecute = "sync+exec"
    }

    public let path: String
    public let action: Action
    /// Where the files are in the container; all actions that copy have one.
    public let target: String?
    /// The command of `sync+exec`.
    public let hook: ServiceHook?
    public let include: [String]
    public let ignore: [String]
    public let copiesFirst: Bool

    init?(_ fields: Fields) {
        guard let path = fields.text("path"), let action = fields.text("action").flatMap(Action.init) else {
            return nil
        }
        self.path = path
        self.action = action
        target = fields.text("target")
        hook = fields.record("exec").map(ServiceHook.init)
        include = fields.strings("include")
        ignore = fields.strings("ignore")
        copiesFirst = fields.isOn("initial_sync")
    }
}
