public import ContainerNetworks

/// Why something could not be done with a container.
public enum ContainerStoreError: Error, Sendable, CustomStringConvertible {
    case notFound(String)
    case ambiguous(String, count: Int)
    case invalidName(String)
    case nameInUse(ContainerName, by: ContainerID)
    case invalidSetting(String, String, reason: String)
    case running(ContainerName)
    case notRunning(ContainerName)
    /// Somebody copies from or to it.
    case filesInUse(ContainerName)
    case notPaused(ContainerName)
    case paused(ContainerName)
    /// The process could not be started; with Docker's exit code.
    case notStarted(String, exitCode: Int32)
    case unsupported(String)
    case damaged(ContainerID, reason: String)
    case supervisorGone(ContainerName)
    /// Its network is the machine's, none, or another container's.
    case sharesNetwork(ContainerName)
    /// Its network was to be that of another container.
    case notRunningToShare(String, ContainerName)
    /// Waiting for it to be healthy was in vain.
    case neverHealthy(ContainerName, hasCheck: Bool)
    case noVolume(String)
    case volumeInUse(String, by: ContainerName)

    public var description: String {
        switch self {
        case .notFound(let name): "there is no container `\(name)`"
        case .ambiguous(let id, let count): "`\(id)` is the beginning of \(count) container IDs"
        case .invalidName(let name):
            "invalid container name `\(name)`: expected at least two of the characters a-z, A-Z, 0-9, `_`, `.` and `-`, "
                + "the first a letter or digit"
        case .nameInUse(let name, let id): "the name `\(name)` is in use by the container \(id.short)"
        case .invalidSetting(let option, let value, let reason): "\(option): invalid value `\(value)`: \(reason)"
        case .running(let name): "the container `\(name)` is running"
        case .notRunning(let name): "the container `\(name)` is not running"
        case .filesInUse(let name): "the files of the container `\(name)` are being copied"
        case .notPaused(let name): "the container `\(name)` is not paused"
        case .paused(let name): "the container `\(name)` is paused"
        case .notStarted(let reason, _): reason
        case .unsupported(let reason): reason
        case .sharesNetwork(let name):
            "the container `\(name)` has no network of its own; `--network` decides that when it is created"
        case .notRunningToShare(let what, let name):
            "cannot share the \(what) of the container `\(name)`, which is not running"
        case .damaged(let id, let reason):
            "the record of the container \(id.short) is damaged: \(reason); `rm -f \(id.short)` removes it"
        case .neverHealthy(let name, true): "the container `\(name)` ended without having been healthy"
        case .neverHealthy(let name, false): "the container `\(name)` has no health check"
        case .noVolume(let name): "there is no volume `\(name)`"
        case .volumeInUse(let name, let container): "the volume `\(name)` is in use by the container `\(container)`"
        case .supervisorGone(let name): "the supervisor of the container `\(name)` ended unexpectedly"
        }
    }
}
