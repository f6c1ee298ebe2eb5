internal import CommandSupport
internal import Compose
internal import Containers
internal import Distribution
internal import Glibc
internal import Images
internal import Reporting
internal import TerminalUI

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
        let run = self
        try await Signals.cancelling { try await run.converge(starts: starts, explains: explains) }
    }

    /// The same, where signals are another's.
    func converge(starts: Bool, explains: Bool = false) async throws {
        var options = try flags.planOptions(services, definition)
        options.starts = starts
        let images = try await images.ensure(definition.services)
        let lock = try project.lock()
        defer { withExtendedLifetime(lock) {} }
        try handleOrphans()
        try ProjectResources(project: project, definition: definition).create()
        let plan = try plan(images.mapValues { "\($0.image.id)" }, options)
        if explains { PlanExplanation(plan, images).print(to: STDERR_FILENO) }
        try await Convergence(
            project: project,
            definition: definition,
            images: images.mapValues(\.image),
            plan: plan,
            starts: starts,
            timeout: flags.timeout,
            renewsVolumes: flags.renewsVolumes
        ).run()
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
}
