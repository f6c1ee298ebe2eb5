internal import CommandSupport
internal import Compose
internal import Distribution
internal import Glibc
internal import Images
internal import OCI
internal import Reporting
internal import TerminalUI

/// Gets the images of a project's services: builds them, pulls them, or finds them in the store.
struct ServiceImages: Sendable {
    let project: Project
    let location: StoreLocation
    let images: ImageStore
    let policy: ServiceImagePolicy
    /// Shows what is built and pulled; the caller finishes it.
    let progress: any ProgressRenderer

    /// - Throws: `UserError` where the store cannot be opened.
    init(
        _ project: Project,
        in location: StoreLocation,
        _ policy: ServiceImagePolicy = ServiceImagePolicy(),
        progress: any ProgressRenderer
    ) throws {
        (self.project, self.location, self.policy, self.progress) = (project, location, policy, progress)
        images = try location.open()
    }

    /// Builds and pulls at the same time what does not need each other.
    ///
    /// - Returns: The image of each service, by name.
    /// - Throws: `ServiceFailure` around what `BuildService.build` and `ImageResolver.image` throw, of the first service
    ///   that fails; what else was going on is cancelled. `CancellationError`.
    func ensure(_ services: [Service]) async throws -> [String: ServiceImage] {
        let plan = try plan(services)
        let made = try await run(plan.works)
        return Dictionary(
            services.compactMap { service in
                plan.workOfService[service.name].flatMap { made[$0] }.map { (service.name, $0) }
            }
        ) { $1 }
    }

    /// What an image is called that a service has: its `image`, or the name of project and service.
    func name(of service: Service) throws -> ImageReference {
        do {
            return try ImageReference(parsing: project.image(of: service))
        } catch {
            throw ServiceFailure(service.name, UserError("\(error)"))
        }
    }

    /// The image of the store that a service would run.
    func stored(_ name: ImageReference, for service: Service) throws -> StoredImage? {
        let platform = try Platform.wanted(service.platform)
        guard let found = images.find(reference: name, platform: platform ?? .host) else { return nil }
        return platform.map { $0.best(among: [found.platform]) != nil } ?? true ? found : nil
    }

    // MARK: - What is to be done

    /// One image that is found, pulled or built.
    private struct Work: Sendable {
        enum Kind: Sendable {
            case find, pull
            case build(BuildDefinition, BuildReason)
        }

        let kind: Kind
        let name: ImageReference
        let service: Service
        /// What has to be done before.
        var needs: Set<String> = []
    }

    private struct Plan {
        var works: [String: Work] = [:]
        var workOfService: [String: String] = [:]
    }

    private func plan(_ services: [Service]) throws -> Plan {
        var plan = Plan()
        let others = project.services + project.builders
        let known = Dictionary(others.map { ($0.name, $0) }) { first, _ in first }
        for service in services {
            guard let definition = service.build, let reason = try reason(for: service) else { continue }
            try addBuild(service, definition, reason, known, to: &plan)
        }
        // Where several services have one image, those that do not build it get it from the one that does.
        var builders: [ImageReference: String] = [:]
        for (key, work) in plan.works.sorted(by: { $0.key < $1.key }) { builders[work.name] = key }
        for service in services where plan.workOfService[service.name] == nil {
            let name = try name(of: service)
            if let builder = builders[name] {
                plan.workOfService[service.name] = builder
                continue
            }
            let stored = try stored(name, for: service)
            let isBuilt = stored == nil || policy.build == .always || policy.expectsCached
            if isBuilt, service.build == nil, policy.build != .never,
                let builder = try others.first(where: { try $0.build != nil && self.name(of: $0) == name }),
                let definition = builder.build
            {
                try addBuild(builder, definition, stored == nil ? .missing : .asked, known, to: &plan)
                builders[name] = ServiceImages.key(builder)
                plan.workOfService[service.name] = builders[name]
                continue
            }
            let isPulled = try pulls(service, name, isThere: stored != nil)
            let key = "\(name) \(service.platform ?? "")"
            if plan.works[key] == nil || isPulled {
                plan.works[key] = Work(kind: isPulled ? .pull : .find, name: name, service: service)
            }
            plan.workOfService[service.name] = key
        }
        return plan
    }

