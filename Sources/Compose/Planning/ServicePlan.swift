/// What `up` does for a service: what becomes of its containers, and which are created.
public struct ServicePlan: Sendable, Equatable {
    /// Why a container does not stay as it is.
    public enum Reason: Sendable, Equatable {
        /// Empty where what it was made of is not known.
        case changed([ConfigurationChange])
        /// Its image is another one now.
        case image(old: String?, new: String)
        /// `--force-recreate`.
        case forced
        /// It shares something with the containers of a service that are replaced, or `depends_on` has `restart: true`.
        case dependency(String)
        /// There are more than the service asks for.
        case surplus
        /// It was to take the place of another one when the command that made it was killed.
        case leftOver
    }

    public enum Step: Sendable, Equatable {
        case keep(ExistingContainer)
        case start(ExistingContainer)
        case restart(ExistingContainer, Reason)
        case create(number: Int)
        case replace(ExistingContainer, Reason)
        case remove(ExistingContainer, Reason)
    }

    /// When containers are replaced that exist.
    public enum Policy: Sendable {
        /// Where what they were made of has changed.
        case changed
        case always, never
    }

    /// A service whose containers were replaced.
    public struct Followed: Sendable, Equatable {
        public let service: String
        /// Whether those that depend on it are replaced too, or only restarted.
        public let replaces: Bool

        public init(_ service: String, replaces: Bool) { (self.service, self.replaces) = (service, replaces) }
    }

    /// What is asked for of a service.
    public struct Request: Sendable {
        public let configuration: ServiceConfiguration
        public let replicas: Int
        /// The ID of the image that it has now; `nil` where that is not looked at.
        public let image: String?
        public let policy: Policy
        /// Whether the containers are to run.
        public let starts: Bool
        /// The services whose containers were replaced, and whose change its own containers follow.
        public var followed: [Followed] = []

        public init(
            configuration: ServiceConfiguration,
            replicas: Int,
            image: String?,
            policy: Policy = .changed,
            starts: Bool = true
        ) {
            self.configuration = configuration
            self.replicas = replicas
            self.image = image
            self.policy = policy
            self.starts = starts
        }
    }

    /// In the order in which they are done.
    public let steps: [Step]

    /// - Parameter existing: The containers of the service, those that run once for a command left out.
    public init(_ request: Request, existing: [ExistingContainer]) {
        var steps: [Step] = []
        var kept: [ExistingContainer] = []
        // Two have one number where a command was killed while it replaced the first by the second.
        for (number, same) in Dictionary(grouping: existing, by: \.number).sorted(by: { $0.key < $1.key }) {
            let best = same.max { ServicePlan.rank($0, request) < ServicePlan.rank($1, request) }
            for container in same where container.id != best?.id { steps.append(.remove(container, .leftOver)) }
            if let best, number > 0 { kept.append(best) }
        }
        // Those that are right stay; of the others the last ones go.
        let byWorth = kept.sorted {
            (ServicePlan.reason($0, request) == nil ? 0 : 1, $0.number)
                < (ServicePlan.reason($1, request) == nil ? 0 : 1, $1.number)
        }
        for container in byWorth.dropFirst(request.replicas) { steps.append(.remove(container, .surplus)) }
        kept = byWorth.prefix(request.replicas).sorted { $0.number < $1.number }
        steps += kept.map { ServicePlan.step($0, request) }
        let last = kept.map(\.number).max() ?? 0
        steps += (0..<max(0, request.replicas - kept.count)).map { .create(number: last + 1 + $0) }
        self.steps = steps
    }

    /// Whether containers are created or take the place of others.
    public var makesContainers: Bool {
        steps.contains {
            switch $0 {
            case .create, .replace: true
            case .keep, .start, .restart, .remove: false
            }
        }
    }

    /// Of two with one number, the one that is right, or else that runs.
    private static func rank(_ container: ExistingContainer, _ request: Request) -> Int {
        (reason(container, request) == nil ? 2 : 0) + (container.isRunning ? 1 : 0)
    }

    private static func step(_ container: ExistingContainer, _ request: Request) -> Step {
        if let reason = reason(container, request) { return .replace(container, reason) }
        let followed = request.policy == .never ? nil : request.followed.first
        if let followed, followed.replaces { return .replace(container, .dependency(followed.service)) }
        guard request.starts else { return .keep(container) }
        if !container.isRunning { return .start(container) }
        if let followed { return .restart(container, .dependency(followed.service)) }
        return .keep(container)
    }

    private static func reason(_ container: ExistingContainer, _ request: Request) -> Reason? {
        switch request.policy {
        case .never: return nil
        case .always: return .forced
        case .changed: break
        }
        guard request.configuration.isSatisfied(by: container.configuration) else {
            return .changed(request.configuration.changes(from: container.configuration))
        }
        if let image = request.image, container.image != image { return .image(old: container.image, new: image) }
        return nil
    }
}
