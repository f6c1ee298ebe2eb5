internal import Containers
internal import Images
internal import Reporting

/// Stops and removes containers, those that need others before those.
struct ProjectStop: Sendable {
    let project: ComposeProject
    /// Seconds before a container is killed; `nil` for what it says itself.
    var timeout: Int?

    func stop(_ containers: [ServiceContainer]) async throws {
        try await inOrder(containers.filter(\.isRunning)) { container in
            try await ContainerLife(project: project).stop(container.container, timeout: timeout)
            ProjectProgress.show(.container, container.name, "Stopped")
        }
    }

    /// Stops and removes containers.
    ///
    /// - Parameter removesVolumes: Whether their anonymous volumes are removed too.
    func remove(_ containers: [ServiceContainer], removesVolumes: Bool = false) async throws {
        try await inOrder(containers) { container in
            if container.isRunning {
                try await ContainerLife(project: project).stop(container.container, timeout: timeout)
            }
            do {
                try project.store.remove(container.container, waiting: 10)
            } catch ContainerStoreError.notFound {
                // It removes itself, or another command was faster.
            }
            if removesVolumes {
                try VolumeStore(project.images.layers).removeAnonymous(
                    of: container.container,
                    containers: project.store
                )
            }
            ProjectProgress.show(.container, container.name, "Removed")
        }
    }

    /// Those of one service, and of services that do not need each other, at once.
    func inOrder(
        _ containers: [ServiceContainer],
        reversed: Bool = true,
        _ body: @escaping @Sendable (ServiceContainer) async throws -> Void
    ) async throws {
        let byService = Dictionary(grouping: containers, by: \.service)
        let graph = project.graph(containers)
        try await (reversed ? graph.reversed : graph).run { service in
            try await ServiceGraph.forEach(byService[service] ?? [], body)
        }
    }
}
