internal import Compose
internal import ContainerCommands
internal import Containers
internal import ContentStore
internal import FileSystem
internal import Images
internal import Layers
internal import Reporting
internal import SystemPackage

/// A project and what it has in a store.
struct ComposeProject: Sendable {
    let name: ProjectName
    /// `nil` where there is no Compose file, and only the name was given.
    let definition: Project?
    let images: ImageStore

    var store: ContainerStore { ContainerStore(images.layers) }

    /// Its containers by service and number, one-off ones among them.
    func containers() throws -> [ServiceContainer] {
        try store.all().filter { $0.record.labels[ProjectLabel.project] == name.text }
            .compactMap(ServiceContainer.init)
            .sorted { ($0.service, $0.number, $0.name) < ($1.service, $1.number, $1.name) }
    }

    /// The containers of some services, or of all, one-off ones left out.
    ///
    /// - Throws: `UserError` for a service that there is not.
    func containers(of services: [String], includesOneOffs: Bool = false) throws -> [ServiceContainer] {
        let all = try containers().filter { includesOneOffs || !$0.isOneOff }
        guard !services.isEmpty else { return all }
        let known = (definition?.declaredServices ?? []).union(all.map(\.service))
        for service in services where !known.contains(service) {
            throw ComposeProject.noService(service, among: known)
        }
        return all.filter { services.contains($0.service) }
    }

    /// The container of a service that a command is about.
    ///
    /// - Parameter index: Its number; `nil` for the first.
    /// - Throws: `UserError`.
    func container(of service: String, index: Int?) throws -> Container {
        let all = try containers(of: [service])
        let running = all.filter(\.isRunning)
        let found = index.map { index in all.first { $0.number == index } } ?? running.first ?? all.first
        guard let found else {
            throw UserError(
                index.map { "the service `\(service)` has no container \($0)" }
                    ?? "the service `\(service)` has no container",
                hints: ["`compose up -d \(service)` creates and starts it"]
            )
        }
        return found.container
    }

    static func noService(_ name: String, among known: some Collection<String>) -> UserError {
        let nearest = SpellingSuggestion.closest(to: name, in: known.sorted())
        return UserError("no such service: `\(name)`", hints: nearest.map { ["did you mean `\($0)`?"] } ?? [])
    }

    /// Held while containers of the project are created or removed, so that two commands do not do it at once.
    func lock() throws -> FileLock {
        let path = images.store[.locks].appending("compose-\(name)")
        if let lock = try FileLock.tryAcquire(path, .exclusive) { return lock }
        ProjectProgress.note("waiting for another `compose` command on the project `\(name)`")
        return try FileLock.acquire(path, .exclusive)
    }

    /// The order in which its services start: by the file, or else by what its containers say.
    func graph(_ containers: [ServiceContainer]) -> ServiceGraph {
        var needs: [String: Set<String>] = [:]
        for container in containers {
            needs[container.service, default: []].formUnion(container.dependencies)
        }
        for service in definition?.services ?? [] { needs[service.name] = Set(service.dependencies.map(\.service)) }
        return ServiceGraph(needs)
    }
}
