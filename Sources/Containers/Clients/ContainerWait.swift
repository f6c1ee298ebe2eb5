internal import Glibc

/// What `wait` waits for.
public enum WaitCondition: String, Sendable, CaseIterable {
    /// The container does not run, which is so before its first start, too.
    case notRunning = "not-running"
    /// It has ended and was removed.
    case removed
    /// Its health check has succeeded.
    case healthy
}

extension Container {
    /// Waits until something is true of the container.
    ///
    /// - Returns: The exit code; 0 where it runs and is healthy.
    /// - Throws: `ContainerStoreError.neverHealthy`.
    public func wait(for condition: WaitCondition) throws -> Int32 {
        switch condition {
        case .notRunning: return try wait()
        case .removed:
            let code = (try? wait()) ?? 0
            while current != nil { WaitCondition.pause() }
            return code
        case .healthy:
            while let container = current, container.state.isRunning, let health = container.state.health {
                if health.status == .healthy { return 0 }
                WaitCondition.pause()
            }
            throw ContainerStoreError.neverHealthy(record.name, hasCheck: record.health != nil)
        }
    }

    /// What has become of it; `nil` where it was removed.
    private var current: Container? { try? store.container(id) }
}

extension WaitCondition {
    /// Nothing tells of a change of health or of a directory that is gone, but reading the state costs little.
    fileprivate static func pause() { usleep(20_000) }
}
