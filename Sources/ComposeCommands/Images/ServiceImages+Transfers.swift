internal import CommandSupport
internal import Compose
internal import Distribution
internal import Images
internal import OCI
internal import Registry
internal import Reporting
internal import TerminalUI

extension ServiceImages {
    /// What could not be pulled or pushed.
    struct Failure: Sendable {
        let service: Service
        let error: any Error
    }

    /// Pulls the images of services, each once, as `pull_policy` says.
    ///
    /// - Parameter isIgnored: Whether the others are still pulled when this one cannot be.
    /// - Returns: The failures that were ignored, by name of the service.
    /// - Throws: `ServiceFailure`, `CancellationError`.
    func pull(_ services: [Service], isIgnored: @escaping @Sendable (Service) -> Bool) async throws -> [Failure] {
        var seen: Set<String> = []
        let wanted = try services.filter { service in
            let name = try name(of: service)
            guard try pullsNow(service, name) else { return false }
            return seen.insert("\(name) \(service.platform ?? "")").inserted
        }
        return try await atOnce(wanted, isIgnored: isIgnored) { service in
            let resolver = ImageResolver(images, pull: .always) { [progress] event in
                progress.show(.part(of: service.name, .transfer(event)))
            }
            let platform = try Platform.wanted(service.platform)
            _ = try await resolver.image(named: try name(of: service).familiar, platform: platform)
        }
    }

    /// Whether `pull` is for a service; says why it is not.
    private func pullsNow(_ service: Service, _ name: ImageReference) throws -> Bool {
        func not(_ reason: String) -> Bool {
            progress.show(.part(of: service.name, .note("not pulled: \(reason)")))
            return false
        }
        guard service.image != nil else { return not("it has no `image`") }
        switch policy.pull ?? service.pullPolicy {
        case .never: return not("`pull_policy` is `never`")
        case .build: return not("`pull_policy` is `build`")
        case .missing where try stored(name, for: service) != nil: return not("the image is in the store")
        case .always, .missing, .every, nil: return true
        }
    }

    /// Pushes the images of services that have both `image` and `build`, with their other tags.
    ///
    /// - Returns: The failures that were ignored.
    /// - Throws: `ServiceFailure`, `CancellationError`.
    func push(_ services: [Service], ignoresFailures: Bool) async throws -> [Failure] {
        let wanted = services.filter { $0.image != nil && $0.build != nil }
        return try await atOnce(wanted, isIgnored: { _ in ignoresFailures }) { service in
            let pusher = ImagePusher(.shared, from: images) { [progress] event in
                progress.show(.part(of: service.name, .transfer(event)))
            }
            let tags = try (service.build?.tags ?? []).map { try ImageReference(parsing: $0) }
            for name in [try name(of: service)] + tags {
                let sent = try await pusher.push(name)
                progress.show(.part(of: service.name, .exported("\(name) (\(sent.digest), \(sent.size) bytes)")))
            }
        }
    }

    /// Several at once.
    private func atOnce(
        _ services: [Service],
        isIgnored: @escaping @Sendable (Service) -> Bool,
        _ body: @escaping @Sendable (Service) async throws -> Void
    ) async throws -> [Failure] {
        try await withThrowingTaskGroup(of: Failure?.self) { group in
            var waiting = services[...]
            var failures: [Failure] = []
            func begin() {
                guard let service = waiting.popFirst() else { return }
                group.addTask {
                    do {
                        try await body(service)
                        return nil
                    } catch let error as CancellationError {
                        throw error
                    } catch {
                        guard isIgnored(service) else { throw ServiceFailure(service.name, error) }
                        return Failure(service: service, error: error)
                    }
                }
            }
            for _ in 0..<ServiceImages.limit { begin() }
            while let result = try await group.next() {
                if let result { failures.append(result) }
                begin()
            }
            return failures.sorted { $0.service.name < $1.service.name }
        }
    }
}