    private static func key(_ service: Service) -> String { "build \(service.name)" }

    /// Why a service with a `build` is built; `nil` where its image is taken as it is.
    private func reason(for service: Service) throws -> BuildReason? {
        if policy.build == .never { return nil }
        if policy.build == .always || policy.expectsCached { return .asked }
        let isThere = try stored(try name(of: service), for: service) != nil
        switch policy.pull ?? service.pullPolicy {
        case .build: return .policy
        // It may come from a registry, if the file or the command says so.
        case .always, .missing, .every: return nil
        case .never, nil: return isThere ? nil : .missing
        }
    }

    private func addBuild(
        _ service: Service,
        _ definition: BuildDefinition,
        _ reason: BuildReason,
        _ known: [String: Service],
        to plan: inout Plan
    ) throws {
        let key = ServiceImages.key(service)
        guard plan.works[key] == nil else { return }
        var work = Work(kind: .build(definition, reason), name: try name(of: service), service: service)
        plan.works[key] = work
        plan.workOfService[service.name] = key
        for base in definition.additionalContexts.values.compactMap(ServiceBuild.service) {
            guard let base = known[base], let its = base.build else { continue }
            try addBuild(base, its, .base(of: service.name), known, to: &plan)
            work.needs.insert(ServiceImages.key(base))
        }
        plan.works[key] = work
    }

    /// Whether an image is looked for in its registry.
    private func pulls(_ service: Service, _ name: ImageReference, isThere: Bool) throws -> Bool {
        switch policy.pull ?? service.pullPolicy {
        case .always: return true
        case .never: return false
        case .every(let nanoseconds) where isThere:
            let last = images.confirmationTime(of: name) ?? 0
            return Int64(time(nil)) - last > nanoseconds / 1_000_000_000
        case .missing, .build, .every, nil: return !isThere
        }
    }

    // MARK: - Doing it

    /// Each work has threads of its own, and each build several processes.
    static let limit = 8

    private func run(_ works: [String: Work]) async throws -> [String: ServiceImage] {
        try await withThrowingTaskGroup(of: (String, ServiceImage).self) { group in
            var waiting = works
            var running = 0
            var made: [String: ServiceImage] = [:]
            func begin() {
                let ready = waiting.filter { $0.value.needs.allSatisfy { made[$0] != nil } }
                for (key, work) in ready.sorted(by: { $0.key < $1.key }).prefix(ServiceImages.limit - running) {
                    waiting[key] = nil
                    running += 1
                    let bases = Dictionary(
                        work.needs.compactMap { need in
                            works[need].flatMap { base in made[need].map { (base.service.name, $0) } }
                        }
                    ) { $1 }
                    group.addTask { (key, try await execute(work, bases)) }
                }
            }
            begin()
            while let (key, image) = try await group.next() {
                running -= 1
                made[key] = image
                begin()
            }
            return made
        }
    }

    private func execute(_ work: Work, _ bases: [String: ServiceImage]) async throws -> ServiceImage {
        do {
            switch work.kind {
            case .find, .pull: return try await found(work)
            case .build(let definition, let reason):
                return try await built(work.service, definition, reason, work.name, bases)
            }
        } catch let error as CancellationError {
            throw error
        } catch {
            throw ServiceFailure(work.service.name, error)
        }
    }

    private func found(_ work: Work) async throws -> ServiceImage {
        let service = work.service
        let previous = try stored(work.name, for: service)?.id
        var how = PullPolicy.never
        if case .pull = work.kind { how = previous == nil ? .missing : .always }
        let resolver = ImageResolver(images, pull: how) { [progress] event in
            progress.show(.part(of: service.name, .transfer(event)))
        }
        let platform = try Platform.wanted(service.platform)
        do {
            let image = try await resolver.image(named: service.image ?? work.name.familiar, platform: platform)
            return ServiceImage(
                name: work.name,
                image: image,
                previous: previous,
                origin: how == .never ? .store : .pulled
            )
        } catch let error as UserError {
            // A registry that has none is no reason to fail where the image can be built.
            guard how != .never, policy.build != .never, let definition = service.build else { throw error }
            progress.show(.part(of: service.name, .note("\(error.message); building it")))
            return try await built(service, definition, .missing, work.name, [:])
        }
    }
}
