/// Whether a container that ended is started again, as `--restart` has it.
public enum RestartPolicy: Sendable, Hashable, Codable, CustomStringConvertible {
    case no
    /// Only after a failure; at most so many times in a row, 0 for any number.
    case onFailure(limit: Int)
    case always
    /// Always, but not after a reboot when it was stopped before.
    case unlessStopped

    /// Parses `no`, `on-failure[:N]`, `always` or `unless-stopped`.
    ///
    /// - Throws: `ContainerStoreError.invalidSetting`.
    public init(parsing text: String) throws(ContainerStoreError) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        switch (parts[0], parts.count == 2 ? Int(parts[1]) : nil, parts.count) {
        case ("no", _, 1), ("", _, 1): self = .no
        case ("always", _, 1): self = .always
        case ("unless-stopped", _, 1): self = .unlessStopped
        case ("on-failure", _, 1): self = .onFailure(limit: 0)
        case ("on-failure", let limit?, 2) where limit >= 0: self = .onFailure(limit: limit)
        default:
            throw .invalidSetting(
                "--restart",
                text,
                reason: "expected `no`, `on-failure[:N]`, `always` or `unless-stopped`"
            )
        }
    }

    public var description: String {
        switch self {
        case .no: "no"
        case .onFailure(let limit): limit == 0 ? "on-failure" : "on-failure:\(limit)"
        case .always: "always"
        case .unlessStopped: "unless-stopped"
        }
    }

    /// Whether a container is started again that ended on its own.
    func restarts(afterExitCode code: Int32, count: Int) -> Bool {
        switch self {
        case .no: false
        case .onFailure(let limit): code != 0 && (limit == 0 || count < limit)
        case .always, .unlessStopped: true
        }
    }
}
