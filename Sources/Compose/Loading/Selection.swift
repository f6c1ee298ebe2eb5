internal import Reporting

/// Leaves of a project the services of the active profiles, or those that are asked for with what they need.
struct Selection {
    let problems: ProblemList
    let profiles: Set<String>
    let services: [String]

    /// - Parameters:
    ///   - project: With all services.
    ///   - inactive: The services that their profiles switch off, by name.
    func apply(to project: Node) throws -> (project: Node, inactive: Set<String>) {
        guard let all = project["services"]?.mapping else { return (project, []) }
        for name in services where all[name] == nil {
            let nearest = SpellingSuggestion.closest(to: name, in: all.entries.map(\.key))
            throw UserError("no such service: `\(name)`", hints: nearest.map { ["did you mean `\($0)`?"] } ?? [])
        }
        let active = all.entries.filter { isActive($0) || services.contains($0.key) }.map(\.key)
        let inactive = Set(all.entries.map(\.key)).subtracting(active)
        let wanted = services.isEmpty ? Set(active) : needed(all, among: Set(active))
        var kept = NodeMapping()
        for entry in all.entries where wanted.contains(entry.key) { kept.set(entry.key, entry.value, at: entry.place) }
        return (project.updating("services") { $0.with(.mapping(kept)) }, inactive)
    }

    private func isActive(_ entry: NodeMapping.Entry) -> Bool {
        let own = entry.value["profiles"]?.list?.compactMap(\.string) ?? []
        return own.isEmpty || profiles.contains("*") || !profiles.isDisjoint(with: own)
    }

    /// The services that are asked for, and those that they depend on.
    private func needed(_ all: NodeMapping, among active: Set<String>) -> Set<String> {
        var result: Set<String> = []
        var rest = services
        while let name = rest.popLast() {
            guard result.insert(name).inserted else { continue }
            rest += all[name]?["depends_on"]?.mapping?.entries.map(\.key).filter(active.contains) ?? []
        }
        return result
    }

    /// The services that build what services of a project begin with or run, and are not in it themselves.
    static func builders(for project: Node, among all: Node) -> NodeMapping {
        var result = NodeMapping()
        var rest = project["services"]?.mapping?.entries.map(\.value) ?? []
        while let service = rest.popLast() {
            let contexts = service["build"]?["additional_contexts"]?.mapping?.entries.compactMap(\.value.string) ?? []
            var names = contexts.filter { $0.hasPrefix("service:") }.map { String($0.dropFirst(8)) }
            if service["build"] == nil, let image = service["image"]?.string {
                let maker = all["services"]?.mapping?.entries.first {
                    $0.value["build"] != nil && $0.value["image"]?.string == image
                }
                if let maker { names.append(maker.key) }
            }
            for name in names {
                guard let entry = all["services"]?.mapping?.entry(name), project["services"]?[name] == nil,
                    result[name] == nil
                else { continue }
                result.set(entry.key, entry.value, at: entry.place)
                rest.append(entry.value)
            }
        }
        return result
    }

    /// Without networks, volumes, secrets and configs that no service uses.
    ///
    /// - Parameter builders: Services that are only built.
    static func withoutUnused(_ project: Node, builders: NodeMapping) -> Node {
        var used: [String: Set<String>] = [:]
        for service in project["services"]?.mapping?.entries.map(\.value) ?? [] {
            used["networks", default: []].formUnion(service["networks"]?.mapping?.entries.map(\.key) ?? [])
            for mount in service["volumes"]?.list ?? [] where mount["type"]?.string == "volume" {
                if let source = mount["source"]?.string { used["volumes", default: []].insert(source) }
            }
            for reference in (service["secrets"]?.list ?? []) + (service["build"]?["secrets"]?.list ?? []) {
                if let source = reference["source"]?.string { used["secrets", default: []].insert(source) }
            }
            for reference in service["configs"]?.list ?? [] {
                if let source = reference["source"]?.string { used["configs", default: []].insert(source) }
            }
        }
        var result = project
        for builder in builders.entries {
            used["secrets", default: []].formUnion(
                builder.value["build"]?["secrets"]?.list?.compactMap { $0["source"]?.string } ?? []
            )
        }
        for section in ["networks", "volumes", "secrets", "configs"] {
            guard let node = project[section], let mapping = node.mapping else { continue }
            var kept = NodeMapping()
            for entry in mapping.entries where entry.key.hasPrefix("x-") || used[section]?.contains(entry.key) ?? false
            {
                kept.set(entry.key, entry.value, at: entry.place)
            }
            result =
                kept.entries.isEmpty ? result.removing(section) : result.setting(section, node.with(.mapping(kept)))
        }
        return result
    }
}
