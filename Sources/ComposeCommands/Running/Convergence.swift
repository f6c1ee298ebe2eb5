internal import Compose
internal import ContainerCommands
internal import ContainerNetworks
internal import Containers
internal import Distribution
internal import Glibc
internal import Images
internal import Reporting
internal import Synchronization

/// Makes the containers of a project what its file says, by a plan.
struct Convergence: Sendable {
    let project: ComposeProject
    let definition: Project
    let images: [String: ResolvedImage]
    let plan: ProjectPlan
    /// Whether containers are to run.
    var starts = true
    /// Seconds before containers that are replaced are killed; `nil` for what they say themselves.
    var timeout: Int?
    /// Whether anonymous volumes of containers that are replaced are made anew.
    var renewsVolumes = false
    /// How names are put together: `-`, or `_` with `--compatibility`.
    var separator = "-"

    /// Makes all containers before it starts the first: a port may move from one service to another.
    ///
    /// - Throws: `UserError`, `ContainerStoreError`, `CancellationError`, and errors of the store.
    func run() async throws {
        let plans = Dictionary(plan.services.map { ($0.service.name, $0) }) { $1 }
        let graph = ServiceGraph(
            plans.mapValues { Set($0.service.dependencies.map(\.service) + $0.service.sharedServices) }
        )
        let ready = Ready()
        try await graph.run { name in
            guard let (service, plan) = plans[name] else { return }
            ready[name] = try await make(service, plan)
        }
        guard starts else { return }
        let wait = DependencyWait(project: project, definition: definition)
        try await graph.run { name in
            guard let (service, _) = plans[name], let containers = ready[name], !containers.isEmpty else { return }
            try await wait.wait(for: service)
            try await ServiceGraph.forEach(containers) { container in
                do {
                    try await life.start(container)
                } catch let error as UserError {
                    throw CreationFailure.located(start: error, in: service)
                }
                ProjectProgress.show(.container, "\(container.record.name)", "Started")
            }
        }
    }

    /// The containers that are to be started, by service.
    private final class Ready: Sendable {
        private let containers = Mutex<[String: [Container]]>([:])

        subscript(service: String) -> [Container]? {
            get { containers.withLock { $0[service] } }
            set { containers.withLock { $0[service] = newValue } }
        }
    }

    /// Does all steps of a plan but starting containers.
    ///
    /// - Returns: The containers to start.
    private func make(_ service: Service, _ plan: ServicePlan) async throws -> [Container] {
        var ready: [Container] = []
        for case .remove(let container, _) in plan.steps { try await remove(container) }
        for step in plan.steps {
            try Task.checkCancellation()
            switch step {
            case .remove: break
            case .keep(let existing):
                try finishReplacing(existing, service)
                if starts { ProjectProgress.show(.container, existing.name, "Running") }
            case .start(let existing):
                try finishReplacing(existing, service)
                ready.append(try project.store.find(existing.id))
            case .restart(let existing, _):
                let container = try project.store.find(existing.id)
                try await life.stop(container, timeout: timeout)
                ready.append(container)
            case .create(let number):
                let name = name(service, number)
                ready.append(try await create(service, number, named: name))
                ProjectProgress.show(.container, name, "Created")
            case .replace(let existing, _): ready.append(try await replace(existing, service))
            }
        }
        return ready
    }

    private func name(_ service: Service, _ number: Int) -> String {
        service.containerName ?? [definition.name.text, service.name, "\(number)"].joined(separator: separator)
    }

    // MARK: Creating

    private func create(
        _ service: Service,
        _ number: Int,
        named name: String,
        _ change: (inout NewContainer) throws -> Void = { _ in }
    ) async throws -> Container {
        guard let image = images[service.name] else { throw UserError("the service `\(service.name)` has no image") }
        let recipe = ServiceRecipe(project: project, definition: definition, service: service, image: image)
        do {
            var new = try recipe.container(named: name, number: number)
            try change(&new)
            return try await new.create(of: image, in: project.images)
        } catch {
            throw CreationFailure.located(error, in: service)
        }
    }

    /// Creates the container that takes the place of one, which stays until there is the new one.
    private func replace(_ old: ExistingContainer, _ service: Service) async throws -> Container {
        let existing = try project.store.find(old.id)
        let name = name(service, old.number)
        let mounts = renewsVolumes ? [] : try existing.anonymousVolumes(project.images.layers)
        let new = try await create(service, old.number, named: "\(existing.id.short)_\(name)") { new in
            let kept = Set(mounts.map(\.target))
            new.mounts.removeAll { $0.isAnonymousVolume && kept.contains($0.target) }
            let taken = Set(new.mounts.map(\.target))
            new.mounts += mounts.filter { !taken.contains($0.target) }
        }
        do {
            try await life.stop(existing, timeout: timeout)
            try project.store.remove(existing, waiting: 10)
        } catch {
            try? project.store.remove(new)
            throw error
        }
        try project.store.rename(new.id, to: try ContainerName(name))
        ProjectProgress.show(.container, name, "Recreated")
        return try project.store.container(new.id)
    }

    /// Gives a container its name that was to take the place of another one when the command that made it was killed.
    private func finishReplacing(_ existing: ExistingContainer, _ service: Service) throws {
        let name = name(service, existing.number)
        guard existing.name.hasSuffix("_\(name)"), existing.name.utf8.count == name.utf8.count + 13 else { return }
        let container = try project.store.find(existing.id)
        try project.store.rename(container.id, to: try ContainerName(name))
    }

    // MARK: Others

    private var life: ContainerLife { ContainerLife(project: project) }

    private func remove(_ existing: ExistingContainer) async throws {
        let container = try project.store.find(existing.id)
        try await life.stop(container, timeout: timeout)
        try project.store.remove(container, waiting: 10)
        ProjectProgress.show(.container, existing.name, "Removed")
    }
}
