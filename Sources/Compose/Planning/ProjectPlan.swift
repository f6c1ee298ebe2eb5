/// What `up` does for all services of a project.
public struct ProjectPlan: Sendable {
    /// What is asked for, besides what the file says.
    public struct Options: Sendable {
        public var policy = ServicePlan.Policy.changed
        /// In the place of `policy`, for services that only others need.
        public var policyOfDependencies: ServicePlan.Policy?
        /// The services that are asked for; empty for all.
        public var services: Set<String> = []
        /// How many containers, by service, in the place of what the file says.
        public var replicas: [String: Int] = [:]
        /// Whether containers are to run.
        public var starts = true

        public init() {}
    }

    /// In the order in which the services start.
    public let services: [(service: Service, plan: ServicePlan)]

    /// - Parameters:
    ///   - existing: The containers of each service, those that run once for a command left out.
    ///   - images: The ID of the image of each service; where there is none, it is not looked at.
    public init(
        _ project: Project,
        existing: [String: [ExistingContainer]],
        images: [String: String],
        _ options: Options = Options()
    ) {
        var changed: Set<String> = []
        services = project.services.map { service in
            let isAskedFor = options.services.isEmpty || options.services.contains(service.name)
            let containers = existing[service.name] ?? []
            var request = ServicePlan.Request(
                configuration: service.configuration,
                replicas: options.replicas[service.name] ?? service.replicas,
                image: images[service.name],
                policy: isAskedFor ? options.policy : options.policyOfDependencies ?? options.policy,
                starts: options.starts
            )
            let shared = service.sharedServices
            request.followed =
                shared.filter(changed.contains).map { ServicePlan.Followed($0, replaces: true) }
                + service.dependencies.filter { $0.restarts && changed.contains($0.service) }.map {
                    ServicePlan.Followed($0.service, replaces: false)
                }
            let plan = ServicePlan(request, existing: containers)
            if plan.makesContainers { changed.insert(service.name) }
            return (service, plan)
        }
    }
}

extension Service {
    /// The services whose containers its own are made with, so that they are tied to those very ones.
    public var sharedServices: [String] {
        let volumes = volumesFrom.compactMap { text -> String? in
            let name = text.split(separator: ":").first.map(String.init)
            return name == "container" ? nil : name
        }
        let namespaces = [privileges.pid, privileges.ipc].compactMap { text in
            text.flatMap { $0.hasPrefix("service:") ? String($0.dropFirst(8)) : nil }
        }
        if case .service(let name) = networking.mode { return [name] + namespaces + volumes }
        return namespaces + volumes
    }
}
