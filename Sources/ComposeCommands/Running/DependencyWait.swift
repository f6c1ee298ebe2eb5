internal import Compose
internal import Containers
internal import Reporting
internal import Threads

/// Waits for what `depends_on` asks for.
struct DependencyWait: Sendable {
    let project: ComposeProject
    /// `nil` where there is no Compose file.
    let definition: Project?

    /// Waits until all conditions of a service are met.
    ///
    /// - Throws: `UserError` once one cannot be met any more, unless it is not required.
    func wait(for service: Service) async throws {
        for dependency in service.dependencies where definition?[service: dependency.service] != nil {
            do {
                try await wait(for: dependency)
            } catch let error as UserError where !dependency.isRequired {
                ProjectProgress.warn("\(error.message); `\(service.name)` is started without it")
            }
        }
    }

    private func wait(for dependency: Dependency) async throws {
        let name = dependency.service
        switch dependency.condition {
        case .started: return
        case .healthy:
            for container in try project.containers(of: [name]) { try await waitUntilHealthy(container.container) }
        case .completed:
            for container in try project.containers(of: [name]) {
                let code = try await waitForEnd(container.container)
                guard code == 0 else {
                    throw UserError("the service `\(name)` did not complete successfully: exit code \(code)")
                }
            }
        }
    }

    /// Waits until a container is healthy.
    ///
    /// - Parameter allowsNoCheck: Whether one without a health check only has to run.
    /// - Throws: `UserError` with the output of the last check, or where it has ended.
    func waitUntilHealthy(_ container: Container, allowsNoCheck: Bool = false) async throws {
        let name = container.record.name
        while true {
            let state = try project.store.container(container.id).state
            guard state.isRunning else {
                throw UserError(
                    "the container `\(name)` has ended with exit code \(state.exitCode)",
                    hints: ["`swiftbuild logs \(name)` shows its output"]
                )
            }
            guard let health = state.health else {
                if allowsNoCheck { return }
                throw UserError("the container `\(name)` has no health check, and another service waits for it")
            }
            switch health.status {
            case .healthy: return
            case .starting: try await Pause.wait(seconds: 0.02)
            case .unhealthy:
                let last = health.log.last
                throw UserError(
                    "the container `\(name)` is unhealthy",
                    hints: last.map { ["its health check ended with exit code \($0.exitCode): \($0.output)"] } ?? []
                )
            }
        }
    }

    private func waitForEnd(_ container: Container) async throws -> Int32 {
        while true {
            let state = try project.store.container(container.id).state
            if !state.isRunning, state.status != .created { return state.exitCode }
            try await Pause.wait(seconds: 0.02)
        }
    }
}
