internal import CommandSupport
internal import Compose
internal import Containers
internal import Distribution
internal import Glibc
internal import Images
internal import Reporting
internal import TerminalUI
internal import Threads

/// What `up`, `create`, `run` and `scale` have in common: images, networks and volumes are made, then containers.
struct ProjectRun: Sendable {
    let project: ComposeProject
    let definition: Project
    let flags: CreationFlags
    let images: ProjectImages
    /// Those that are asked for; empty for all.
    let services: [String]

    init(
        _ project: ComposeProject,
        _ definition: Project,
        _ flags: CreationFlags,
        _ compose: ComposeFlags,
        in store: StoreLocation,
        services: [String],
        explains: Bool = false
    ) {
        (self.project, self.definition, self.flags, self.services) = (project, definition, flags, services)
        images = ProjectImages(
            definition: definition,
            store: store,
            policy: flags.imagePolicy(explains: explains),
            progress: flags.renderer(compose)
        )
    }

    /// Makes everything that the plan says, and starts it.
    ///
    /// A signal cancels it; what was made by then stays.
    func create(starts: Bool, explains: Bool = false) async throws {
        var options = try flags.planOptions(services, definition)
        options.starts = starts
        let planOptions = options
        let run = self
        try await Signals.cancelling {
            let images = try await run.images.ensure(run.definition.services)
            let lock = try run.project.lock()
            defer { withExtendedLifetime(lock) {} }
            try run.handleOrphans()
            try ProjectResources(project: run.project, definition: run.definition).create()
            let plan = try run.plan(images.mapValues { "\($0.image.id)" }, planOptions)
            if explains { PlanExplanation(plan, images).print(to: STDERR_FILENO) }
            try await Convergence(
                project: run.project,
                definition: run.definition,
                images: images.mapValues(\.image),
                plan: plan,
                starts: starts,
                timeout: run.flags.timeout,
                renewsVolumes: run.flags.renewsVolumes
            ).run()
        }
    }

    /// - Parameter images: The IDs of the services' images; where there is none, it is not looked at.
    func plan(_ images: [String: String], _ options: ProjectPlan.Options) throws -> ProjectPlan {
        let existing = Dictionary(grouping: try project.containers().filter { !$0.isOneOff }, by: \.service)
        return ProjectPlan(definition, existing: existing.mapValues { $0.map(\.existing) }, images: images, options)
    }

    private func handleOrphans() throws {
        let orphans = try project.containers().filter {
            !$0.isOneOff && !definition.declaredServices.contains($0.service)
        }
        guard !orphans.isEmpty else { return }
        guard flags.removesOrphans else {
            let names = orphans.map { "`\($0.name)`" }.joined(separator: ", ")
            ProjectProgress.warn(
                "containers of services that are not in the Compose file: \(names); `--remove-orphans` removes them"
            )
            return
        }
        for orphan in orphans {
            try orphan.container.stop(timeout: flags.timeout)
            try project.store.remove(orphan.container, waiting: 10)
            ProjectProgress.show(.container, orphan.name, "Removed")
        }
    }

    /// Waits until all containers run, or are healthy where they have a health check.
    ///
    /// - Throws: `UserError` where one does not, or it takes longer.
    func wait(seconds: Int?) async throws {
        let run = self
        let containers = try project.containers(of: definition.services.map(\.name))
        try await Signals.cancelling {
            let wait = DependencyWait(project: run.project, definition: run.definition)
            guard let seconds else {
                return try await ServiceGraph.forEach(containers) {
                    try await wait.waitUntilHealthy($0.container, allowsNoCheck: true)
                }
            }
            try await ServiceGraph.forEach([true, false]) { isClock in
                if isClock {
                    let end = Pause.now + Int64(seconds) * 1_000_000_000
                    while Pause.now < end {
                        if try run.areHealthy(containers) { return }
                        try await Pause.wait(seconds: 0.05)
                    }
                    throw run.timedOut(containers, seconds)
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
