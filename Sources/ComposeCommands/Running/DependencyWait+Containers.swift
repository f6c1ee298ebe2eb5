internal import CommandSupport
internal import Containers
internal import Reporting
internal import Threads

/// What `--wait` does.
extension DependencyWait {
    /// Waits until all containers run, or are healthy where they have a health check.
    ///
    /// - Parameter seconds: `nil` for any time.
    /// - Throws: `UserError` where one does not, or it takes longer; `CancellationError` after a signal.
    func wait(for containers: [ServiceContainer], seconds: Int?) async throws {
        let wait = self
        try await Signals.cancelling {
            guard let seconds else {
                return try await ServiceGraph.forEach(containers) {
                    try await wait.waitUntilHealthy($0.container, allowsNoCheck: true)
                }
            }
            try await ServiceGraph.forEach([true, false]) { isClock in
                if isClock {
                    let end = Pause.now + Int64(seconds) * 1_000_000_000
                    while Pause.now < end {
                        if try wait.areHealthy(containers) { return }
                        try await Pause.wait(seconds: 0.05)
                    }
                    throw wait.timedOut(containers, seconds)
                }
                try await ServiceGraph.forEach(containers) {
                    try await wait.waitUntilHealthy($0.container, allowsNoCheck: true)
                }
            }
        }
        for container in containers { ProjectProgress.show(.container, container.name, "Healthy") }
    }

    private func areHealthy(_ containers: [ServiceContainer]) throws -> Bool {
        try containers.allSatisfy {
            try project.store.container($0.container.id).state.health.map { $0.status == .healthy } ?? true
        }
    }

    /// Names the containers that are not healthy, with what their last checks said.
    private func timedOut(_ containers: [ServiceContainer], _ seconds: Int) -> UserError {
        let late = containers.compactMap { container -> String? in
            guard let health = (try? project.store.container(container.container.id))?.state.health,
                health.status != .healthy
            else { return nil }
            let last = health.log.last.map { ": its last check ended with exit code \($0.exitCode): \($0.output)" }
            return "`\(container.name)` is \(health.status.rawValue)\(last ?? ", and has not been checked yet")"
        }
        return UserError("not all containers are healthy after \(seconds) s", hints: late)
    }
}
