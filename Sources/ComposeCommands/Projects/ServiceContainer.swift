internal import Compose
internal import ContainerCommands
internal import Containers

/// A container of a project's service.
struct ServiceContainer: Sendable {
    let container: Container
    let service: String
    /// Counted from 1 within the service.
    let number: Int
    /// Whether it runs one command that was given to `compose run`.
    let isOneOff: Bool

    /// - Returns: `nil` for a container of no project.
    init?(_ container: Container) {
        let labels = container.record.labels
        guard let service = labels[ProjectLabel.service] else { return nil }
        self.container = container
        self.service = service
        number = labels[ProjectLabel.number].flatMap { Int($0) } ?? 0
        isOneOff = labels[ProjectLabel.isOneOff]?.lowercased() == "true"
    }

    var name: String { "\(container.record.name)" }
    var isRunning: Bool { container.state.isRunning }

    /// The name without that of the project, which stands before its output.
    var shortName: String {
        let project = container.record.labels[ProjectLabel.project] ?? ""
        for separator in ["-", "_"] where name.hasPrefix(project + separator) {
            return String(name.dropFirst(project.count + 1))
        }
        return name
    }

    /// The services that it depends on.
    var dependencies: [String] {
        (container.record.labels[ProjectLabel.dependencies] ?? "").split(separator: ",").compactMap {
            $0.split(separator: ":").first.map(String.init)
        }
    }

    /// As planning sees it.
    var existing: ExistingContainer {
        let record = container.record
        let values = record.annotations[ServiceContainer.configurationKey].flatMap(ServiceContainer.values) ?? [:]
        return ExistingContainer(
            id: "\(container.id)",
            name: name,
            number: number,
            configuration: ServiceConfiguration(hash: record.labels[ProjectLabel.hash] ?? "", values: values),
            image: record.imageID.map { "\($0)" },
            isRunning: isRunning
        )
    }
}
