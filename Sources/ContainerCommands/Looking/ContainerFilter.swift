import CommandSupport
import Containers
import Reporting

/// Which containers `ps --filter` lists: those that each name has one of the values for.
struct ContainerFilter {
    private let filters: NamedFilters
    /// What was created before and after those that `before` and `since` name.
    private let inTime: Set<ContainerID>

    /// - Parameter containers: All that there are, the latest first.
    /// - Throws: `UserError` with the status for wrong use, or for a container that is not there.
    init(_ texts: [String], among containers: [ContainerSummary]) throws(UserError) {
        let filters = try NamedFilters(
            texts,
            known: [
                "status", "name", "id", "ancestor", "label", "exited", "health", "volume", "network", "before", "since",
            ]
        )
        var inTime = Set(filters["before"] == nil && filters["since"] == nil ? [] : containers.map(\.id))
        for filter in ["before", "since"] {
            for name in filters[filter] ?? [] {
                let named = containers.firstIndex { $0.name == name }
                guard let index = named ?? containers.firstIndex(where: { "\($0.id)".hasPrefix(name) }) else {
                    throw UserError("--filter \(filter): no such container: `\(name)`")
                }
                let chosen = filter == "before" ? containers[(index + 1)...] : containers[..<index]
                inTime.formIntersection(chosen.map(\.id))
            }
        }
        (self.filters, self.inTime) = (filters, inTime)
    }

    var hasStatus: Bool { filters["status"] != nil || filters["exited"] != nil }

    func accepts(_ container: ContainerSummary) -> Bool {
        guard !filters.isEmpty else { return true }
        return filters.accepts(labels: container.labels) { name, value in
            switch name {
            case "status": container.status.rawValue == value
            case "name": ["", "/"].contains { NamedFilters.matches(value, $0 + container.name) }
            case "id": NamedFilters.matches(value, "\(container.id)")
            case "ancestor":
                container.image == value || container.image == value + ":latest"
                    || container.imageID?.contains(value) ?? false
            case "exited": container.status == .exited && String(container.exitCode) == value
            case "health": (container.health?.rawValue ?? "none") == value
            case "volume": container.volumes.contains(value)
            case "network": container.networks.contains(value)
            default: inTime.contains(container.id)
            }
        }
    }
}
