public import ContainerNetworks
internal import FileSystem
public import OCI
public import Sandbox

/// What has become of a container: `state.json`, which its supervisor writes.
///
/// It is believed as far as the supervisor's lock says: without one nothing runs.
public struct ContainerState: Sendable, Codable {
    /// Docker's words for it.
    public enum Status: String, Sendable, Codable, CaseIterable {
        case created, running, paused, restarting, exited
        /// The supervisor was killed, and the processes with it.
        case dead

        public var isRunning: Bool { [.running, .paused, .restarting].contains(self) }
    }

    public var status = Status.created
    /// The first process, as the machine numbers it; 0 where nothing runs.
    public var processID: Int32 = 0
    /// The kernel's time at which it started, which tells it from a later process of the same number.
    public var processStart: UInt64 = 0
    /// What keeps its processes apart from the machine's, while it runs.
    public var isolation = SandboxIsolation.full
    /// The process that writes this.
    public var supervisorID: Int32?
    /// The kernel's name for the time since the machine was started, in which it was.
    public var bootID: String?
    public var started: Timestamp?
    public var finished: Timestamp?
    public var exitCode: Int32 = 0
    /// Why it could not be started; empty where it could.
    public var error = ""
    public var isOutOfMemory = false
    public var restartCount = 0
    /// Its place in each of its networks, while it runs.
    public var endpoints: [NetworkEndpoint] = []
    public var health: Health?
    /// Whether somebody has stopped it, so that it stays stopped.
    public var wasStopped = false

    public init() {}

    /// The outcome of the latest checks.
    public struct Health: Sendable, Codable {
        public enum Status: String, Sendable, Codable {
            case starting, healthy, unhealthy
        }

        public var status = Status.starting
        public var failingStreak = 0
        /// The latest five, oldest first.
        public var log: [Result] = []

        public init() {}

        public struct Result: Sendable, Codable {
            public let start: Timestamp
            public let end: Timestamp
            public let exitCode: Int32
            /// What the check wrote, at most 4096 bytes of it.
            public let output: String
        }
    }

    public var isRunning: Bool { status.isRunning }
}

extension Timestamp {
    /// This moment.
    public static var now: Timestamp { Timestamp(nanosecondsSinceEpoch: WallClock.now) }
}
